"""The only creator of threads: starts the workers, restarts what crashed, gives up when that does not help, stops in order.

A worker that crashes is logged by name and run again after a back-off. Too many crashes in a window, or a worker that hangs,
end the process with a non-zero status, so that the service manager acts: a process with a dead worker never looks alive.
Who carries away what the others made is ended last, and may take a moment for it.
"""

import logging
import queue
import threading
import traceback
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import PurePath
from typing import TypeVar

from agent.ports import Clock
from agent.runtime.backoff import Backoff
from agent.runtime.budgets import Budgets
from agent.runtime.waiting import Courier, Worker

log = logging.getLogger(__name__)

W = TypeVar("W", bound=Worker)

EXIT_STOPPED = 0
EXIT_FAILED = 70
"""`EX_SOFTWARE`: workers kept crashing, one hung, or one did not end when it was told to."""


@dataclass(frozen=True, slots=True)
class WorkerHealth:
    """How one worker does. `beat_age_s` is the time since it last said that it is alive; `last_crash` names the error."""

    name: str
    alive: bool
    restarts: int
    beat_age_s: float
    last_crash: str | None = None


@dataclass(slots=True, eq=False)
class _Thread:
    worker: Worker
    stop: threading.Event = field(default_factory=threading.Event)
    thread: threading.Thread | None = None
    beat_at: float = 0.0
    crashes: int = 0
    last_crash: str | None = None
    restart_at: float | None = None


@dataclass(frozen=True, slots=True)
class End:
    """What happens once the workers have ended: `farewell` is called with the exit status, then `couriers` are ended.

    They have `Budgets.flush_s` to carry away what the workers and the farewell left.
    """

    couriers: Sequence[Courier] = ()
    farewell: Callable[[int], None] = lambda _: None


