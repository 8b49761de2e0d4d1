"""Configured servers: the verdict on each, for each user, in every folder where it is another one.

A client that enforces the policy is judged as that client's own sessions: one anywhere, and one in every project that has
something of its own to say. A client that enforces nothing is judged by the organisation's policy alone; one that enforces a
managed policy of its own, by both.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from agent.core.assess.others import OwnPolicies, judge_both
from agent.core.assess.results import Nearest, at, deviation, near_evidence, nobody_near
from agent.core.assess.running import reason_row
from agent.core.assess.secrets import secret_deviations
from agent.core.assess.sessions import Sessions, binding
from agent.core.assess.terms import Means
from agent.core.deviation import Deviation, Evidence, Key
from agent.core.documents import PlaceRow, ServerRow
from agent.core.memo import Memo
from agent.core.observation import ConfigLook, ManagedLook, Scope
from agent.core.policy.effective import organisation_policy
from agent.core.policy.evaluate import Judge
from agent.core.policy.others.ruling import ClientPolicy
from agent.core.policy.provided import CLAUDE_CODE
from agent.core.policy.session import Judged
from agent.core.redaction import redact_command, redact_name, redact_subject, redact_text, redact_url
from agent.core.server import Server, ServerScope
from agent.core.verdict import Answer, Verdict

CONTROLS = ("server.unapproved.configured", "server.blocked.configured")
_LONG = 200
"""Characters of one thing that a client notes of a package; no honest version or publisher is longer."""


@dataclass(frozen=True, slots=True)
class JudgedServer:
    """A configured server, what the policy says, and whether its client would load it (None: not known)."""

    server: Server
    verdict: Verdict
    loads: bool | None
    loads_reason: str | None
    enforced: bool

    @property
    def depends(self) -> tuple[Scope, ...]:
        """What was looked at to find it: its file, and the managed files that judged it."""
        server = self.server
        return (Scope("config", server.user, server.client, server.place.path), Scope("managed"))


@dataclass(frozen=True, slots=True)
class Configured:
    """Every configured server of the device, judged, and the sentences that keep clients from starting, by user."""

    judged: tuple[JudgedServer, ...] = ()
    refuses: Mapping[str, str] = field(default_factory=dict)

    @property
    def verdicts(self) -> dict[str, Verdict]:
        """The verdict by server key."""
        return {item.server.key: item.verdict for item in self.judged}


def judge_configured(
    looks: Sequence[ConfigLook], managed: ManagedLook, means: Means, memo: Memo | None = None
) -> Configured:
    """Judge every server that the looks found."""
    memo = memo or Memo()
    judged: list[JudgedServer] = []
    refuses: dict[str, str] = {}
    provided: dict[str, JudgedServer] = {}
    organisation = memo.of(organisation_judge, managed, means, oldest_version(looks))
    own = OwnPolicies(looks, managed, means.environment, memo)
    for look in looks:
        bound = binding(look, managed, means)
        if bound is None:
            judged += [memo.of(_unenforced, server, organisation, None, means) for server in look.servers]
            continue
        sessions = Sessions(look, *bound, memo)
        outcome = sessions.outcome()
        if outcome.refuses is not None:
            refuses[look.user.name] = outcome.refuses
        for item in _enforced(look, sessions, memo):
            if item.server.user is None and item.server.scope is ServerScope.MANAGED and item.server.project is None:
                first = provided.setdefault(item.server.key, item)
                if first is item or _same(first, item):
                    continue
                item = memo.of(_for_user, item, look.user.name)  # noqa: PLW2901 - this user's own answer
            judged.append(item)
        unenforced = (server for server in look.servers if server.client != CLAUDE_CODE)
        judged += [
            memo.of(_unenforced, server, organisation, None if look.apart else own.of(server), means)
            for server in unenforced
        ]
    if not looks:
        provided_servers = organisation.policy.managed_servers
        judged += [memo.of(_unenforced, server, organisation, own.of(server), means) for server in provided_servers]
    return Configured((*provided.values(), *judged), refuses)


def organisation_judge(managed: ManagedLook, means: Means, version: str | None) -> Judge:
    """Return the organisation's policy, compiled, as it judges servers whose client enforces nothing."""
    return Judge(organisation_policy(managed, client_version=version or means.client_version), means.environment)


def oldest_version(looks: Sequence[ConfigLook]) -> str | None:
    """Return the oldest version of the enforcing client on the device: what binds it, binds the others too."""
    versions = [look.client_versions[CLAUDE_CODE] for look in looks if CLAUDE_CODE in look.client_versions]
    return min(versions, key=lambda text: [int(part) for part in text.split(".") if part.isdecimal()], default=None)


def _enforced(look: ConfigLook, sessions: Sessions, memo: Memo) -> Iterator[JudgedServer]:
    """Yield each server once as it is anywhere, and once more for every project in which the answer is another one."""
    usual = {item.server.key: item for item in sessions.outcome().judged if not _of_folder(item.server)}
    yield from (memo.of(_judged, item) for item in usual.values())
    for project in _projects_with_a_say(look):
        for item in sessions.outcome(project).judged:
            before = usual.get(item.server.key)
            if before is None or not _alike(before, item):
                yield memo.of(_in_project, item, project)


