"""Clients with a managed policy of their own: their verdicts beside the organisation's, and their files.

A server must pass both. `enforced` is true where the answer that is given is one that the client itself applies.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from agent.core.access import may_read, writers
from agent.core.assess.managed import file_row
from agent.core.assess.results import deviation
from agent.core.deviation import Deviation, Evidence
from agent.core.documents import ManagedFileRow, ManagedState
from agent.core.memo import Memo
from agent.core.observation import ConfigLook, Document, DocumentKind, ManagedLook, Scope
from agent.core.place import Missing, Os, Unreadable, User
from agent.core.policy.expansion import Environment
from agent.core.policy.explain import Explanation, Result, Step
from agent.core.policy.others.ruling import ClientPolicy
from agent.core.policy.others.table import ENFORCEMENTS, KINDS
from agent.core.server import Server
from agent.core.verdict import Answer, Verdict

SCOPE = Scope("managed")
_USERS_OWN = frozenset({DocumentKind.DESKTOP_USER_POLICY, DocumentKind.VSCODE_USER_POLICY})  # its user's in any case
_RESULTS: dict[Answer, Result] = {Answer.ALLOWED: "allows", Answer.BLOCKED: "blocks", Answer.UNDETERMINED: "open"}


@dataclass(frozen=True, slots=True)
class Both:
    """What comes of two policies. `starts` is false where the client itself keeps the server from loading, and `why` says how."""

    verdict: Verdict
    enforced: bool = False
    starts: bool = True
    why: str | None = None


class OwnPolicies:
    """The policies of all clients with one of their own, by client, user and project; read once each."""

    def __init__(
        self, looks: Sequence[ConfigLook], managed: ManagedLook, environment: Environment, memo: Memo | None = None
    ) -> None:
        """Take the documents of `looks` and `managed`; `environment` is the clients'."""
        self._memo = memo or Memo()
        self._looks: Mapping[str, ConfigLook] = {look.user.name: look for look in looks}
        self._managed, self._environment = managed.others, environment
        self._read: dict[tuple[str, str | None, str | None], ClientPolicy] = {}

    def of(self, server: Server) -> ClientPolicy | None:
        """Return the policy of the server's own client, None where that client has none of its own or files say nothing."""
        enforcement = ENFORCEMENTS.get(server.client)
        if enforcement is None or not self._managed:
            return None
        key = (server.client, server.user, server.project)
        if key not in self._read:
            look = self._looks.get(server.user or "")
            own = look.documents if look is not None else ()
            documents = (*self._managed, *(item for item in own if item.project in (None, server.project)))
            documents = self._memo.same(("documents of", *key), documents)
            user = self._memo.same(("user of", *key), look.user if look is not None else None)
            self._read[key] = self._memo.of(enforcement, documents, user)
        policy = self._read[key]
        return None if policy.state == "none" else policy

    def judge(self, server: Server, organisation: Verdict) -> Both:
        """Return the answer of both: of `organisation`, and of what binds the server's client."""
        return judge_both(self.of(server), server, organisation, self._environment)

    def explained(self, explanation: Explanation) -> Explanation:
        """Return the explanation with a step for the client's own policy, if it has one."""
        server = explanation.server
        policy = self.of(server)
        if policy is None:
            return explanation
        own = policy.verdict(server, self._environment)
        step = Step(
            f"What {server.client} itself enforces", own.reason.text, _RESULTS[own.answer], source=own.reason.source
        )
        both = self.judge(server, explanation.verdict)
        loads = explanation.loads if both.starts else False
        return replace(explanation, verdict=both.verdict, steps=(*explanation.steps, step), loads=loads)


def judge_both(policy: ClientPolicy | None, server: Server, organisation: Verdict, environment: Environment) -> Both:
    """Return the answer of both: of `organisation`, and of `policy`, which binds the server's client (None: nothing does)."""
    if policy is None:
        return Both(organisation)
    if policy.state == "refused":
        return Both(organisation, starts=False, why=policy.why)
    own = policy.verdict(server, environment)
    if own.blocked:
        return Both(own, enforced=True, starts=False, why=own.reason.text)
    if organisation.blocked:
        return Both(organisation)
    silent = organisation.reason.code == "no-policy"
    if own.answer is Answer.UNDETERMINED or silent:
        return Both(own, enforced=own.answer is Answer.ALLOWED)
    return Both(organisation)


def other_files(managed: ManagedLook, users: Sequence[User], os: Os) -> tuple[ManagedFileRow, ...]:
    """Return a row for every managed file of another client that is there."""
    return tuple(
        _row(document, managed, users, os) for document in managed.others if not isinstance(document.content, Missing)
    )


def other_deviations(managed: ManagedLook, users: Sequence[User]) -> Iterator[Deviation]:
    """Yield what is wrong with those files."""
    for document in managed.others:
        for state, text in _faults(document, managed, users):
            yield deviation(
                f"managed-file.{state}",
                subject=document.path,
                label=document.path,
                text=f"{document.path}: {text}",
                evidence=[Evidence("file", document.path, path=document.path)],
                depends=(SCOPE,),
            )


def _faults(document: Document, managed: ManagedLook, users: Sequence[User]) -> list[tuple[ManagedState, str]]:
    content = document.content
    if isinstance(content, Missing):
        return []
    faults: list[tuple[ManagedState, str]] = []
    client = KINDS[document.kind]
    if isinstance(content, Unreadable):
        faults.append(("unreadable", f"It cannot be read: {content.text}"))
    else:
        policy = ENFORCEMENTS[client]([document], None)
        if policy.why is not None:
            faults.append(("malformed", policy.why))
        elif shut_out := [user.name for user in users if not may_read(content.access, user)]:
            faults.append(("unreadable", f"{', '.join(shut_out)} may not read it: make it readable for everyone."))
    if document.kind not in _USERS_OWN and (who := list(writers(content.access, managed.guards, managed.accounts))):
        faults.append(("exposed", "; ".join(who) + "."))
    return faults


def _row(document: Document, managed: ManagedLook, users: Sequence[User], os: Os) -> ManagedFileRow:
    faults = _faults(document, managed, users)
    state = faults[0][0] if faults else "unverified"
    return file_row(document, managed, os, state, tuple(text for _, text in faults))
