"""The managed files one by one: is each there, whole, as it was deployed, readable by those who must obey it, out of their reach?

A file can fail several of these; its row names the worst, and each is a deviation of its own. Without a signed baseline nobody
can say that a file is what was deployed: a file in good order is then `unverified`.
"""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

from agent.core.access import leads_out, locks, may_read, owner_and_mode, protection, writers
from agent.core.assess.own import own_deviations, sentence
from agent.core.assess.results import deviation, digest
from agent.core.baseline.compare import Comparer, Comparison
from agent.core.baseline.record import DEPLOYED
from agent.core.baseline.trust import Memory, Standing, texts, weigh
from agent.core.deviation import Deviation, Evidence, Severity
from agent.core.documents import ManagedFileRow, ManagedState
from agent.core.observation import Document, DocumentKind, ManagedLook, Scope
from agent.core.place import Data, Missing, Os, Unreadable, User
from agent.core.policy.documents import ManagedMcp, Refuses, Skipped, read_managed_mcp, read_settings

SCOPE = Scope("managed")
_STATE_OF_CODE: dict[str, ManagedState] = {"unreadable": "unreadable", "malformed": "malformed"}
_SOUND: frozenset[ManagedState] = frozenset({"intact", "unverified"})
_WRITTEN: frozenset[ManagedState] = frozenset({"missing", "malformed", "unexpected"})
"""Other states than `modified` that somebody brought about."""
_NOT_OURS = frozenset({DocumentKind.USER_REGISTRY, DocumentKind.WINDOWS_SETTINGS, DocumentKind.WINDOWS_DROPIN})
"""Who may write these is not judged: HKCU is its user's in any case, and Windows' own protection is not seen from inside WSL."""
_NO_PROCESS = "Which process wrote it is not known: the system did not tell."


@dataclass(frozen=True, slots=True)
class Ground:
    """What the managed files are judged by, besides the look: the keys that sign baselines, what is remembered, the time."""

    os: Os = "linux"
    keys: tuple[str, ...] = ()
    memory: Memory = field(default_factory=Memory)
    now: float | None = None


@dataclass(frozen=True, slots=True)
class ManagedJudgement:
    """Rows and deviations, and what is to be remembered from now on."""

    rows: tuple[ManagedFileRow, ...]
    deviations: tuple[Deviation, ...]
    memory: Memory


@dataclass(frozen=True, slots=True)
class _Judged:
    """One file with everything that is wrong with it, the worst first; `remarks` are no faults."""

    document: Document
    faults: tuple[tuple[ManagedState, str], ...]
    sound: ManagedState = "unverified"
    remarks: tuple[str, ...] = ()


def judge_managed(look: ManagedLook, users: Sequence[User], ground: Ground) -> ManagedJudgement:
    """Judge every managed file that is there or should be, every one in the wrong place, and the baselines themselves."""
    standing, memory = weigh(look.baselines, ground.keys, ground.memory, ground.now, ground.os)
    comparer = Comparer(standing, memory, ground.os, ground.now)
    judged = [item for document in look.documents if (item := _judged(document, look, users, comparer)) is not None]
    judged += [_absent(found) for found in comparer.absent(look)]
    judged += [_misplaced(document) for document in look.misplaced if not isinstance(document.content, Missing)]
    return ManagedJudgement(
        rows=tuple(_row(item, look, ground.os) for item in judged),
        deviations=(
            *(found for item in judged for found in _deviations(item, look, ground.os)),
            *_passing(look, comparer),
            *_baselines(standing, ground.keys),
            *own_deviations(look, ground.os),
        ),
        memory=comparer.remembered(look),
    )


def _judged(document: Document, look: ManagedLook, users: Sequence[User], comparer: Comparer) -> _Judged | None:
    compared = comparer.of(document)
    if compared is None:
        return None
    faults = list(_faults(document, look, users))
    if compared.state not in _SOUND:
        faults.append((compared.state, " ".join(sentence(note) for note in compared.notes)))
        faults.sort(key=lambda fault: fault[0] != "malformed" and fault[0] != compared.state)
        return _Judged(document, tuple(faults))
    return _Judged(document, tuple(faults), compared.state, (*compared.notes, *_remarks(document, look)))


def _absent(found: Comparison) -> _Judged:
    kinds = {kind.value: kind for kind in DEPLOYED}
    document = Document(kinds.get(found.role, DocumentKind.MANAGED_DROPIN), found.path, Missing())
    return _Judged(document, ((found.state, " ".join(sentence(note) for note in found.notes)),))


def _misplaced(document: Document) -> _Judged:
    text = "No client reads a file of this name in this place, so nothing in it binds."
    return _Judged(document, (("misplaced", text),))


def _remarks(document: Document, look: ManagedLook) -> Iterator[str]:
    content = document.content
    yield from locks(content.access, look.guards)
    if isinstance(content, Data) and content.access and content.facts.links > 1:
        yield f"It is one file under {content.facts.links} names (hard links): who may write one of them writes all."


