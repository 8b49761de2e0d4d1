"""The intake: takes envelopes from the event loop, stores what has gathered in one durable transaction, then answers each.

One thread writes, because a commit costs the same for one batch as for a hundred. What waits is bounded in bytes; beyond that
a batch is refused with `busy`, before its body is read where that is clear by then. A group that cannot be stored is tried batch
by batch, so that one that breaks something costs itself.
"""

import asyncio
import logging
import threading
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from sqlalchemy import Engine
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from central.core.envelope import Envelope
from central.core.receive import Taken
from central.core.refusal import Refusal, RefusedError, refusal
from central.store import partitions
from central.store.engine import writing
from central.store.taking import Rules, take

log = logging.getLogger(__name__)

Outcome = Taken | Refusal


@dataclass(frozen=True, slots=True, kw_only=True)
class IntakeBudget:
    """`waiting_bytes` bounds all bodies that are being read or wait; a group is at most `group_batches` and `group_bytes`."""

    waiting_bytes: int = 64 << 20
    group_batches: int = 256
    group_bytes: int = 8 << 20
    stop_s: float = 10.0


@dataclass(slots=True)
class _Waiting:
    envelope: Envelope
    loop: asyncio.AbstractEventLoop
    future: "asyncio.Future[Outcome]"


@dataclass(eq=False)
class Intake:
    """`rules` is asked anew for each group; `now` is Unix seconds; `told` hears of each outcome, for the figures."""

    engine: Engine
    rules: Callable[[], Rules]
    now: Callable[[], float]
    told: Callable[[Outcome], None]
    budget: IntakeBudget = field(default_factory=IntakeBudget)
    _queue: deque[_Waiting] = field(default_factory=deque, init=False)
    _changed: threading.Condition = field(default_factory=threading.Condition, init=False)
    _held_bytes: int = field(default=0, init=False)
    _stopping: bool = field(default=False, init=False)
    _thread: threading.Thread | None = field(default=None, init=False)
    _prepared_day: int = field(default=0, init=False)

    def start(self) -> None:
        """Begin to store."""
        self._thread = threading.Thread(target=self._run, name="intake", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Store what waits, and end."""
        with self._changed:
            self._stopping = True
            self._changed.notify()
        if self._thread is not None:
            self._thread.join(self.budget.stop_s)

    @property
    def alive(self) -> bool:
        """Whether the thread that stores is there."""
        return self._thread is not None and self._thread.is_alive()

    @property
    def waiting(self) -> tuple[int, int]:
        """How many batches wait, and how many bytes are held for bodies."""
        return len(self._queue), self._held_bytes

    @contextmanager
    def room(self, announced: int) -> Iterator[Callable[[int], None]]:
        """Give what holds room for the pieces of a body as they come. What is only announced takes no room from others.

        Raises:
            RefusedError: there is none for as many bytes now, or none any more for a piece (`busy`).
        """
        held = 0

        def hold(size: int) -> None:
            nonlocal held
            with self._changed:
                self._find(size)
                self._held_bytes += size
                held += size

        with self._changed:
            self._find(announced)
        try:
            yield hold
        finally:
            with self._changed:
                self._held_bytes -= held

    def _find(self, size: int) -> None:
        if self._held_bytes + size > self.budget.waiting_bytes or self._stopping:
            raise RefusedError("busy")

    async def submit(self, envelope: Envelope) -> Outcome:
        """Return what became of `envelope` once it is stored, or why it is not."""
        loop = asyncio.get_running_loop()
        waiting = _Waiting(envelope, loop, loop.create_future())
        with self._changed:
            self._queue.append(waiting)
            self._changed.notify()
        return await waiting.future

    def _run(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._queue or self._stopping)
                if not self._queue:
                    return
                group = self._gathered()
            outcomes = self._stored([waiting.envelope for waiting in group])
            for waiting, outcome in zip(group, outcomes, strict=True):
                self.told(outcome)
                waiting.loop.call_soon_threadsafe(_settle, waiting.future, outcome)

    def _gathered(self) -> list[_Waiting]:
        group: list[_Waiting] = []
        size = 0
        while self._queue and len(group) < self.budget.group_batches and size < self.budget.group_bytes:
            waiting = self._queue.popleft()
            size += len(waiting.envelope.body)
            group.append(waiting)
        return group

    def _stored(self, group: list[Envelope]) -> list[Outcome]:
        try:
            return self._take(group)
        except DBAPIError as error:
            if error.connection_invalidated or len(group) == 1:
                log.warning("cannot store: %s", type(error.orig).__name__)
                return [refusal("storage")] * len(group)
        except SQLAlchemyError as error:
            log.warning("cannot store: %s", type(error).__name__)
            return [refusal("storage")] * len(group)
        except Exception:
            log.exception("a group of %d batches cannot be stored", len(group))
            if len(group) == 1:
                return [refusal("storage")]
        return [outcome for envelope in group for outcome in self._stored([envelope])]

    def _take(self, group: list[Envelope]) -> list[Outcome]:
        now = self.now()
        self._prepare(partitions.day_of(now))
        with writing(self.engine) as connection:
            return take(connection, group, self.rules(), now)

    def _prepare(self, day: int) -> None:
        if day != self._prepared_day:
            with writing(self.engine) as connection:
                partitions.prepare(connection, day)
            self._prepared_day = day


def _settle(future: "asyncio.Future[Outcome]", outcome: Outcome) -> None:
    if not future.done():
        future.set_result(outcome)
