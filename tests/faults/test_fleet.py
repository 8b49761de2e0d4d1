"""Monday morning: a fleet that could not reach the endpoint all weekend does not come back in one moment.

Real delivery and back-off, a clock per device; only the endpoint is simulated.
"""

from collections import Counter
from dataclasses import dataclass, field
from itertools import pairwise
from random import Random

from agent.ports import Accepted, Batch, Outcome, RetryLater
from agent.runtime.backoff import Backoff
from agent.runtime.budgets import Budgets
from agent.runtime.delivery import Delivery
from tests.sim.batches import batch_of
from tests.sim.clock import ManualClock

DEVICES = 300
WEEKEND_S = 60 * 3_600.0


@dataclass
class Endpoint:
    """Comes back at `back_at`, and takes `per_minute` batches a minute from then on; the others hear 429 with `Retry-After`."""

    back_at: float
    per_minute: int = 10**6
    asked: list[float] = field(default_factory=list)
    taken: Counter[int] = field(default_factory=Counter)

    def answer(self, at: float) -> Outcome:
        if at < self.back_at:
            return RetryLater("connection refused")
        self.asked.append(at)
        minute = int((at - self.back_at) // 60)
        if self.taken[minute] >= self.per_minute:
            return RetryLater("429", 120.0)
        self.taken[minute] += 1
        return Accepted()


class Device:
    """One batch that waits, from the moment at which the network went."""

    name = "https"

    def __init__(self, endpoint: Endpoint, number: int) -> None:
        self.endpoint, self.waits = endpoint, True
        self.heard: list[float] = []
        self.clock = ManualClock()
        self.began = self.clock.monotonic()
        budgets = Budgets()
        backoff = Backoff(Random(number), budgets.delivery_base_s, budgets.delivery_cap_s)
        self.delivery = Delivery(self, self, self.clock, backoff, budgets)

    @property
    def at(self) -> float:
        return self.clock.monotonic() - self.began

    def lives_until(self, at: float) -> None:
        while self.waits and self.at < at:
            wait = self.delivery.step()
            self.clock.pass_s(wait or 0.001)

    def send(self, _batch: Batch) -> Outcome:
        if self.at >= self.endpoint.back_at:
            self.heard.append(self.at)
        return self.endpoint.answer(self.at)

    def probe(self) -> str | None:
        return None

    def abort(self) -> None:
        """Nothing lasts here."""

    def close(self) -> None:
        """Nothing is open here."""

    def pending(self, _sink: str, _events: int, _bytes: int) -> Batch | None:
        return batch_of("b", 1, 1, ({},)) if self.waits else None

    def urgent(self, _sink: str) -> bool:
        return True  # an alert waits, on every device

    def claim(self, _sink: str, _batch: Batch) -> None:
        """It is always the same."""

    def release(self, _sink: str) -> None:
        """It is never too large."""

    def acknowledge(self, _sink: str, _batch: Batch) -> None:
        self.waits = False

    def set_aside(self, _sink: str, _batch: Batch, _reason: str) -> None:
        raise AssertionError


def fleet(endpoint: Endpoint, hours: float) -> list[Device]:
    """Let all devices live through the weekend, and in steps of a minute through what follows it."""
    devices = [Device(endpoint, number) for number in range(DEVICES)]
    for device in devices:
        device.lives_until(WEEKEND_S)
    for minute in range(int(hours * 60)):
        for device in devices:
            device.lives_until(WEEKEND_S + minute * 60.0)
    return devices


def test_a_fleet_that_comes_back_together_is_spread_over_the_hour_and_nobody_is_left_out() -> None:
    endpoint = Endpoint(WEEKEND_S)
    devices = fleet(endpoint, 1.1)
    assert [device for device in devices if device.waits] == []
    by_minute = Counter(int((at - WEEKEND_S) // 60) for at in endpoint.asked)
    assert len(by_minute) > 45
    assert max(by_minute.values()) <= 5 * DEVICES / 60  # five times what an even spread would be


def test_a_fleet_that_is_told_to_come_later_gets_through_without_a_storm() -> None:
    endpoint = Endpoint(WEEKEND_S, per_minute=3)
    devices = fleet(endpoint, 12)
    assert [device for device in devices if device.waits] == []
    by_minute = Counter(int((at - WEEKEND_S) // 60) for at in endpoint.asked)
    assert max(by_minute.values()) <= DEVICES / 4  # without jitter all that it turned away would ask every other minute
    assert all(earlier + 120.0 <= later for device in devices for earlier, later in pairwise(device.heard))
