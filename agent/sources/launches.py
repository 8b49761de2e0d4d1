"""Programs as they start: the system's events, read at once, and what of them can matter kept for the next look.

An event is never needed for truth, only for speed, and for what lives shorter than a sweep's interval.
"""

import threading
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from agent.core.observation import Process
from agent.core.recognition import ClientMarks
from agent.core.recognition.triage import Role, Triage
from agent.core.server import Server
from agent.ports import ProcessEvents, ProcessReader, Wake

KEPT_MAX = 20_000
"""Sightings between two looks at most, newest first."""

_ROLES_MAX = 8192
_TURN_S = 15.0


@dataclass(frozen=True, slots=True)
class LaunchCounts:
    """`started`: programs that were told of; `missed`: those that ended before they could be read; `overruns`: told too fast."""

    started: int = 0
    missed: int = 0
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
    """The worker that listens. It reads each process once, and wakes whoever was given to `subscribe` when one matters."""

    name = "process-events"

    def __init__(self, events: ProcessEvents, reader: ProcessReader, clients: Sequence[ClientMarks]) -> None:
        self._events, self._reader, self._clients = events, reader, tuple(clients)
        self._triage = Triage(self._clients)
        self._roles: OrderedDict[int, Role] = OrderedDict()
        self._hosts: set[int] = set()
        self._lock = threading.Lock()
        self._seen = Sightings()
        self._followed: frozenset[int] = frozenset()
        self._wake: Wake = _nobody
        self._expected: Sequence[Server] = ()
        self._started_count = self._missed_count = self._overrun_count = 0

    @property
    def counts(self) -> LaunchCounts:
        """What was told since the start of the agent."""
        return LaunchCounts(self._started_count, self._missed_count, self._overrun_count)

    @property
    def how(self) -> str:
        """How the system tells, in words."""
        return self._events.name

    def subscribe(self, wake: Wake) -> None:
        """Call `wake` when something happened that matters."""
        self._wake = wake

    def expect(self, servers: Sequence[Server]) -> None:
        """Let processes matter that these entries yield; any thread may call."""
        if servers is not self._expected:
            self._expected = servers
            self._triage = Triage(self._clients, servers)

    def run(self, stop: threading.Event, beat: Callable[[], None]) -> None:
        """Listen until `stop` is set."""
        while not stop.is_set():
            beat()
            self.turn(_TURN_S)

    def wake(self) -> None:
        """Let a waiting `run` go on."""
        self._events.interrupt()

    def close(self) -> None:
        """End the subscription."""
        self._events.close()

    def turn(self, timeout_s: float) -> None:
        """Wait for events, read what started, wake the source where that matters."""
        told = self._events.wait(timeout_s)
        found: list[Process] = []
        for pid in told.started:
            found += self._started(pid)
        if not (found or told.ended or told.overrun):
            return
        with self._lock:
            for process in found:
                before = self._seen.processes.pop(process.pid, None)
                if before is not None and before.identity != process.identity:
                    self._seen.replaced.append(before)
                self._seen.processes[process.pid] = process
            self._seen.ended |= {*told.ended} - self._seen.processes.keys()
            self._seen.lost |= told.overrun
            for pid in list(self._seen.processes)[:-KEPT_MAX]:
                del self._seen.processes[pid]
            del self._seen.replaced[:-KEPT_MAX]
        if told.overrun:
            self._overrun_count += 1
        self._wake()

    def take(self) -> Sightings:
        """Return what happened since the last call; for the thread that looks."""
        with self._lock:
            seen, self._seen = self._seen, Sightings()
        return seen

    def follow(self, seen: Sightings, table: Sequence[Process], *, whole: bool) -> None:
        """Have the end of what matters told, as a look at the table found it; `whole` where that was a sweep."""
        followed = self._learn(table) if whole else self._followed - seen.ended
        here = {process.pid for process in table}
        followed = (followed | seen.processes.keys()) & here
        if followed != self._followed:
            self._followed = frozenset(followed)
            self._events.follow(self._followed)

    def _learn(self, table: Sequence[Process]) -> set[int]:
        """Take the clients from a sweep; return the processes in it that matter."""
        triage = self._triage
        clients = {process.pid for process in table if triage.role(process) is Role.CLIENT}
        with self._lock:
            self._hosts &= {process.pid for process in table}
            for pid in clients:
                self._remember(pid, Role.CLIENT)
        below = {True: Role.CLIENT, False: Role.NONE}
        return clients | {
            process.pid
            for process in table
            if process.command and triage.judge(process.command, below[process.ppid in clients])[0]
        }

    def _started(self, pid: int) -> Sequence[Process]:
        """Return the process, and its parent as its host, where it can matter. The command line goes first of all it has."""
        command = self._reader.command(pid)
        self._started_count += 1
        if not command:
            self._missed_count += 1
            return ()
        above = self._reader.parent(pid) if self._hosts else None
        matters, role = self._triage.judge(command, Role.NONE if above is None else self._role(above))
        with self._lock:
            self._remember(pid, role)
        if not matters:
            return ()
        process = self._reader.read(pid, command)
        if process is None or process.ppid is None:
            return ()
        parent = None if process.ppid in self._seen.processes else self._reader.read(process.ppid)
        return (process,) if parent is None else (parent, process)

    def _role(self, pid: int) -> Role:
        """Return what the parent means; one that was never seen to start has forked from somewhere, and is looked at."""
        known = self._roles.get(pid)
        if known is None:
            command = self._reader.command(pid)
            known = self._triage.judge(command, Role.NONE)[1] if command else Role.NONE
            with self._lock:
                self._remember(pid, known)
        return known

    def _remember(self, pid: int, role: Role) -> None:
        self._roles.pop(pid, None)
        self._roles[pid] = role
        if role is not Role.NONE:
            self._hosts.add(pid)
        elif pid in self._hosts:
            self._hosts.discard(pid)
        while len(self._roles) > _ROLES_MAX:
            self._hosts.discard(self._roles.popitem(last=False)[0])


def _nobody() -> None:
    """Nobody has subscribed yet."""