def _faults(document: Document, look: ManagedLook, users: Sequence[User]) -> Iterator[tuple[ManagedState, str]]:
    content = document.content
    if isinstance(content, Missing):
        return
    if isinstance(content, Unreadable):
        yield "unreadable", f"It cannot be read: {content.text}"
    elif fault := _fault(document):
        yield fault
    elif shut_out := [user.name for user in users if not may_read(content.access, user)]:
        yield "unreadable", f"It does not bind {', '.join(shut_out)}, whose client may not read it."
    who = [] if document.kind in _NOT_OURS else list(writers(content.access, look.guards, look.accounts))
    if out := leads_out(content.access, document.path, look.folder):
        who.append(out)
    if who:
        yield "exposed", " ".join(sentence(reason) for reason in who)


def _fault(document: Document) -> tuple[ManagedState, str] | None:
    """Return what is wrong with the file's content in the eyes of a client that may read it."""
    if document.kind is DocumentKind.MANAGED_MCP:
        reading = read_managed_mcp(document, None)
        if isinstance(reading, ManagedMcp) and reading.why and reading.state in _STATE_OF_CODE:
            return _STATE_OF_CODE[reading.state], reading.why
        return None
    settings = read_settings(document, None)
    if isinstance(settings, Refuses):
        return "malformed", f"The client does not start: {settings.why}."
    if isinstance(settings, Skipped):
        return _STATE_OF_CODE.get(settings.code, "malformed"), f"The client goes on without it: {settings.why}"
    return None


def _row(item: _Judged, look: ManagedLook, os: Os) -> ManagedFileRow:
    state = item.faults[0][0] if item.faults else item.sound
    return file_row(item.document, look, os, state, (*(text for _, text in item.faults), *item.remarks))


def file_row(
    document: Document, look: ManagedLook, os: Os, state: ManagedState, problems: tuple[str, ...]
) -> ManagedFileRow:
    """Return the row of a managed file of any client, with what the look says of it."""
    content = document.content
    facts = content.access[-1] if content.access and not isinstance(content, Missing) else None
    owner, mode = owner_and_mode(facts, look.guards, os)
    return ManagedFileRow(
        path=document.path,
        role=document.kind.value,
        state=state,
        sha256=hashlib.sha256(content.raw).hexdigest() if isinstance(content, Data) else None,
        owner=owner,
        mode=mode,
        problems=problems,
    )


def _deviations(item: _Judged, look: ManagedLook, os: Os) -> Iterator[Deviation]:
    row = _row(item, look, os)
    facts = f"{row.path} {protection(row.owner, row.mode)}, {digest(row.sha256)}"
    evidence = [Evidence("file", facts, path=row.path, sha256=row.sha256, owner=row.owner)]
    belongs = (
        f"It belongs to {_named(row.owner, os)} now." if row.owner is not None else "Who owns it now is not known."
    )
    for state, text in item.faults:
        changed = f" {belongs} {_by(row.path, look)}" if state == "modified" else ""
        if state in _WRITTEN and row.path in look.writers:
            changed = f" {_by(row.path, look)}"
        yield deviation(
            f"managed-file.{state}",
            subject=row.path,
            label=row.path,
            text=f"{text}{changed}",
            evidence=[*evidence, *(_writer(row.path, look) if state in _WRITTEN or state == "modified" else ())],
            depends=(SCOPE,),
        )


def _named(owner: str, os: Os) -> str:
    return "root" if owner == "uid 0" and os != "windows" else owner


def _passing(look: ManagedLook, comparer: Comparer) -> Iterator[Deviation]:
    """Yield what was otherwise for a moment between two looks."""
    told = set()
    for document in look.passed:
        found = comparer.of(document)
        if found is None or found.state in _SOUND or document.path in told:
            continue
        told.add(document.path)
        notes = " ".join(sentence(note) for note in found.notes)
        text = f"It was changed and changed back. In between: {notes} {_by(document.path, look)}"
        yield _passed(document.path, text, look)
    for path, what in look.touched.items():
        if path not in told:
            text = f"{what} It is as it was before; what it held in between was not seen. {_by(path, look)}"
            yield replace(_passed(path, text, look), severity=Severity.LOW)


def _by(path: str, look: ManagedLook) -> str:
    writer = look.writers.get(path)
    return _NO_PROCESS if writer is None else writer.told(look.accounts)


def _writer(path: str, look: ManagedLook) -> Iterator[Evidence]:
    """Yield who wrote at `path`, where the system told it."""
    writer = look.writers.get(path)
    if writer is not None:
        owner = look.accounts.user(writer.uid) if writer.uid is not None else None
        yield Evidence("writer", writer.told(look.accounts), path=writer.program, owner=owner, pid=writer.pid)


def _passed(path: str, text: str, look: ManagedLook) -> Deviation:
    return deviation(
        "managed-file.modified",
        subject=f"{path} in passing",
        label=path,
        text=text,
        evidence=[Evidence("file", path, path=path), *_writer(path, look)],
        depends=(SCOPE,),
        remediation="Find out who writes there: nothing needs to be pushed, as the file is what it was.",
    )


def _baselines(standing: Standing, keys: Sequence[str]) -> Iterator[Deviation]:
    for path, text in texts(standing):
        yield deviation(
            "baseline.refused",
            subject=path,
            label=path,
            text=text,
            evidence=[Evidence("file", path, path=path)],
            depends=(SCOPE,),
        )
    missing = standing.gone
    if missing is None and keys and not standing.valid:
        missing = (
            "The settings name keys that sign baselines, and there is no baseline that counts: no file can be verified."
        )
    if missing is not None:
        yield deviation("baseline.missing", subject="baseline", label="baseline", text=missing, depends=(SCOPE,))
