"""One worker per destination: carries the outbox to it in order, one batch in flight, and loses nothing.

Alerts go at once; anything else may wait a moment for company. What cannot be taken now is tried again with full jitter; what
will never be taken is set aside where health shows it, and what follows goes on after a pause.
"""

import contextlib
import logging
import threading
from dataclasses import dataclass, field
from typing import Protocol

from agent.ports import Accepted, Batch, Clock, Outcome, Refused, RetryLater, Sink, StoreError, TooLarge
from agent.runtime.backoff import Backoff
from agent.runtime.budgets import Budgets
from agent.runtime.waiting import Beat, Patience, WakeBit, usual

log = logging.getLogger(__name__)


class Outbox(Protocol):
    """The part of the journal that a delivery needs; each method raises `StoreError` where the file cannot be used."""

    def pending(self, sink: str, max_events: int, max_bytes: int) -> Batch | None:
        """Return the next batch for `sink`."""
        ...

    def urgent(self, sink: str) -> bool:
        """Say whether an alert waits for `sink`."""
        ...

    def claim(self, sink: str, batch: Batch) -> None:
        """Fix `batch` until it is settled: a repeat, also after a crash, is then the same batch."""
        ...

    def release(self, sink: str) -> None:
        """Take the claim back, so that a smaller batch can be made."""
        ...

    def acknowledge(self, sink: str, batch: Batch) -> None:
        """Record that `sink` has `batch` for good."""
        ...

    def set_aside(self, sink: str, batch: Batch, reason: str) -> None:
        """Keep `batch` apart for `sink`."""
        ...


@dataclass(frozen=True, slots=True)
class DeliveryHealth:
    """How one destination does; times in Unix seconds, `failures` in a row, `retry_in_s` 0 where nothing is waited for."""

    sink: str
    last_accepted_at: float | None
    failures: int
    retry_in_s: float
    problem: str | None


@dataclass(eq=False)
class Delivery:
    """The worker of one destination."""

    sink: Sink
    outbox: Outbox
    clock: Clock
    backoff: Backoff
    budgets: Budgets
    problem: str | None = field(default=None, init=False)
    last_accepted_at: float | None = field(default=None, init=False)
    patience: Patience = usual  # for what is no alert and waits for company
    hold_s: float = 0.0  # after the start, unless an alert waits: a fleet that wakes together does not report together
    _bit: WakeBit = field(default_factory=WakeBit, init=False)
    _failures: int = field(default=0, init=False)
    _not_before: float | None = field(default=None, init=False)
    _hold_until: float | None = field(default=None, init=False)
    _waiting_since: float | None = field(default=None, init=False)
    _max_events: int = field(default=0, init=False)

    def __post_init__(self) -> None:
        self._max_events = self.budgets.batch_max_events

    @property
    def name(self) -> str:
        """The worker's name."""
        return f"delivery:{self.sink.name}"

    def wake(self) -> None:
        """Look at the outbox now: something was committed, or the daemon ends."""
        self._bit.set()

    def give_up(self) -> None:
        """End an attempt in flight: the daemon ends, and has waited long enough."""
        self.sink.abort()

    def health(self) -> DeliveryHealth:
        """Return how the destination does; any thread may ask."""
        left = max(0.0, (self._not_before or 0.0) - self.clock.monotonic()) if self._not_before is not None else 0.0
        return DeliveryHealth(self.sink.name, self.last_accepted_at, self._failures, left, self.problem)

    def run(self, stop: threading.Event, beat: Beat) -> None:
        """Deliver until `stop` is set, and then what waits, without lingering, while it is taken."""
        while not stop.is_set():
            self._bit.wait(self.step(), beat, self.budgets.beat_every_s)
        self._flush(beat)

    def step(self) -> float | None:
        """Send at most one batch; return how many seconds to wait before the next step, None until woken."""
        now = self.clock.monotonic()
        if self._not_before is not None and now < self._not_before:
            return self._not_before - now
        try:
            batch = self.outbox.pending(self.sink.name, self._max_events, self.budgets.batch_max_bytes)
            if batch is None:
                self._waiting_since = None
                return None
            linger = self._linger(batch, now)
            if linger > 0:
                return linger
            return self._carry(batch)
        except StoreError as error:
            return self._failed(str(error), None)

    def _flush(self, beat: Beat) -> None:
        until = self.clock.monotonic() + self.budgets.flush_s
        going: float | None = None if self._failures else 0.0  # what failed just now will not go quickly
        with contextlib.suppress(StoreError):
            while going == 0.0 and self.clock.monotonic() < until:
                beat()
                batch = self.outbox.pending(self.sink.name, self._max_events, self.budgets.batch_max_bytes)
                going = None if batch is None else self._carry(batch)

    def _carry(self, batch: Batch) -> float | None:
        self.outbox.claim(self.sink.name, batch)
        return self._settle(batch, self.sink.send(batch))

    def _linger(self, batch: Batch, now: float) -> float:
        """Return how long `batch` may still wait for company."""
        if self._waiting_since is None:
            self._waiting_since = now
        if self._hold_until is None:
            self._hold_until = now + self.hold_s
        if now < self._hold_until:
            return 0.0 if self.outbox.urgent(self.sink.name) else self._hold_until - now
        linger_s = self.budgets.linger_s
        if self.last_accepted_at is not None:  # the first word of all is what whoever starts the agent waits for
            linger_s = self.patience(linger_s)
        left = self._waiting_since + linger_s - now
        full = len(batch.lines) >= self._max_events
        return 0.0 if full or self._failures or left <= 0 or self.outbox.urgent(self.sink.name) else left

    def _settle(self, batch: Batch, outcome: Outcome) -> float | None:
        match outcome:
            case Accepted():
                return self._accepted(batch)
            case RetryLater(reason, after_s):
                return self._failed(reason, after_s)
            case TooLarge(reason) if len(batch.lines) > 1:
                self.outbox.release(self.sink.name)
                self._max_events = max(1, len(batch.lines) // 2)
                log.info("%s: %s; sending %d events at a time", self.name, reason, self._max_events)
                return 0.0
            case TooLarge(reason) | Refused(reason):
                self.outbox.set_aside(self.sink.name, batch, reason)
                log.error("%s: events %d to %d are set aside: %s", self.name, *_range(batch), reason)
                return self._failed(reason, None)

    def _accepted(self, batch: Batch) -> float:
        self.outbox.acknowledge(self.sink.name, batch)
        if self._failures:
            log.info("%s: reports are getting through again", self.name)
        self._failures, self._not_before, self.problem = 0, None, None
        self.last_accepted_at = self.clock.now()
        self._max_events = min(self.budgets.batch_max_events, self._max_events * 2)
        return 0.0  # more may be waiting; the linger began with the oldest of it

    def _failed(self, reason: str, after_s: float | None) -> float:
        if self.problem != reason:
            log.warning("%s: %s", self.name, reason)
        self.problem = reason
        self._failures += 1
        delay = self.backoff.delay(self._failures, after_s)
        self._not_before = self.clock.monotonic() + delay
        return delay


def _range(batch: Batch) -> tuple[int, int]:
    return batch.first_sequence, batch.last_sequence
