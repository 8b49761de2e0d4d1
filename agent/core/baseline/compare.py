"""What one managed file is in the eyes of the baselines that count; where none does, of the files as they were first seen.

A file is intact if any valid baseline records it as it is: bytes or meaning, owner and mode. Without a baseline nobody can say
that a file is what was deployed; what differs from the first sight is then told as an unverified change, never as approved.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from agent.core.baseline.record import DEPLOYED, Record, differences, record_of
from agent.core.baseline.trust import Accepted, Memory, Standing
from agent.core.documents import ManagedState
from agent.core.observation import Document, ManagedLook
from agent.core.place import Content, Missing, Os

FIRST_SIGHT_S = 600.0
"""How long after the first managed file was seen others may come and still count as first seen: a roll-out is not one moment."""
_NO_PROOF = "There is no baseline to tell whether this was approved: it is an unverified change."
_ACKNOWLEDGE = (
    "If your organisation deployed it, put a baseline in place that says so (`mcp-compliance baseline create`)."
)

_LEADS_NOWHERE = "A link stands there that leads nowhere, which clients take for no file."


@dataclass(frozen=True, slots=True)
class Comparison:
    """What came of one file: the state and, unless it is in good order without a remark, sentences."""

    path: str
    role: str
    state: ManagedState
    notes: tuple[str, ...] = ()


class Comparer:
    """Compares files with `standing`, and with `memory` where no baseline counts."""

    def __init__(self, standing: Standing, memory: Memory, os: Os, now: float | None) -> None:
        self._standing, self._memory, self._posix, self._now = standing, memory, os != "windows", now

    def of(self, document: Document) -> Comparison | None:
        """Return what `document` is; None where nothing stands there and nothing should."""
        content = document.content
        if document.kind not in DEPLOYED:
            return (
                None if isinstance(content, Missing) else Comparison(document.path, document.kind.value, "unverified")
            )
        if isinstance(content, Missing):
            return self._absent(document.path, content) or self._dangling(document, content)
        record = record_of(document, posix=self._posix)
        if record is None:
            return Comparison(document.path, document.kind.value, "unverified")
        return self._against_baselines(record) if self._standing.valid else self._against_first_sight(record)

    def absent(self, look: ManagedLook) -> Iterator[Comparison]:
        """Yield the files that should be there and of which the look holds no document at all, such as drop-ins."""
        seen = {document.path for document in look.documents}
        known = [record.path for item in self._standing.valid for record in item.baseline.files]
        if not self._standing.valid:
            known = list(self._memory.first_sight)
        for path in dict.fromkeys(known):
            if path not in seen and (found := self._absent(path, Missing())) is not None:
                yield found

    def remembered(self, look: ManagedLook) -> Memory:
        """Return the memory with what is to be known of the files from now on."""
        if self._now is None:
            return self._memory
        found = [record for item in look.documents if (record := self._deployed(item)) is not None]
        if self._standing.valid:
            approved = {record.path: record for record in found if self._against_baselines(record).state == "intact"}
            if not self._standing.proven or approved == dict(self._memory.first_sight):
                return self._memory
            return replace(self._memory, first_sight=approved, since=self._memory.since or self._now)
        fresh = {record.path: record for record in found if record.path not in self._memory.first_sight}
        if not fresh or not self._open:
            return self._memory
        since = self._now if self._memory.since is None else self._memory.since
        return replace(self._memory, first_sight={**self._memory.first_sight, **fresh}, since=since)

    @property
    def _open(self) -> bool:
        since = self._memory.since
        return since is None or (self._now is not None and self._now - since <= FIRST_SIGHT_S)

    def _deployed(self, document: Document) -> Record | None:
        return record_of(document, posix=self._posix) if document.kind in DEPLOYED else None

    def _absent(self, path: str, content: Content) -> Comparison | None:
        link = isinstance(content, Missing) and content.link
        dangling = f" {_LEADS_NOWHERE}" if link else ""
        if self._standing.valid:
            records = [item.baseline.record(path) for item in self._standing.valid]
            if any(record is None for record in records):
                return None
            role = records[0].role if records[0] is not None else ""
            text = f"{_named(self._standing.valid)} says that it must be there, and it is not.{dangling}"
            return Comparison(path, role, "missing", (text,))
        known = self._memory.first_sight.get(path)
        if known is None:
            return None
        return Comparison(
            path, known.role, "missing", (f"It was there before and is gone.{dangling}", _NO_PROOF, _ACKNOWLEDGE)
        )

    def _dangling(self, document: Document, content: Missing) -> Comparison | None:
        """Tell of a link that leads nowhere where nobody says that there should be nothing."""
        if not content.link or self._standing.valid:
            return None
        return Comparison(document.path, document.kind.value, "missing", (_LEADS_NOWHERE,))

    def _against_baselines(self, record: Record) -> Comparison:
        pairs = [(item, item.baseline.record(record.path)) for item in self._standing.valid]
        known = [(item, wanted) for item, wanted in pairs if wanted is not None]
        named = _named(self._standing.valid)
        if not known:
            return Comparison(record.path, record.role, "unexpected", (f"{named} does not know it.",))
        for item, wanted in known:
            if not (faults := tuple(_faults(wanted, record))):
                good: ManagedState = "intact" if self._standing.proven else "unverified"
                notes = _remarks(wanted, record)
                if not self._standing.proven:
                    notes = (*notes, f"It is as the unsigned baseline {item.path} says; nobody vouches for that.")
                return Comparison(record.path, record.role, good, notes)
        item, wanted = known[0]
        faults = tuple(_faults(wanted, record))
        return Comparison(
            record.path, record.role, "modified", (f"It is not what {_named([item])} says: {_joined(faults)}.",)
        )

    def _against_first_sight(self, record: Record) -> Comparison:
        known = self._memory.first_sight.get(record.path)
        if known is None:
            if self._open:
                return Comparison(record.path, record.role, "unverified")
            text = "It came after the other managed files were first seen."
            return Comparison(record.path, record.role, "unexpected", (text, _NO_PROOF, _ACKNOWLEDGE))
        faults = tuple(_faults(known, record))
        if not faults:
            return Comparison(record.path, record.role, "unverified", _remarks(known, record))
        text = f"It is not what it was when it was first seen: {_joined(faults)}."
        return Comparison(record.path, record.role, "modified", (text, _NO_PROOF, _ACKNOWLEDGE))


def _faults(wanted: Record, found: Record) -> Iterator[str]:
    """Yield how `found` differs from `wanted` in what binds."""
    same = wanted.sha256 == found.sha256 or (wanted.meaning is not None and wanted.meaning == found.meaning)
    if not same:
        told = differences(wanted.outline, found.outline)
        if found.meaning is None:
            told = ("its content is no JSON object any more",)
        yield from told or ("its content differs",)
    if wanted.owner is not None and found.owner is not None and wanted.owner != found.owner:
        yield f"it belongs to uid {found.owner} and not to uid {wanted.owner}"
    if wanted.mode is not None and found.mode is not None and wanted.mode != found.mode:
        yield f"its mode is {found.mode} and not {wanted.mode}"


def _remarks(wanted: Record, found: Record) -> tuple[str, ...]:
    if wanted.sha256 == found.sha256:
        return ()
    return ("It was written in another form; what it means is the same.",)


def _named(valid: Sequence[Accepted]) -> str:
    serials = ", ".join(str(item.baseline.serial) for item in valid)
    return f"the baseline with serial {serials}" if len(valid) == 1 else f"each of the baselines with serials {serials}"


def _joined(faults: Sequence[str]) -> str:
    return "; ".join(faults)
