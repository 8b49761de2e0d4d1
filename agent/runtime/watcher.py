"""Runs one source: looks when woken, looks anyway when its interval is over, and posts everything that it saw.

Level, not edge: a hint only wakes a look early. A lost hint costs latency, never truth.
"""

import threading
from collections.abc import Sequence
from dataclasses import dataclass, field

from agent.ports import Clock, Nearby, Source, Wake
from agent.runtime.budgets import Budgets
from agent.runtime.mailbox import Mailbox
from agent.runtime.waiting import Beat, Patience, WakeBit, usual


def _nothing() -> None:
    """Tell nobody."""


@dataclass(eq=False)
class Watcher:
    """The worker of one source. An exception out of `look` is a crash: sources return what they could not see.

    `looked_at` is when the last look began that was posted, in Unix seconds. `moved` is called when the source may want to watch
    something else than before; `patience` is for the interval.
    """

    source: Source
    mailbox: Mailbox
    clock: Clock
    budgets: Budgets
    moved: Wake = _nothing
    patience: Patience = usual
    looked_at: float | None = field(default=None, init=False)
    _watched: Sequence[str | Nearby] = field(default=(), init=False)
    _bit: WakeBit = field(default_factory=WakeBit, init=False)
    _paid_at: float = field(default=0.0, init=False)

    @property
    def name(self) -> str:
        """The worker's name: that of its source."""
        return self.source.name

    def wake(self) -> None:
        """Look soon."""
        self._bit.set()

    def run(self, stop: threading.Event, beat: Beat) -> None:
        """Look and post until `stop` is set."""
        while not stop.is_set():
            beat()
            began, at = self.clock.monotonic(), self.clock.now()
            self.mailbox.post(self.source.name, self.source.look())
            self.looked_at = at
            if (watched := self.source.watched()) is not self._watched:
                self._watched = watched
                self.moved()
            beat()
            self._rest(self.clock.monotonic() - began, stop, beat)

    def _rest(self, took_s: float, stop: threading.Event, beat: Beat) -> None:
        """Wait for a hint or the interval, but never look more often than the budget allows, whoever writes files how fast."""
        interval_s = self.patience(self.source.interval_s)
        gap = min(max(self.budgets.look_gap_min_s, took_s * self.budgets.look_gap_factor), interval_s)
        now = self.clock.monotonic()  # a rest that a beat cut short is let go: what adds up would outlast the haste
        self._paid_at = min(max(self._paid_at, now), now + self.budgets.look_ahead_s) + gap
        woken = self._bit.wait(interval_s, beat, self.budgets.beat_every_s)
        left = self._paid_at - self.budgets.look_ahead_s - self.clock.monotonic()
        if woken and left > 0:
            stop.wait(min(left, self.budgets.beat_every_s))
