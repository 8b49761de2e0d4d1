"""Sessions of the client that enforces the policy, for one user: what each starts from, and what it decides."""

from dataclasses import replace

from agent.core.assess.terms import Means
from agent.core.memo import Memo
from agent.core.observation import ConfigLook, Document, ManagedLook
from agent.core.place import top_of
from agent.core.policy.candidates import Session
from agent.core.policy.provided import CLAUDE_CODE
from agent.core.policy.rulesets import rules_for
from agent.core.policy.session import Outcome, judge
from agent.core.policy.windows_side import inherited
from agent.core.server import Server, ServerScope


def binding(look: ConfigLook, managed: ManagedLook, means: Means) -> tuple[ManagedLook, Means] | None:
    """Return what binds the sessions of that user, and where they run; None: nothing does, as far as it can be known."""
    if not look.apart:
        return managed, means
    rules, _ = rules_for(look.client_versions.get(CLAUDE_CODE) or means.client_version)
    documents = inherited(managed.documents, managed.dropin_folder, rules)
    return (replace(managed, documents=documents), replace(means, os="linux")) if documents else None


def session_of(look: ConfigLook, managed: ManagedLook, means: Means, project: str | None = None) -> Outcome:
    """Return what a session of the enforcing client decides for this user, in `project` or anywhere else."""
    return Sessions(look, managed, means, Memo()).outcome(project)


class Sessions:
    """The sessions of one user. What a session starts from is put together anew, and judged anew only if it is not the same."""

    def __init__(self, look: ConfigLook, managed: ManagedLook, means: Means, memo: Memo) -> None:
        self._look, self._means, self._memo = look, means, memo
        self._managed = tuple(d for d in managed.documents if d.user in (None, look.user.name))
        self._dropins = managed.dropin_folder
        self._servers: dict[str | None, list[tuple[int, Server]]] = {}
        for number, server in enumerate(look.servers):
            if server.client == CLAUDE_CODE:
                self._servers.setdefault(server.project, []).append((number, server))
        self._documents: dict[str | None, list[tuple[int, Document]]] = {}
        for number, document in enumerate(look.documents):
            self._documents.setdefault(document.project, []).append((number, document))

    def outcome(self, project: str | None = None) -> Outcome:
        """Return what a session in `project`, or anywhere else, decides."""
        look, means = self._look, self._means
        root = look.repositories.get(project, project) if project is not None else None
        own = [pair for name in {None, project} for pair in self._documents.get(name, ())]
        session = Session(
            user=look.user,
            cwd=project or top_of(means.os),
            project=root,
            os=means.os,
            documents=(*self._managed, *(document for _, document in sorted(own, key=_number))),
            dropins=self._dropins,
            servers=self._concerned(project, root),
            environment=means.environment,
            client_version=look.client_versions.get(CLAUDE_CODE) or means.client_version,
        )
        return self._memo.of(judge, self._memo.same(("session", look.user.name, project), session))

    def _concerned(self, project: str | None, root: str | None) -> tuple[Server, ...]:
        """Return the servers that may count in a session in `project`, whose state the client keeps under `root`."""
        found = [pair for name in {None, project} for pair in self._servers.get(name, ())]
        if root not in (None, project):
            found += [pair for pair in self._servers.get(root, ()) if pair[1].scope is ServerScope.LOCAL]
        return tuple(server for _, server in sorted(found, key=_number))


def _number(pair: tuple[int, object]) -> int:
    return pair[0]
