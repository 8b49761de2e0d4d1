"""What the policies of other clients have in common: their states, what a client reads of a file, and how a verdict is said."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

from agent.core.access import may_read
from agent.core.observation import Document, DocumentKind
from agent.core.place import Missing, Trouble, Unreadable, User
from agent.core.policy.expansion import Environment
from agent.core.server import Server
from agent.core.verdict import Answer, Reason, Verdict

State = Literal["none", "effective", "refused", "indeterminate"]
"""`none`: the client's files say nothing about servers. `refused`: the client does not start under them."""

_OURS = frozenset({Trouble.LINK_ESCAPES, Trouble.TIMED_OUT, Trouble.IO_ERROR, Trouble.FOREIGN})


class ClientPolicy(Protocol):
    """What one user's client is bound by. `why` says in a sentence what is wrong with the files; None where nothing is."""

    @property
    def state(self) -> State: ...  # noqa: D102 - said above

    @property
    def why(self) -> str | None: ...  # noqa: D102 - said above

    def verdict(self, server: Server, environment: Environment) -> Verdict:
        """Return what the client does with `server`."""


@dataclass(frozen=True, slots=True)
class NotEffective:
    """A policy that decides about no single server: there is none, the client does not start, or it could not be found out."""

    state: State
    why: str | None = None

    def verdict(self, server: Server, environment: Environment) -> Verdict:
        """Return that nothing is decided, and why."""
        del environment
        text = self.why or f"No managed policy of {server.client} says anything about its servers."
        return Verdict(Answer.UNDETERMINED, Reason(f"own-policy-{self.state}", text))


NONE = NotEffective("none")


@dataclass(frozen=True, slots=True)
class Bytes:
    """The file's content, as the client of the user reads it."""

    raw: bytes


@dataclass(frozen=True, slots=True)
class Closed:
    """Something stands there that the user's client cannot read; `why` ends no sentence."""

    why: str
    denied: bool = False


@dataclass(frozen=True, slots=True)
class Unseen:
    """We could not look."""

    why: str


def read(document: Document | None, user: User | None) -> Bytes | Closed | Unseen | None:
    """Return what the client of `user` finds at a document's path; None: nothing. A user of None may read everything."""
    content = document.content if document is not None else Missing()
    if isinstance(content, Missing):
        return None
    if isinstance(content, Unreadable):
        if content.trouble in _OURS:
            return Unseen(content.text)
        return Closed(content.text, denied=content.trouble is Trouble.DENIED)
    if user is not None and not may_read(content.access, user):
        return Closed(f"{user.name} may not read it", denied=True)
    return Bytes(content.raw)


def of_kind(documents: Sequence[Document], kind: DocumentKind) -> Document | None:
    """Return the first document of a role."""
    return next((document for document in documents if document.kind is kind), None)


def blocked(code: str, text: str, *, entry: str | None = None, source: str | None = None) -> Verdict:
    """Return a verdict of the client against the server."""
    return Verdict(Answer.BLOCKED, Reason(code, text, entry=entry, source=source))


def allowed(code: str, text: str, *, entry: str | None = None, source: str | None = None) -> Verdict:
    """Return a verdict of the client for the server."""
    return Verdict(Answer.ALLOWED, Reason(code, text, entry=entry, source=source))


def undetermined(code: str, text: str, *, entry: str | None = None, source: str | None = None) -> Verdict:
    """Return that it could not be found out."""
    return Verdict(Answer.UNDETERMINED, Reason(code, text, entry=entry, source=source))
