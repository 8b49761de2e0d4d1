"""What is kept of running servers while the agent itself is not there: enough to know them again, and no word of a command.

Whether a process is the one that was seen is told by pid, start time and the place of its arguments, which each exec moves. The
start time may have moved with the clock, by little.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from agent.core.commandline import base_name
from agent.core.deviation import Evidence
from agent.core.launchers import launch
from agent.core.observation import Process
from agent.core.recognition.command import spellings
from agent.core.recognition.explain import safe
from agent.core.recognition.recognise import RunningServer
from agent.core.recognition.signs import Confidence
from agent.core.redaction import redact_subject
from agent.core.server import Server

_CLOCK_SLACK_S = 2.0


@dataclass(frozen=True, slots=True)
class Seen:
    """One process that was seen: `started` is Unix time, `image` as in `Process`, `name` fit to be shown."""

    pid: int
    started: float
    image: int
    name: str = ""


@dataclass(frozen=True, slots=True)
class Trace:
    """One server that ran: its processes, the topmost first, the one that started it, and what was said of it.

    `key` is that of the configured entry, redacted.
    """

    members: tuple[Seen, ...]
    host: Seen | None
    client: str | None
    key: str | None
    confidence: Confidence
    evidence: tuple[Evidence, ...] = ()
    outlives: str = ""


def traces(running: Iterable[RunningServer]) -> tuple[Trace, ...]:
    """Return what is to be kept of these servers."""
    return tuple(
        Trace(
            members=tuple(Seen(member.pid, member.create_time, member.image) for member in server.members),
            host=None if server.host is None else _host(server.host),
            client=server.client,
            key=None if server.server is None else redact_subject(server.server.key),
            confidence=server.confidence,
            evidence=server.evidence,
            outlives=server.outlives,
        )
        for server in running
    )


def _host(host: Process) -> Seen:
    return Seen(host.pid, host.create_time, host.image, safe(base_name(host.exe or host.name)))


def recalled(kept: Sequence[Trace], alive: Sequence[Process], servers: Sequence[Server]) -> tuple[RunningServer, ...]:
    """Return the servers of `kept` that run on, as they are now; `servers` are those that are configured now."""
    if not kept:
        return ()
    by_pid = {process.pid: process for process in alive}
    by_key = {redact_subject(server.key): server for server in servers}
    found = (_recalled(trace, by_pid, by_key) for trace in kept)
    return tuple(server for server in found if server is not None)


def _recalled(trace: Trace, by_pid: dict[int, Process], by_key: dict[str, Server]) -> RunningServer | None:
    members = tuple(process for seen in trace.members if (process := _same(seen, by_pid)) is not None)
    if not members:
        return None
    server = by_key.get(trace.key) if trace.key is not None else None
    root, host = members[0], trace.host
    first, *others = (server.command,) if server and server.command else spellings(root, launch(root.command or ()))
    return RunningServer(
        process=root,
        members=members,
        client=trace.client,
        user=root.user,
        server=server,
        command=first,
        confidence=trace.confidence,
        evidence=trace.evidence,
        alternatives=tuple(others),
        host=None if host is None else _same(host, by_pid) or Process(host.pid, host.started, None, host.name),
        outlives=trace.outlives,
    )


def _same(seen: Seen, by_pid: dict[int, Process]) -> Process | None:
    process = by_pid.get(seen.pid)
    if process is None or process.image != seen.image or abs(process.create_time - seen.started) > _CLOCK_SLACK_S:
        return None
    return process
