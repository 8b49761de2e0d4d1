"""One session of Claude Code: a user in a folder, everything that decides there → for each server, does it load, and why?

A session is non-interactive (`claude -p`), which loads a project's `.mcp.json` without asking. Observed with 2.1.330:

* Several servers of one name: those of --mcp-config that the policy lets pass, then the organisation's, then local, project and
  user; among `.mcp.json` files the nearest wins. But for --mcp-config that is settled before the policy looks, so a blocked
  definition hides an allowed one below it.
* A plugin's server that reaches the same endpoint as a loaded server of another scope is left out.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from agent.core.observation import DocumentKind
from agent.core.place import pure_path
from agent.core.policy import names
from agent.core.policy.candidates import (
    ProjectState,
    Session,
    agents_servers,
    concerned_servers,
    given_servers,
    project_state,
    same_path,
)
from agent.core.policy.effective import Policy, effective
from agent.core.policy.evaluate import Judge
from agent.core.policy.flags import Flags
from agent.core.policy.matching import Endpoint
from agent.core.policy.ranking import counted
from agent.core.policy.starting import refusal
from agent.core.server import Server, ServerScope
from agent.core.verdict import Answer, Verdict

_WRITTEN = re.compile(
    r"(?P<scheme>[A-Za-z][A-Za-z0-9+.\-]*)://(?:(?P<user>[^/?#]*)@)?(?P<host>[^/?#]*)(?P<path>[^?#]*)(?P<query>\?[^#]*)?(?:#.*)?",
    re.DOTALL,
)
_OWN_PORTS = {"http": "80", "https": "443", "ws": "80", "wss": "443"}
_RANK = (ServerScope.DYNAMIC, ServerScope.MANAGED, ServerScope.LOCAL, ServerScope.PROJECT, ServerScope.USER)
_FOLDER_KINDS = frozenset({DocumentKind.PROJECT_SETTINGS, DocumentKind.LOCAL_SETTINGS})
_OWN = frozenset({ServerScope.USER, ServerScope.LOCAL, ServerScope.PROJECT})
_SOURCES = {ServerScope.USER: "user", ServerScope.LOCAL: "local", ServerScope.PROJECT: "project"}


@dataclass(frozen=True, slots=True)
class Judged:
    """One candidate: what the policy says, whether the session loads it (None: not known), and in a sentence why."""

    server: Server
    verdict: Verdict
    loads: bool | None
    loads_code: str
    loads_reason: str


@dataclass(frozen=True, slots=True)
class Outcome:
    """The policy of a session and every candidate that concerns it, in the order given, the organisation's servers first.

    `refuses` says why the client does not start at all.
    """

    policy: Policy
    judged: tuple[Judged, ...]
    refuses: str | None = None


def judge(session: Session) -> Outcome:
    """Return what `session` loads. Total: it never raises, whatever the documents hold."""
    flags = session.flags
    policy = session_policy(session)
    dynamic, unusable = given_servers(session)
    candidates = (*policy.managed_servers, *concerned_servers(session), *dynamic, *agents_servers(session))
    compiled = Judge(policy, session.environment)
    spoilt = names.spoilt_maps(candidates, policy.rules)
    refuses = refusal(compiled, session, names.named(candidates, policy.rules), unusable or names.unusable(spoilt))
    rows = [_Row(server, compiled.verdict(server), compiled.endpoint(server)) for server in candidates]
    state = project_state(session)
    for row in rows:
        row.settle(_left_out(row, policy, flags, refuses, state))
        cost = names.name_cost(row.server, policy.rules, spoilt)
        row.settle((False, "left-out", cost) if cost is not None else None)
    _settle_names(rows, session)
    _settle_plugins(rows)
    return Outcome(policy, tuple(row.judged for row in rows), refuses)


def session_policy(session: Session) -> Policy:
    """Return the policy that binds in `session`."""
    documents = tuple(
        document
        for document in session.documents
        if document.kind not in _FOLDER_KINDS
        or document.project is None
        or same_path(document.project, session.cwd, session.os)
    )
    sources = frozenset[str]() if session.flags.restricted else session.flags.setting_sources
    return effective(
        counted(documents, session.environment),
        user=session.user,
        dropins=session.dropins,
        client_version=session.client_version,
        flag_settings=session.flags.settings,
        setting_sources=sources,
    )


class _Row:
    """A candidate on its way through the session: the first reason that settles it stays."""

    __slots__ = ("endpoint", "outcome", "server", "verdict")

    def __init__(self, server: Server, verdict: Verdict, endpoint: Endpoint) -> None:
        self.server, self.verdict, self.endpoint = server, verdict, endpoint
        self.outcome: tuple[bool | None, str, str] | None = None

    def settle(self, outcome: tuple[bool | None, str, str] | None) -> None:
        if self.outcome is None:
            self.outcome = outcome

    @property
    def final(self) -> tuple[bool | None, str, str]:
        if self.outcome is not None:
            return self.outcome
        reason = self.verdict.reason
        if self.verdict.answer is Answer.BLOCKED:
            return False, "blocked", reason.text
        if self.verdict.answer is Answer.UNDETERMINED and reason.code != "no-policy":
            return None, reason.code, reason.text
        return True, "loads", "The client loads it."

    @property
    def judged(self) -> Judged:
        return Judged(self.server, self.verdict, *self.final)


def _left_out(
    row: _Row, policy: Policy, flags: Flags, refuses: str | None, state: ProjectState
) -> tuple[bool | None, str, str] | None:
    """Say why a candidate does not load whatever the lists say, None where nothing of that kind is so."""
    server = row.server
    if refuses is not None:
        return False, "client-refuses", f"The client does not start: {refuses}"
    if policy.state == "indeterminate":
        return None, "policy-indeterminate", f"The policy in force could not be found out: {policy.refusal}"
    if server.name in policy.rejected and server.scope is ServerScope.PROJECT:
        return (
            False,
            "rejected",
            f"{policy.rejected[server.name].path} rejects this project server (disabledMcpjsonServers).",
        )
    if server.scope is ServerScope.PROJECT and server.name in state.rejected:
        return False, "rejected", "The user rejected this project server (disabledMcpjsonServers)."
    by_flag = _shut_by_flag(server, flags)
    return (False, "left-out", by_flag) if by_flag else None


def _shut_by_flag(server: Server, flags: Flags) -> str | None:
    if flags.safe:
        return "--safe-mode loads no servers."
    if flags.strict and server.scope is not ServerScope.DYNAMIC:
        return "--strict-mcp-config loads only the servers of --mcp-config."
    if flags.bare and server.scope is not ServerScope.DYNAMIC:
        return "--bare loads only the servers of --mcp-config."
    if flags.restricted and server.scope in _OWN:
        return "--restricted leaves out the servers of users and projects."
    wanted = _SOURCES.get(server.scope)
    if flags.setting_sources is not None and wanted is not None and wanted not in flags.setting_sources:
        return f"--setting-sources leaves out the {wanted} scope."
    return None


def _settle_names(rows: Sequence[_Row], session: Session) -> None:
    """Leave one server of each name, and switch off those that the user switched off."""
    state = project_state(session)
    names: dict[str, list[_Row]] = {}
    for row in rows:
        if row.outcome is None and row.server.scope in _RANK and not _out_of_the_way(row):
            names.setdefault(row.server.name, []).append(row)
    for same in names.values():
        winner, *others = sorted(same, key=lambda row: _precedence(row, session))
        for row in others:
            if row.final[1] != "blocked":
                text = f"Another server of this name counts instead: {winner.server.scope} scope, {winner.server.place.path}."
                row.settle((False, "shadowed", text))
    for row in rows:
        blocked = row.verdict.answer is Answer.BLOCKED
        if not blocked and (row.server.disabled or row.server.name in state.disabled):
            row.settle((False, "disabled", "The user switched this server off."))


def _settle_plugins(rows: Sequence[_Row]) -> None:
    """Leave out plugins' servers that reach the same endpoint as a server that loads."""
    taken: dict[object, Server] = {}
    for row in sorted(rows, key=lambda row: row.server.scope is ServerScope.PLUGIN):
        if row.final[0] is False:
            continue
        signature = _signature(row.endpoint)
        other = taken.get(signature) if signature is not None else None
        if other is not None and row.server.scope is ServerScope.PLUGIN:
            row.settle(
                (False, "duplicate", f"The server {other.name!r} reaches the same command or URL, and loads instead.")
            )
        elif signature is not None:
            taken.setdefault(signature, row.server)


