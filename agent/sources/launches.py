"""Programs as they start: what was noticed of them since the last look, and the worker that hears of it.

An event is never needed for truth, only for speed, and for what lives shorter than a sweep's interval. Where nothing tells, or
nothing does any more, the timed sweep has to do; that is said, and listening is tried again.
"""

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from agent.core.observation import Process
from agent.core.recognition import ClientMarks
from agent.core.recognition.triage import Role, Triage, keys_of
from agent.core.server import Server
from agent.ports import EventsLost, NoEvents, Noticer, Orders, Wake

KEPT_MAX = 20_000
"""Sightings between two looks at most, newest first."""

RETRY_FIRST_S, RETRY_MOST_S = 5.0, 900.0
"""Between two attempts to listen: twice as long after each that failed."""

_TURN_S = 15.0

Listen = Callable[[threading.Event], Noticer | NoEvents]
"""Opens what notices. It waits for nothing any more once the event is set: the agent ends."""


@dataclass(frozen=True, slots=True)
class LaunchCounts:
    """`started`, `missed` and `unjudged` as in `Noticed`; `overruns`: how often more was told than could be taken."""

    started: int = 0
    missed: int = 0
    unjudged: int = 0
    overruns: int = 0


@dataclass(slots=True)
class Sightings:
    """What happened since the last look. `lost` says that some of it was not told."""

    processes: dict[int, Process] = field(default_factory=dict)
    replaced: list[Process] = field(default_factory=list)
    ended: set[int] = field(default_factory=set)
    lost: bool = False

    def __bool__(self) -> bool:
        return bool(self.processes or self.ended or self.lost)


class Launches:
    """The worker that hears. It wakes whoever was given to `subscribe` when something happened that matters."""

    name = "process-events"

    def __init__(self, listen: Listen, clients: Sequence[ClientMarks]) -> None:
        self._listen, self._clients = listen, tuple(clients)
        self._triage = Triage(self._clients)
        self._lock = threading.Lock()
        self._seen = Sightings()
        self._followed: frozenset[int] = frozenset()
        self._wake: Wake = _nobody
        self._expected: Sequence[Server] = ()
        self._keys: frozenset[str] = frozenset()
        self._started = self._missed = self._unjudged = self._overruns = 0
        self._woken = threading.Event()
        self._problem: str | None = None
        self._noticer: Noticer | None = None
        self._open()

    @property
    def counts(self) -> LaunchCounts:
        """What was told since the start of the agent."""
        return LaunchCounts(self._started, self._missed, self._unjudged, self._overruns)

    @property
    def words(self) -> frozenset[str]:
        """The words by which the servers go that `expect` was given."""
        return self._keys

    @property
    def how(self) -> str:
        """How the system tells, in words; empty while it doesn't."""
        noticer = self._noticer
        return "" if noticer is None else noticer.hearing.name

    @property
    def problem(self) -> str | None:
        """Why nothing is told now, None while it is."""
        return self._problem

    @property
    def hindered(self) -> str | None:
        """Why what is told may be read too late, None where it isn't, or where nothing is told."""
        noticer = self._noticer
        return None if noticer is None else noticer.hearing.hindered

    def subscribe(self, wake: Wake) -> None:
        """Call `wake` when something happened that matters."""
        self._wake = wake

    def expect(self, servers: Sequence[Server]) -> None:
        """Let processes matter that these entries yield; any thread may call."""
        if servers is not self._expected:
            self._expected = servers
            keys = keys_of(servers)
            if keys != self._keys:
                self._keys = keys
                self._triage = Triage(self._clients, keys)
                self._order(Orders(keys=keys))

    def run(self, stop: threading.Event, beat: Callable[[], None]) -> None:
        """Listen until `stop` is set; where that is not possible, try again now and then."""
        retry_s = RETRY_FIRST_S
        while not stop.is_set():
            beat()
            if self._noticer is not None:
                retry_s = RETRY_FIRST_S if self.turn(_TURN_S) else retry_s
                continue
            if self._pause(retry_s, beat):
                return
            retry_s = min(2 * retry_s, RETRY_MOST_S)
            if self._open():
                self._lost()

    def wake(self) -> None:
        """Let a waiting `run` go on to its end."""
        self._woken.set()
        noticer = self._noticer
        if noticer is not None:
            noticer.interrupt()

    def close(self) -> None:
        """End the subscription."""
        if self._noticer is not None:
            self._noticer.close()
            self._noticer = None

    def turn(self, timeout_s: float) -> bool:
        """Take what was noticed, wake the source where that matters; False once nothing will be noticed any more."""
        noticer = self._noticer
        if noticer is None:
            return False
        try:
            noticed = noticer.turn(timeout_s)
        except EventsLost as loss:
            self.close()
            self._problem = str(loss)
            self._lost()
            return False
        self._started += noticed.started
        self._missed += noticed.missed
        self._unjudged += noticed.unjudged
        self._overruns += noticed.overrun
        if not (noticed.processes or noticed.ended or noticed.overrun):
            return True
        with self._lock:
            for process in noticed.processes:
                before = self._seen.processes.pop(process.pid, None)
                if before is not None and before.identity != process.identity:
                    self._seen.replaced.append(before)
                self._seen.processes[process.pid] = process
            self._seen.ended |= {*noticed.ended} - self._seen.processes.keys()
            self._seen.lost |= noticed.overrun
            for pid in list(self._seen.processes)[:-KEPT_MAX]:
                del self._seen.processes[pid]
            del self._seen.replaced[:-KEPT_MAX]
        self._wake()
        return True

    def take(self) -> Sightings:
        """Return what happened since the last call; for the thread that looks."""
        with self._lock:
            seen, self._seen = self._seen, Sightings()
        return seen

    def follow(self, seen: Sightings, table: Sequence[Process], *, whole: bool) -> None:
        """Have the end of what matters told, as a look at the table found it; `whole` where that was a sweep."""
        here = frozenset(process.pid for process in table)
        triage = self._triage
        if whole:
            clients = frozenset(process.pid for process in table if triage.role(process) is Role.CLIENT)
            followed = clients | _matter(table, clients, triage)
        else:
            clients, followed = frozenset(), self._followed - seen.ended
        followed = (followed | seen.processes.keys()) & here
        if whole or followed != self._followed:
            self._followed = followed
            self._order(Orders(alive=here if whole else None, clients=clients, followed=followed))

    def _order(self, orders: Orders) -> None:
        noticer = self._noticer
        if noticer is not None:
            noticer.heed(orders)

    def _open(self) -> bool:
        found = self._listen(self._woken)
        if isinstance(found, NoEvents):
            self._problem = found.reason
            return False
        self._noticer, self._problem = found, None
        found.heed(Orders(keys=self._keys, followed=self._followed))
        return True

    def _lost(self) -> None:
        """Have the next look sweep: it finds what was not told, and says who the clients are."""
        with self._lock:
            self._seen.lost = True
        self._wake()

    def _pause(self, seconds: float, beat: Callable[[], None]) -> bool:
        """Wait, beating; True where the agent ends meanwhile."""
        left = seconds
        while left > 0:
            beat()
            if self._woken.wait(min(left, _TURN_S)):
                return True
            left -= _TURN_S
        return False


def _matter(table: Sequence[Process], clients: frozenset[int], triage: Triage) -> frozenset[int]:
    """Return the processes that can be servers."""
    return frozenset(
        process.pid
        for process in table
        if process.command and triage.judge(process.command, Role.CLIENT if process.ppid in clients else Role.NONE)[0]
    )


def _nobody() -> None:
    """Nobody has subscribed yet."""
