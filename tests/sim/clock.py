"""A clock that moves only when it is told to, and randomness that is always the same."""

from random import Random


class ManualClock:
    def __init__(self, now: float = 1_700_000_000.0) -> None:
        self.wall = now
        self.steady = 1_000.0

    def now(self) -> float:
        return self.wall

    def monotonic(self) -> float:
        return self.steady

    def pass_s(self, seconds: float) -> None:
        self.wall += seconds
        self.steady += seconds


class MostRandom(Random):
    """`uniform` gives its upper end: what jitter can make at most."""

    def uniform(self, a: float, b: float) -> float:
        return max(a, b)