def _signature(endpoint: Endpoint) -> object | None:
    """Return what makes two servers the same to the client: the command, or the URL as text.

    Of the text, scheme and host are taken in lower case, the scheme's own port, slashes at the end of the path, an empty query
    and the fragment are left out, and nothing else is made alike.
    """
    written = _WRITTEN.fullmatch(endpoint.url) if isinstance(endpoint.url, str) else None
    if written is None:
        return endpoint.command or endpoint.url
    scheme, host = written["scheme"].lower(), written["host"].lower()
    host = host.removesuffix(f":{_OWN_PORTS.get(scheme, 'none')}")
    return (scheme, written["user"], host, written["path"].rstrip("/"), (written["query"] or "").removeprefix("?"))


def _out_of_the_way(row: _Row) -> bool:
    """Say whether a candidate is gone before names are compared: shut out as a whole, or of --mcp-config and blocked."""
    blocked = row.verdict.answer is Answer.BLOCKED
    return blocked and (
        row.verdict.reason.code in ("exclusive", "plugin-only") or row.server.scope is ServerScope.DYNAMIC
    )


def _precedence(row: _Row, session: Session) -> tuple[int, int]:
    """Return a sort key, the strongest first: the scope, then how near the file is to the folder of the session."""
    depth = len(pure_path(session.os, row.server.place.path).parts) if row.server.scope is ServerScope.PROJECT else 0
    return _RANK.index(row.server.scope), -depth
