"""Takes the system's word of starting programs, reads each at once, and keeps what can matter.

Between the word and the reading lies nothing but the question whether the program can have to do with MCP: a process that is
gone can be read no more.
"""

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import replace

from agent.core.commandline import base_name
from agent.core.observation import Process
from agent.core.recognition import ClientMarks
from agent.core.recognition.triage import Role, Triage
from agent.ports import Channel, EventsLost, Hearing, Noticed, Orders, ProcessEvents, ProcessReader
from agent.sources.hosts import Hosts

_SILENCE_S = 15.0


class Noticing:
    """`Noticer` in this process; `hindered` as in `Hearing`."""

    def __init__(
        self,
        events: ProcessEvents,
        reader: ProcessReader,
        clients: Sequence[ClientMarks],
        hindered: str | None = None,
        now: Callable[[], float] = time.time,
    ) -> None:
        self._events, self._reader, self._clients, self._now = events, reader, tuple(clients), now
        self._triage = Triage(self._clients)
        self._hosts = Hosts()
        self._lock = threading.Lock()
        self._followed: frozenset[int] = frozenset()
        self.hearing = Hearing(events.name, hindered)

    def heed(self, orders: Orders) -> None:
        """Go by `orders`."""
        if orders.keys is not None:
            self._triage = Triage(self._clients, orders.keys)
        if orders.alive is not None:
            with self._lock:
                self._hosts.swept(orders.alive, orders.clients)
        if orders.followed is not None and orders.followed != self._followed:
            self._followed = orders.followed
            self._events.follow(self._followed)

    def turn(self, timeout_s: float) -> Noticed:
        """Wait for what is told next, and read what of it can matter."""
        told = self._events.wait(timeout_s)
        if not told.started:
            return Noticed((), told.ended, told.overrun)
        missed = unjudged = 0
        found: list[Process] = []
        for pid in told.started:
            described, outlined = told.described.get(pid), told.outlined.get(pid)
            known = described or outlined
            command = (self._reader.command(pid) if described is None else ()) or (known.command if known else None)
            if not command:
                missed += 1
                unjudged += self._may_have_mattered(pid)
                continue
            read, whole = self._matters(pid, command, described, outlined)
            found += read
            missed += not whole
            unjudged += not whole
        return Noticed(tuple(found), told.ended, told.overrun, len(told.started), missed, unjudged)

    def interrupt(self) -> None:
        """Let a waiting `turn` return."""
        self._events.interrupt()

    def close(self) -> None:
        """End the subscription."""
        self._events.close()

    def _matters(
        self, pid: int, command: tuple[str, ...], described: Process | None, outlined: Process | None
    ) -> tuple[Sequence[Process], bool]:
        """Return the parent, as it is the host, and the process, where it can matter; and whether it was read whole.

        What ended meanwhile is told by its command line and its parent, as far as that is known: a configured entry it may be.
        """
        known, above = described or outlined, None
        if self._hosts:
            above = self._reader.parent(pid) if known is None else known.ppid
        matters, own = self._triage.judge(command, Role.NONE if above is None else self._role(above))
        with self._lock:
            self._hosts.remember(pid, own)
        if not matters:
            return (), True
        process = described or self._reader.read(pid, command) or outlined
        if process is None and above is not None:
            process = Process(pid, self._now(), above, base_name(command[0]), command=command)
            return self._with_host(process), False
        return ((), False) if process is None else (self._with_host(process), True)

    def _with_host(self, process: Process) -> Sequence[Process]:
        if process.ppid is None:
            return ()
        parent = self._reader.read(process.ppid)
        return (process,) if parent is None else (parent, process)

    def _role(self, pid: int) -> Role:
        """Return what the parent means; one that was never seen to start has forked from somewhere, and is looked at."""
        known = self._hosts.role(pid)
        if known is None:
            command = self._reader.command(pid)
            known = self._triage.judge(command, Role.NONE)[1] if command else Role.NONE
            with self._lock:
                self._hosts.remember(pid, known)
        return known

    def _may_have_mattered(self, pid: int) -> bool:
        """Say whether a client can have started what could not be read; whose parent is gone from sight, may be anybody's."""
        if not self._hosts:
            return False
        above = self._reader.parent(pid)
        return above is None or self._role(above) is not Role.NONE


def serve(noticing: Noticing, channel: Channel) -> None:
    """Notice for whoever is at the other end of `channel`, until that is gone. Every order is answered.

    The events' own wait ends when something waits in the channel.
    """
    channel.send(noticing.hearing)
    started = missed = unjudged = 0
    while True:
        noticed = noticing.turn(_SILENCE_S)
        started, missed, unjudged = started + noticed.started, missed + noticed.missed, unjudged + noticed.unjudged
        answering = False
        while (orders := channel.receive(0.0)) is not None:
            noticing.heed(orders)
            answering = True
        if answering or noticed.processes or noticed.ended or noticed.overrun:
            channel.send(Noticed(noticed.processes, noticed.ended, noticed.overrun, started, missed, unjudged))
            started = missed = unjudged = 0


class NoticingApart:
    """`Noticer` at the near end of a channel, at whose far end `serve` runs.

    A process of its own is never kept waiting by what else the agent does, and may go before all others. It knows no accounts:
    `names` tells here who a uid is.
    """

    def __init__(self, channel: Channel, hearing: Hearing, names: Callable[[int], str] = str) -> None:
        self._channel, self.hearing, self._names = channel, hearing, names
        self._asked = False

    def heed(self, orders: Orders) -> None:
        """Pass `orders` on; that the other end is gone is for `turn` to find out."""
        try:
            self._channel.send(orders)
        except EOFError:
            return

    def turn(self, timeout_s: float) -> Noticed:
        """Wait for what the other end notices; a silent one is asked whether it still listens."""
        try:
            noticed: Noticed | None = self._channel.receive(timeout_s)
            if noticed is None and not self._asked:
                self._asked = True
                self._channel.send(Orders())
                return Noticed()
        except EOFError:
            raise EventsLost("the process that listens has ended") from None
        if noticed is None:
            raise EventsLost("the process that listens does not answer")
        self._asked = False
        return replace(noticed, processes=tuple(map(self._named, noticed.processes)))

    def interrupt(self) -> None:
        """Let a waiting `turn` return."""
        self._channel.interrupt()

    def close(self) -> None:
        """Tell the other end to end."""
        self._channel.close()

    def _named(self, process: Process) -> Process:
        uid = process.user
        return process if uid is None else replace(process, user=self._names(int(uid)))
