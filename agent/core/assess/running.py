"""Running servers: what each is, what the policy says of it, and whether that is a deviation.

A running server that an entry yields is judged as that entry; any other by what was launched. A server that the policy blocks and
that runs all the same is `denied` where a deny entry names it or where the client that runs it should have refused it; otherwise
nobody approved it, and it is `unapproved`.
"""

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from agent.core.artifact import Artifact, bending
from agent.core.assess.causes import Circumstances, cause
from agent.core.assess.results import Nearest, at, deviation, digest, near_evidence, nobody_near, of_user
from agent.core.deviation import Deviation, Evidence, Key
from agent.core.documents import EvidenceRow, ProcessRow, ReasonRow
from agent.core.observation import Process, Scope
from agent.core.place import Place
from agent.core.recognition import Confidence, RunningServer
from agent.core.redaction import redact_command, redact_name, redact_subject, redact_text
from agent.core.server import Server, ServerScope, Transport
from agent.core.verdict import Answer, Verdict

SCOPE = Scope("process")
CONTROLS = ("server.denied.running", "server.unapproved.running")


@dataclass(frozen=True, slots=True)
class JudgedRunning:
    """A running server with its verdict. `bypassed` is true where the client that runs it should have refused it.

    `notes` are what else is to be known of how it runs, in sentences.
    """

    running: RunningServer
    verdict: Verdict
    bypassed: bool
    artifact: Artifact | None = None
    notes: tuple[str, ...] = ()

    @property
    def subject(self) -> str:
        """What stays the same over restarts: who runs what under which client."""
        found = self.running
        if found.server is not None:
            return found.server.key
        identity = json.dumps([found.user, found.client, redact_command(found.command)])
        digest = hashlib.sha256(identity.encode()).hexdigest()[:12]
        return f"{found.client or 'process'}:{found.user or '*'}:running:{digest}"

    @property
    def control(self) -> str:
        """The control that a blocked running server fails."""
        denied = self.bypassed or _denies(self.verdict)
        return "server.denied.running" if denied else "server.unapproved.running"


def judge_running(
    found: Sequence[RunningServer],
    verdicts: Mapping[str, Verdict],
    enforcing: Callable[[str], bool],
    organisation: Callable[[Server], Verdict],
    artifacts: Mapping[tuple[int, float], Artifact] = MappingProxyType({}),
) -> tuple[JudgedRunning, ...]:
    """Judge each running server: by `verdicts` (server key → verdict) where an entry yields it, else by `organisation`."""
    judged = []
    for running in found:
        server = running.server
        verdict = verdicts.get(server.key) if server is not None else None
        if verdict is None:
            verdict = organisation(server) if server is not None else _of_launch(running, organisation)
        own = server is not None and running.client == server.client and enforcing(server.client)
        worker = running.worker
        artifact = artifacts.get(worker.identity) if worker is not None else None
        if artifact is None:
            known = [artifacts[member.identity] for member in running.members if member.identity in artifacts]
            artifact = known[-1] if known else None
        judged.append(JudgedRunning(running, verdict, own and verdict.blocked, artifact))
    return tuple(judged)


def _of_launch(running: RunningServer, organisation: Callable[[Server], Verdict]) -> Verdict:
    """Judge what was launched. The process table shows less than was typed, so what yields the same processes counts too."""
    first, *others = [organisation(as_server(running, command)) for command in (running.command, *running.alternatives)]
    return next((verdict for verdict in others if verdict.answer is Answer.ALLOWED and not _denies(first)), first)


def _denies(verdict: Verdict) -> bool:
    return verdict.blocked and verdict.reason.code.startswith("denied")


def as_server(running: RunningServer, command: Sequence[str]) -> Server:
    """Return the server that a configuration of exactly this command would be."""
    return Server(
        client=running.client or "",
        user=running.user,
        scope=ServerScope.DYNAMIC,
        name="",
        place=Place(f"process {running.process.pid}"),
        transport=Transport.STDIO,
        command=tuple(command),
    )


def process_rows(judged: Sequence[JudgedRunning]) -> tuple[ProcessRow, ...]:
    """Return the rows of the `check` document."""
    return tuple(
        ProcessRow(
            pid=item.running.process.pid,
            create_time=item.running.process.create_time,
            user=item.running.user,
            client=item.running.client,
            command=redact_command(item.running.command),
            matches=item.running.server.key if item.running.server else None,
            verdict=item.verdict.answer,
            reason=reason_row(item.verdict),
            confidence=item.running.confidence.value,
            evidence=tuple(EvidenceRow(fact.kind, redact_text(fact.text)) for fact in item.running.evidence),
            pids=item.running.pids,
            artifact=item.artifact.row if item.artifact is not None else None,
            notes=item.notes,
        )
        for item in judged
    )


