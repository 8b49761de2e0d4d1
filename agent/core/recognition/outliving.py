"""Servers that run on after what showed them has gone: their client has ended, or their entry was taken out.

A process whose parent has ended is anybody's child, and no wire leads from it any more: by itself it would be taken for no
server, and its deviation closed while it runs. So what was recognised stays recognised while it runs, by pid and start time,
unless its host still stands and what is seen of both now speaks against it.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import MappingProxyType

from agent.core.commandline import base_name
from agent.core.moment import moment
from agent.core.observation import Process
from agent.core.recognition.explain import safe
from agent.core.recognition.recalling import Trace
from agent.core.recognition.recognise import RunningServer
from agent.core.recognition.signs import Confidence, Sign

LOOP_STARTS, LOOP_WITHIN_S = 5, 600.0
"""A server that ended and was started again so often within that time restarts in a loop."""

_STARTS_KEPT, _SUBJECTS_KEPT = 32, 1000
_OF_HOST = frozenset({Sign.WIRE.value, Sign.NO_WIRE.value, Sign.TERMINAL.value})

Identity = tuple[int, float]


@dataclass(frozen=True, slots=True)
class Before:
    """What one judgement leaves to the next: the servers that ran, and when those of each subject were started (Unix time).

    `traces` are what a former run of the agent left of the servers that ran then; a judgement takes them up and leaves none.
    """

    running: tuple[RunningServer, ...] = ()
    starts: Mapping[str, tuple[float, ...]] = field(default_factory=lambda: MappingProxyType({}))
    traces: tuple[Trace, ...] = ()


def with_outliving(
    found: Sequence[RunningServer],
    before: Iterable[RunningServer],
    alive: Sequence[Process],
    entries: frozenset[str],
    now: float | None = None,
) -> tuple[RunningServer, ...]:
    """Return `found`, and those of `before` that run on.

    `alive` is the process table without what has ended, `entries` are the keys of the servers that are configured now, `now` is
    Unix time: what is missed for the first time had gone by then.
    """
    sure = [server for server in found if server.confidence is not Confidence.LOW]
    taken = {member.identity for server in sure for member in server.members}
    table = {process.identity: process for process in alive}
    on = [kept for server in before if (kept := _running_on(server, table, taken, entries, now)) is not None]
    known = {member.identity for server in on for member in server.members}
    guessed = [
        server
        for server in found
        if server.confidence is Confidence.LOW and known.isdisjoint(member.identity for member in server.members)
    ]
    return tuple(sorted((*sure, *on, *guessed), key=lambda server: server.process.identity[::-1]))


def _running_on(
    server: RunningServer,
    alive: Mapping[Identity, Process],
    taken: set[Identity],
    entries: frozenset[str],
    now: float | None,
) -> RunningServer | None:
    members = tuple(
        alive[member.identity]
        for member in server.members
        if member.identity in alive and _same_program(member, alive[member.identity])
    )
    if not members or server.confidence is Confidence.LOW or any(member.identity in taken for member in members):
        return None
    outlives = server.outlives or _outlived(server, alive, entries, now)
    if not outlives:
        return None
    evidence = tuple(fact for fact in server.evidence if fact.kind not in _OF_HOST)
    return replace(server, process=members[0], members=members, outlives=outlives, evidence=evidence)


def _same_program(before: Process, now: Process) -> bool:
    """A process may become another program; one whose command cannot be read at the moment has not."""
    if now.command is None or (before.image and before.image == now.image):
        return True
    return before.command == now.command and before.exe == now.exe


def _outlived(
    server: RunningServer, alive: Mapping[Identity, Process], entries: frozenset[str], now: float | None
) -> str:
    """Return what the server outlives, in words; nothing where all is as it was."""
    host = server.host
    if host is not None and host.identity not in alive:
        name = server.client or safe(base_name(host.exe or host.name))
        return f"{name} (pid {host.pid}), which started it, " + (
            "has ended" if now is None else f"ended by {moment(now)}"
        )
    if server.server is not None and server.server.key not in entries:
        return "the entry that it was started by is not configured any more"
    return ""


def kept(servers: Iterable[RunningServer], alive: Sequence[Process]) -> tuple[RunningServer, ...]:
    """Return the servers that the next judgement must know of: those that run now, and are more than a guess."""
    table = {process.identity for process in alive}
    return tuple(
        server
        for server in servers
        if server.confidence is not Confidence.LOW and any(member.identity in table for member in server.members)
    )


def started(
    before: Mapping[str, tuple[float, ...]], roots: Iterable[tuple[str, float]], now: float | None
) -> Mapping[str, tuple[float, ...]]:
    """Return when the servers of each subject were started lately: what was known, and the (subject, start) of `roots`."""
    since = None if now is None else now - LOOP_WITHIN_S
    times: dict[str, set[float]] = {subject: set(known) for subject, known in before.items()}
    for subject, at in roots:
        times.setdefault(subject, set()).add(at)
    recent = {subject: sorted(at for at in known if since is None or at >= since) for subject, known in times.items()}
    latest = sorted((known[-1], subject) for subject, known in recent.items() if known)[-_SUBJECTS_KEPT:]
    return {subject: tuple(recent[subject][-_STARTS_KEPT:]) for _, subject in latest}