def _in_project(item: Judged, project: str) -> JudgedServer:
    return _judged(replace(item, server=replace(item.server, project=project)))


def _for_user(item: JudgedServer, user: str) -> JudgedServer:
    return replace(item, server=replace(item.server, user=user))


def _projects_with_a_say(look: ConfigLook) -> list[str]:
    """Return the projects in which the answer may be another one: all of them, once there is anything to decide."""
    holds = any(server.client == CLAUDE_CODE for server in look.servers)
    return list(look.projects) if holds else []


def _of_folder(server: Server) -> bool:
    return server.scope in (ServerScope.PROJECT, ServerScope.LOCAL)


def _alike(one: Judged, other: Judged) -> bool:
    return (one.verdict.answer, one.loads, one.verdict.reason.code) == (
        other.verdict.answer,
        other.loads,
        other.verdict.reason.code,
    )


def _same(one: JudgedServer, other: JudgedServer) -> bool:
    return (one.verdict, one.loads) == (other.verdict, other.loads)


def _judged(item: Judged) -> JudgedServer:
    explained = None if item.loads_code in ("loads", "blocked") else item.loads_reason
    return JudgedServer(item.server, item.verdict, item.loads, explained, enforced=True)


def _unenforced(server: Server, organisation: Judge, own: ClientPolicy | None, means: Means) -> JudgedServer:
    both = judge_both(own, server, organisation.verdict(server), means.environment)
    loads = False if server.disabled or not both.starts else None
    reason = "The entry is switched off." if server.disabled else both.why
    return JudgedServer(server, both.verdict, loads, reason, both.enforced)


def server_rows(
    judged: Sequence[JudgedServer], running: Mapping[str, Sequence[int]], memo: Memo | None = None
) -> tuple[ServerRow, ...]:
    """Return the rows of the `check` document; `running` gives the root pids by server key."""
    memo = memo or Memo()
    rows = (memo.of(_server_row, item) for item in judged)
    return tuple(replace(row, running=tuple(running[row.key])) if row.key in running else row for row in rows)


def _server_row(item: JudgedServer) -> ServerRow:
    server = item.server
    return ServerRow(
        key=server.key,
        client=server.client,
        user=server.user,
        project=None if server.project is None else redact_name(server.project),
        scope=server.scope,
        name=redact_name(server.name),
        source=PlaceRow(redact_name(server.place.path), redact_name(server.place.pointer), server.place.line),
        transport=server.transport,
        command=redact_command(server.command) if server.command is not None else None,
        url=redact_url(server.url) if server.url is not None else None,
        verdict=item.verdict.answer,
        loads=item.loads,
        reason=reason_row(item.verdict),
        enforced_by_client=item.enforced,
        loads_reason=redact_text(item.loads_reason) if item.loads_reason else None,
        artifact={name: redact_name(text[:_LONG]) for name, text in server.provenance.items()} or None,
    )


def configured_deviations(
    judged: Sequence[JudgedServer], nearest: Nearest = nobody_near, memo: Memo | None = None
) -> Iterator[Deviation]:
    """Yield a deviation for every entry that the policy blocks, and for every one that holds a credential in clear text."""
    memo = memo or Memo()
    for item in judged:
        if item.verdict.blocked and (item.enforced or not item.server.disabled):
            yield memo.of(_blocked, item, nearest)
    yield from secret_deviations((item.server for item in judged), memo)


_DENIED = "Remove the entry from that client: the policy denies this server, and that client does not enforce it."


def _blocked(item: JudgedServer, nearest: Nearest) -> Deviation:
    server = item.server
    control = "server.blocked.configured" if item.enforced else "server.unapproved.configured"
    who = f"{server.user}: " if server.user else ""
    where = f" in {server.project}" if server.project else ""
    says = "refuses it" if item.enforced else f"{server.client} does not enforce the policy and may start it"
    return deviation(
        control,
        subject=server.key,
        label=f"{who}{server.client} {server.name!r}{where}",
        text=f"{server.client} holds it{where}. {item.verdict.reason.text} The client {says}."
        if item.enforced
        else f"{item.verdict.reason.text} {says}.",
        user=server.user,
        client=server.client,
        evidence=[
            at("entry", server.place),
            Evidence("command" if server.command else "url", shown(server)),
            *near_evidence(nearest, server),
        ],
        depends=item.depends,
        remediation=_DENIED if item.verdict.reason.code == "denied" and not item.enforced else None,
    )


def shown(server: Server) -> str:
    """Return what the server is, redacted, in one line."""
    if server.command is not None:
        return " ".join(redact_command(server.command))
    return redact_url(server.url) if server.url is not None else "neither command nor URL"


def undecided_configured(judged: Sequence[JudgedServer], memo: Memo | None = None) -> Iterator[Key]:
    """Yield the keys about which nothing can be said, because the policy could not answer."""
    memo = memo or Memo()
    for item in judged:
        if item.verdict.answer is Answer.UNDETERMINED:
            yield from memo.of(_keys, item)


def _keys(item: JudgedServer) -> tuple[Key, ...]:
    return tuple(Key(control, redact_subject(item.server.key)) for control in CONTROLS)