class Supervisor:
    """Runs `workers`, and the couriers of `end`, until `stop`. `run` is called once, on the main thread.

    `feed` is called about every `Budgets.supervise_every_s` while every worker beats: the service manager's watchdog.
    """

    def __init__(
        self,
        workers: Sequence[Worker],
        clock: Clock,
        backoff: Backoff,
        budgets: Budgets,
        feed: Callable[[], None] = lambda: None,
        end: End | None = None,
    ) -> None:
        self._end = end or End()
        self._workers, couriers = workers, self._end.couriers
        self._threads = {worker.name: _Thread(worker) for worker in (*workers, *couriers)}
        if len(self._threads) != len(workers) + len(couriers):
            raise ValueError("two workers have the same name")
        self._clock = clock
        self._backoff = backoff
        self._budgets = budgets
        self._feed = feed
        # A SimpleQueue, because a signal handler may put into it while this very thread waits on it.
        self._notices: queue.SimpleQueue[_Thread | None] = queue.SimpleQueue()
        self._crashes: deque[float] = deque()

    def stop(self) -> None:
        """Ask `run` to end; safe in a signal handler and from any thread, any number of times."""
        self._notices.put(None)

    def run(self) -> int:
        """Start every worker, stay until `stop` or failure, end every worker; return the exit status."""
        for entry in self._threads.values():
            self._start(entry)
        status = self._supervise()
        return EXIT_FAILED if self._shut_down(status) else status

    def health(self) -> tuple[WorkerHealth, ...]:
        """Return how each worker does; any thread may ask."""
        now = self._clock.monotonic()
        return tuple(
            WorkerHealth(
                name=name,
                alive=entry.thread is not None and entry.thread.is_alive(),
                restarts=entry.crashes,
                beat_age_s=max(0.0, now - entry.beat_at),
                last_crash=entry.last_crash,
            )
            for name, entry in self._threads.items()
        )

    def _supervise(self) -> int:
        looked_at = self._clock.monotonic()
        while True:
            try:
                notice = self._notices.get(timeout=self._patience())
            except queue.Empty:
                pass
            else:
                if notice is None:
                    return EXIT_STOPPED
                if not self._crashed(notice):
                    return EXIT_FAILED
            now = self._clock.monotonic()
            if now - looked_at > self._budgets.hung_after_s / 2:
                self._forgive(now)
            looked_at = now
            if not self._look_after(now):
                return EXIT_FAILED

    def _patience(self) -> float:
        due = [entry.restart_at for entry in self._threads.values() if entry.restart_at is not None]
        until = min(due) - self._clock.monotonic() if due else self._budgets.supervise_every_s
        return min(max(until, 0.0), self._budgets.supervise_every_s)

    def _forgive(self, now: float) -> None:
        """Start every beat anew: this thread was not run for long either, so the machine slept and no worker hangs."""
        for entry in self._threads.values():
            entry.beat_at = now

    def _look_after(self, now: float) -> bool:
        """Restart what is due and feed the watchdog; say whether to go on."""
        for name, entry in self._threads.items():
            if entry.restart_at is not None:
                if entry.restart_at <= now:
                    self._start(entry)
            elif now - entry.beat_at > self._budgets.hung_after_s:
                log.critical("worker %s has hung for %.0f s; ending the process", name, now - entry.beat_at)
                return False
        if all(
            entry.restart_at is None and now - entry.beat_at <= self._budgets.hung_after_s
            for entry in self._threads.values()
        ):
            self._feed()
        return True

    def _start(self, entry: _Thread) -> None:
        entry.restart_at = None
        entry.beat_at = self._clock.monotonic()
        # A daemon thread: one that hangs in the system must not keep the process from ending.
        entry.thread = threading.Thread(target=self._body, args=(entry,), name=entry.worker.name, daemon=True)
        entry.thread.start()

    def _body(self, entry: _Thread) -> None:
        def beat() -> None:
            entry.beat_at = self._clock.monotonic()

        try:
            entry.worker.run(entry.stop, beat)
        except BaseException as error:  # noqa: BLE001 - whatever ends a worker is a crash, told and counted by name
            entry.last_crash = type(error).__name__
            log.error("worker %s crashed: %s", entry.worker.name, _described(error))  # noqa: TRY400 - see _described
        else:
            if entry.stop.is_set():
                return
            entry.last_crash = "ended by itself"
            log.error("worker %s ended by itself", entry.worker.name)
        self._notices.put(entry)

    def _crashed(self, entry: _Thread) -> bool:
        """Count the crash and plan the restart; say whether to go on."""
        now = self._clock.monotonic()
        entry.crashes += 1
        self._crashes.append(now)
        while self._crashes[0] < now - self._budgets.crash_window_s:
            self._crashes.popleft()
        if len(self._crashes) >= self._budgets.crash_limit:
            log.critical(
                "%d crashes within %.0f s; ending the process", len(self._crashes), self._budgets.crash_window_s
            )
            return False
        delay = self._backoff.delay(len(self._crashes))
        log.warning("worker %s is started again in %.1f s", entry.worker.name, delay)
        entry.restart_at = now + delay
        return True

    def _shut_down(self, status: int) -> tuple[str, ...]:
        """End every worker, then every courier, within the budget; return the names of those that did not end."""
        deadline = self._clock.monotonic() + self._budgets.shutdown_s
        flush_s = min(self._budgets.flush_s, self._budgets.shutdown_s / 4)
        hung: list[Worker] = self._ended(self._workers, deadline - 2 * flush_s)
        self._end.farewell(status)
        late = self._ended(self._end.couriers, self._clock.monotonic() + flush_s)
        for courier in late:
            courier.give_up()
        hung += self._ended(late, deadline)
        names = tuple(worker.name for worker in hung)
        if names:
            log.error("did not end within %.0f s: %s", self._budgets.shutdown_s, ", ".join(names))
        return names

    def _ended(self, workers: Sequence[W], deadline: float) -> list[W]:
        """Tell `workers` to end and wait for them until `deadline`; return those that are still at it."""
        entries = [(worker, self._threads[worker.name]) for worker in workers]
        for worker, entry in entries:
            entry.stop.set()
            worker.wake()
        for _, entry in entries:
            if entry.thread is not None:
                entry.thread.join(max(0.0, deadline - self._clock.monotonic()))
        return [worker for worker, entry in entries if entry.thread is not None and entry.thread.is_alive()]


def _described(error: BaseException) -> str:
    """Return the kinds of error and where they were raised. Their messages are left out: they may quote what a user wrote."""
    parts = []
    seen: BaseException | None = error
    while seen is not None:
        frames = traceback.extract_tb(seen.__traceback__)
        where = " < ".join(f"{PurePath(f.filename).name}:{f.lineno} {f.name}" for f in reversed(frames))
        parts.append(f"{type(seen).__name__} at {where or 'unknown'}")
        seen = seen.__cause__ or (None if seen.__suppress_context__ else seen.__context__)
    return "; from ".join(parts)
