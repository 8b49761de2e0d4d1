"""The managed files one by one: is each there, whole, readable by those who must obey it, and out of their reach?

Without a signed baseline nobody can say that a file is what was deployed: a file in good order is then `unverified`.
"""

import hashlib
from collections.abc import Iterator, Sequence

from agent.core.access import may_read, writers
from agent.core.assess.results import deviation
from agent.core.deviation import Deviation, Evidence
from agent.core.documents import ManagedFileRow, ManagedState
from agent.core.observation import Document, DocumentKind, ManagedLook, Scope
from agent.core.place import Data, Missing, Unreadable, User
from agent.core.policy.documents import ManagedMcp, Refuses, Skipped, read_managed_mcp, read_settings

SCOPE = Scope("managed")
_STATE_OF_CODE: dict[str, ManagedState] = {"unreadable": "unreadable", "malformed": "malformed"}


def managed_rows(look: ManagedLook, users: Sequence[User]) -> tuple[ManagedFileRow, ...]:
    """Return a row for every managed file that is there, and for every one that lies in the wrong place."""
    rows = [_row(document, users) for document in look.documents if not isinstance(document.content, Missing)]
    rows += [_misplaced(document) for document in look.misplaced if not isinstance(document.content, Missing)]
    return tuple(rows)


def managed_deviations(rows: Sequence[ManagedFileRow]) -> Iterator[Deviation]:
    """Yield a deviation for every row that is not in good order."""
    for row in rows:
        if row.state in ("intact", "unverified"):
            continue
        yield deviation(
            f"managed-file.{row.state}",
            subject=row.path,
            label=row.path,
            text=f"{row.path}: {' '.join(row.problems)}",
            evidence=[Evidence("file", f"{row.path} owner {row.owner} mode {row.mode} sha256 {row.sha256}")],
            depends=(SCOPE,),
        )


def _row(document: Document, users: Sequence[User]) -> ManagedFileRow:
    content = document.content
    facts = content.access[-1] if content.access else None
    state, problems = _state(document, users)
    return ManagedFileRow(
        path=document.path,
        role=document.kind.value,
        state=state,
        sha256=hashlib.sha256(content.raw).hexdigest() if isinstance(content, Data) else None,
        owner=f"uid {facts.uid}" if facts else None,
        mode=f"{facts.mode:04o}" if facts else None,
        problems=problems,
    )


def _state(document: Document, users: Sequence[User]) -> tuple[ManagedState, tuple[str, ...]]:
    content = document.content
    if isinstance(content, Unreadable):
        return "unreadable", (f"It cannot be read: {content.text}",)
    if fault := _fault(document):
        return fault
    shut_out = [user.name for user in users if not may_read(content.access, user)]
    if shut_out:
        return "unreadable", (f"It does not bind {', '.join(shut_out)}, whose client may not read it.",)
    if who := writers(content.access):
        return "exposed", tuple(f"{reason[:1].upper()}{reason[1:]}." for reason in who)
    return "unverified", ()


def _fault(document: Document) -> tuple[ManagedState, tuple[str, ...]] | None:
    """Return what is wrong with the file's content in the eyes of a client that may read it."""
    if document.kind is DocumentKind.MANAGED_MCP:
        reading = read_managed_mcp(document, None)
        if isinstance(reading, ManagedMcp) and reading.why and reading.state in _STATE_OF_CODE:
            return _STATE_OF_CODE[reading.state], (reading.why,)
        return None
    settings = read_settings(document, None)
    if isinstance(settings, Refuses):
        return "malformed", (f"The client does not start: {settings.why}.",)
    if isinstance(settings, Skipped):
        return _STATE_OF_CODE.get(settings.code, "malformed"), (f"The client goes on without it: {settings.why}",)
    return None


def _misplaced(document: Document) -> ManagedFileRow:
    facts = document.content.access[-1] if document.content.access else None
    return ManagedFileRow(
        path=document.path,
        role=document.kind.value,
        state="misplaced",
        sha256=hashlib.sha256(document.content.raw).hexdigest() if isinstance(document.content, Data) else None,
        owner=f"uid {facts.uid}" if facts else None,
        mode=f"{facts.mode:04o}" if facts else None,
        problems=("No client reads a file of this name in this place, so nothing in it binds.",),
    )
