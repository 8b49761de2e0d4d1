"""Waiting on events, and being seen to wait."""

import threading
from collections.abc import Callable
from typing import Protocol

Beat = Callable[[], None]
"""Says that the calling worker is alive."""


Patience = Callable[[float], float]
"""Returns how long to wait now, in seconds, where on mains it would be so long."""


def usual(seconds: float) -> float:
    """Wait as long as ever (`Patience`)."""
    return seconds


class Worker(Protocol):
    """A named thread of the daemon. The supervisor makes the thread, and runs it again after a crash."""

    @property
    def name(self) -> str:
        """The name under which it is logged and shown in health; no two workers share one."""
        ...

    def run(self, stop: threading.Event, beat: Beat) -> None:
        """Work until `stop` is set, calling `beat` at least every `Budgets.beat_every_s`. Returning earlier is a crash."""
        ...

    def wake(self) -> None:
        """Make a wait in `run` return now; called after `stop` is set, from another thread."""
        ...


class Courier(Worker, Protocol):
    """A worker that, once `stop` is set, still carries away what waits, as far as that goes quickly."""

    def give_up(self) -> None:
        """End what is under way; called from another thread when the time is over."""
        ...


class WakeBit:
    """One bit that any thread may set, any number of times, and one thread waits for."""

    def __init__(self) -> None:
        self._event = threading.Event()

    def set(self) -> None:
        """Wake the waiting thread, or the next one to wait."""
        self._event.set()

    def wait(self, timeout_s: float | None, beat: Beat, beat_every_s: float) -> bool:
        """Wait until the bit is set or `timeout_s` is over (None: no limit), beating all the while; clear and return it."""
        left = timeout_s
        beat()
        while left is None or left > 0:
            chunk = beat_every_s if left is None else min(left, beat_every_s)
            if self._event.wait(chunk):
                break
            left = None if left is None else left - chunk
            beat()
        woken = self._event.is_set()
        if woken:  # clearing a bit that was not set could lose one that is being set right now
            self._event.clear()
        return woken
