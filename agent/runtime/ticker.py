"""A worker that does one small thing at a fixed interval."""

import threading
from collections.abc import Callable
from dataclasses import dataclass, field

from agent.runtime.budgets import Budgets
from agent.runtime.waiting import Beat, Patience, WakeBit, usual


@dataclass(eq=False)
class Ticker:
    """Calls `action` every `interval_s`, and at once when woken. An exception out of it is a crash."""

    name: str
    interval_s: float
    action: Callable[[], None]
    budgets: Budgets
    patience: Patience = usual
    _bit: WakeBit = field(default_factory=WakeBit, init=False)

    def wake(self) -> None:
        """Act now."""
        self._bit.set()

    def run(self, stop: threading.Event, beat: Beat) -> None:
        """Act until `stop` is set."""
        while not stop.is_set():
            self._bit.wait(self.patience(self.interval_s), beat, self.budgets.beat_every_s)
            if not stop.is_set():
                self.action()