def running_deviations(
    judged: Sequence[JudgedRunning], nearest: Nearest = nobody_near, known: Circumstances | None = None
) -> Iterator[Deviation]:
    """Yield one deviation per blocked server, however many processes of it run; a mere guess at a server raises none.

    With `known`, each says why the server could run.
    """
    together: dict[Key, list[JudgedRunning]] = {}
    for item in judged:
        if item.verdict.blocked and item.running.confidence is not Confidence.LOW:
            together.setdefault(Key(item.control, item.subject), []).append(item)
    for key, items in together.items():
        first = items[0].running
        command, name = " ".join(redact_command(first.command)), shown(first)
        why = cause(first, known) if known is not None else ""
        yield deviation(
            key.control,
            subject=key.subject,
            label=of_user(first.user, name),
            text=f"{_runs(first)} {items[0].verdict.reason.text} {why}".rstrip(),
            user=first.user,
            client=first.client,
            evidence=[
                Evidence("command", command, pid=first.process.pid, started_at=first.process.create_time),
                *([at("entry", first.server.place)] if first.server else []),
                *([_because(why, first.host)] if why else []),
                *([Evidence("outlives", f"{first.outlives}, and it runs on")] if first.outlives else []),
                *([Evidence("superseded", gone)] if (gone := _superseded(items[0], known)) else []),
                *told_of(items[0].artifact),
                *near_evidence(nearest, first.server or as_server(first, first.command)),
                *(Evidence(fact.kind, fact.text) for fact in first.evidence),
            ],
            depends=(SCOPE,),
            remediation=_UNKNOWN_HOST if first.client is None and key.control == "server.denied.running" else None,
        )


_UNKNOWN_HOST = "Stop the server, and find out what started it: no known client did."


def _because(why: str, host: Process | None) -> Evidence:
    """Return the reason; which process it speaks of is for programs: another one of the same client is no news."""
    if host is None:
        return Evidence("cause", why)
    return Evidence("cause", why, pid=host.pid, started_at=host.create_time)


def shown(found: RunningServer) -> str:
    """Return the server for people: its name, where it has one, and its command."""
    command = " ".join(redact_command(found.command))
    return f"{found.server.name!r} ({command})" if found.server else command


def _runs(found: RunningServer) -> str:
    if found.outlives:
        return f"runs on, though {found.outlives}."
    return f"runs under {found.client}." if found.client else "runs."


def _superseded(item: JudgedRunning, known: Circumstances | None) -> str | None:
    """Say what became of the server's own program, where another stands in its place."""
    worker = item.running.worker
    what = known.superseded.get(worker.identity) if known is not None and worker is not None else None
    return f"its program, {redact_name(what.path)}, {what.text}" if what is not None else None


def told_of(artifact: Artifact | None) -> Iterator[Evidence]:
    """Yield what helps to find the file: its path, digest and package."""
    if artifact is None:
        return
    if artifact.program is not None:
        yield Evidence("program", artifact.program, path=artifact.program, sha256=artifact.sha256, owner=artifact.owner)
    if artifact.sha256 is not None:
        yield Evidence("sha256", digest(artifact.sha256))
    if "purl" in artifact.row:
        yield Evidence("purl", artifact.row["purl"])


def bent_deviations(judged: Sequence[JudgedRunning]) -> Iterator[Deviation]:
    """Yield the allowed servers that run with variables which change what runs, whoever set them."""
    told: set[str] = set()
    for item in judged:
        found = bending(item.artifact.variables) if item.artifact is not None else {}
        if not found or item.verdict.answer is not Answer.ALLOWED or item.subject in told:
            continue
        told.add(item.subject)
        running = item.running
        names = ", ".join(f"{name} ({what})" for name, what in found.items())
        yield deviation(
            "server.env-override",
            subject=f"{item.subject} running",
            label=of_user(running.user, shown(running)),
            text=f"It is approved, and runs with {names} in its environment.",
            user=running.user,
            client=running.client,
            evidence=[
                Evidence(
                    "process",
                    " ".join(redact_command(running.command)),
                    pid=running.process.pid,
                    started_at=running.process.create_time,
                ),
                *(Evidence("variable", name) for name in found),
            ],
            depends=(SCOPE, Scope("managed")),
        )


def undecided_running(judged: Sequence[JudgedRunning]) -> Iterator[Key]:
    """Yield the keys about which nothing can be said, because the policy could not answer."""
    for item in judged:
        if item.verdict.answer is Answer.UNDETERMINED:
            yield from (Key(control, redact_subject(item.subject)) for control in CONTROLS)


def reason_row(verdict: Verdict) -> ReasonRow:
    """Return the reason of a verdict as it may be shown."""
    reason = verdict.reason
    return ReasonRow(reason.code, redact_text(reason.text), redact_text(reason.entry) if reason.entry else None)
