"""The hash chain of a device, as the receiver sees it: what is new, what came before, what is missing, what does not fit.

A *line* is one unbroken way through one journal. Everything normal is one line per journal. A second line in a journal means
that events do not continue what was received: the journal was altered or put back, or two machines write it. Nothing is ever
dropped for that: the second line is taken as it comes, and the findings tell of it.

For a line that was received up to sequence `last`:

- an event that is known by its digest is a repeat
- the next sequence with the right `previous` extends it; a later one opens a gap; one in a gap fills it
- an older sequence, or a wrong `previous`, starts another line

A gap is a loss unless an event of the chain says otherwise: signs of life that were folded are none (`accounted`), and what this
endpoint was never owed is kept apart (`not_owed`).
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from central.core.envelope import Item

GENESIS = "0" * 64
"""`previous` of the first event of a journal."""

_SHORT = 12
_REMEMBERED = 32
_LINES = 8
_GAPS = 64


@dataclass(frozen=True, slots=True)
class Gap:
    """Sequences that did not arrive. `before` is the digest ahead of it, `after` what the event behind it names as previous.

    `away_since` is None for what is missing; otherwise the Unix time from which the device's settings did not name this endpoint:
    it was never owed these, as an event of the chain declared.
    """

    first: int
    last: int
    before: str
    after: str
    seen_at: float
    away_since: float | None = None

    @property
    def size(self) -> int:
        """How many events are missing."""
        return self.last - self.first + 1


@dataclass(frozen=True, slots=True)
class Line:
    """One way through a journal. `broken` says that it does not begin where a journal or another line ends.

    `recent` holds the short digests of the last sequences up to `last`, oldest first, empty texts for what is missing.
    """

    journal: str
    first: int
    last: int
    head: str
    started_at: float
    new_at: float
    hostname: str = ""
    broken: bool = False
    gaps: tuple[Gap, ...] = ()
    recent: tuple[str, ...] = field(default=(), repr=False)

    def short(self, sequence: int) -> str | None:
        """Return the short digest of `sequence`, empty where it is missing, None where it is not remembered."""
        index = sequence - (self.last - len(self.recent) + 1)
        return self.recent[index] if 0 <= index < len(self.recent) else None

    @property
    def missing(self) -> int:
        """How many events of this line did not arrive that this endpoint was owed."""
        return sum(gap.size for gap in self.gaps if gap.away_since is None)


@dataclass(frozen=True, slots=True)
class Placed:
    """What became of a batch: the lines afterwards, and the items that are new, in order."""

    lines: tuple[Line, ...]
    fresh: tuple[Item, ...]
    repeats: int = 0


def place(lines: Sequence[Line], items: Iterable[Item], at: float, hostname: str = "") -> Placed:
    """Put each item where it belongs; `at` is when the batch was received."""
    held = list(lines)
    fresh: list[Item] = []
    repeats = 0
    items = tuple(items)
    anchor = max((index for index, item in enumerate(items) if _known(held, item)), default=-1)
    for index, item in enumerate(items):
        if _known(held, item) or (index < anchor and _passed(held, item)):
            repeats += 1
            continue
        _put(held, item, at, hostname)
        fresh.append(item)
    held.sort(key=lambda line: line.new_at)
    return Placed(tuple(held[-_LINES:]), tuple(fresh), repeats)


def _known(held: Sequence[Line], item: Item) -> bool:
    return any(line.journal == item.journal and line.short(item.sequence) == item.digest[:_SHORT] for line in held)


def _passed(held: Sequence[Line], item: Item) -> bool:
    """Say whether `item` lies longer ago than is remembered: a repeat, if what comes after it in its batch is known."""
    return any(
        line.journal == item.journal
        and line.first <= item.sequence <= line.last
        and line.short(item.sequence) is None
        and _gap(line, item.sequence) is None
        for line in held
    )


def _put(held: list[Line], item: Item, at: float, hostname: str) -> None:
    own = [index for index, line in enumerate(held) if line.journal == item.journal]
    for index in own:
        line = held[index]
        if item.sequence == line.last + 1 and item.previous == line.head:
            held[index] = _extended(line, item, at)
            return
    for index in own:
        filled = _filled(held[index], item, at)
        if filled is not None:
            held[index] = filled
            return
    if own:
        index = max(own, key=lambda place: held[place].new_at)
        line = held[index]
        if item.sequence > line.last + 1:
            held[index] = _extended(_gapped(line, item, at), item, at)
            return
    held.append(_begun(item, at, hostname, another=bool(own)))


def _begun(item: Item, at: float, hostname: str, *, another: bool) -> Line:
    """Return the line that `item` begins. One that does not begin with 1 is no break: this endpoint may be the newer one."""
    return Line(
        item.journal,
        item.sequence,
        item.sequence,
        item.digest,
        at,
        at,
        hostname,
        broken=another,
        recent=(item.digest[:_SHORT],),
    )


def _extended(line: Line, item: Item, at: float) -> Line:
    skipped = ("",) * min(item.sequence - line.last - 1, _REMEMBERED)
    recent = (*line.recent, *skipped, item.digest[:_SHORT])[-_REMEMBERED:]
    return replace(line, last=item.sequence, head=item.digest, new_at=at, recent=recent)


def _gapped(line: Line, item: Item, at: float) -> Line:
    gap = Gap(line.last + 1, item.sequence - 1, line.head, item.previous, at)
    return replace(line, gaps=(*line.gaps, gap)[-_GAPS:])


def _filled(line: Line, item: Item, at: float) -> Line | None:
    """Return the line with `item` put into the gap where it belongs, None where there is none that it fits."""
    gap = _gap(line, item.sequence)
    if gap is None:
        return None
    if item.sequence == gap.first and gap.before and item.previous != gap.before:
        return None
    if item.sequence == gap.last and gap.after and item.digest != gap.after:
        return None
    parts = (
        replace(gap, last=item.sequence - 1, after=item.previous),
        replace(gap, first=item.sequence + 1, before=item.digest),
    )
    left = [part for part in parts if part.size > 0]
    gaps = tuple(new for old in line.gaps for new in (left if old is gap else [old]))[-_GAPS:]
    recent = list(line.recent)
    index = item.sequence - (line.last - len(recent) + 1)
    if 0 <= index < len(recent):
        recent[index] = item.digest[:_SHORT]
    return replace(line, gaps=gaps, recent=tuple(recent), new_at=at)


def _gap(line: Line, sequence: int) -> Gap | None:
    return next((gap for gap in line.gaps if gap.first <= sequence <= gap.last), None)


def accounted(lines: Sequence[Line], journal: str, spans: Iterable[Sequence[int]]) -> tuple[Line, ...]:
    """Return the lines without the gaps that `spans` (first, last) of `journal` account for: signs of life that were folded."""
    held = tuple(lines)
    for span in spans:
        first, last = span
        held = tuple(_without(line, first, last) if line.journal == journal else line for line in held)
    return held


def not_owed(lines: Sequence[Line], journal: str, first: int, last: int, since: float) -> tuple[Line, ...]:
    """Return the lines with what this endpoint was never owed (sequences `first` to `last` of `journal`) told apart from losses.

    Only the gap that `last` lies in is meant: what came next was owed again. Any other is a loss of its own, and stays one.
    """

    def parts(gap: Gap) -> tuple[Gap, ...]:
        begin = max(first, gap.first)
        if not begin <= last <= gap.last:
            return (gap,)
        before, after = gap.before if begin == gap.first else "", gap.after if last == gap.last else ""
        meant = Gap(begin, last, before, after, gap.seen_at, since)
        return tuple(sorted((meant, *_outside(gap, begin, last)), key=lambda part: part.first))

    return tuple(
        replace(line, gaps=tuple(part for gap in line.gaps for part in parts(gap))[-_GAPS:])
        if line.journal == journal
        else line
        for line in lines
    )


def _without(line: Line, first: int, last: int) -> Line:
    return replace(line, gaps=tuple(part for gap in line.gaps for part in _outside(gap, first, last))[-_GAPS:])


def _outside(gap: Gap, first: int, last: int) -> tuple[Gap, ...]:
    """Return what of `gap` lies before `first` and behind `last`."""
    if last < gap.first or first > gap.last:
        return (gap,)
    ahead = (replace(gap, last=first - 1, after=""),) if gap.first < first else ()
    behind = (replace(gap, first=last + 1, before=""),) if gap.last > last else ()
    return (*ahead, *behind)


def two_writers(lines: Sequence[Line]) -> tuple[Line, Line] | None:
    """Return two lines of which the older went on after the younger had begun: one device has one writer at a time."""
    ordered = sorted(lines, key=lambda line: line.started_at)
    for index, younger in enumerate(ordered):
        for older in ordered[:index]:
            if older.started_at < younger.started_at < older.new_at:
                return older, younger
    return None


def broke_at(lines: Sequence[Line]) -> float | None:
    """Return when it showed last that something does not continue what had come, None where all does.

    What came before may hold no more, and what is missing may have said so. What this endpoint was never owed is made up for by
    the agent unasked.
    """
    starts = sorted(line.started_at for line in lines)[1:]
    missing = (gap.seen_at for line in lines for gap in line.gaps if gap.away_since is None)
    return max([*starts, *missing], default=None)


def written(lines: Iterable[Line]) -> list[dict[str, Any]]:
    """Return the lines as JSON, for the database."""
    return [
        {
            "journal": line.journal,
            "first": line.first,
            "last": line.last,
            "head": line.head,
            "started_at": line.started_at,
            "new_at": line.new_at,
            "hostname": line.hostname,
            "broken": line.broken,
            "gaps": [_written(gap) for gap in line.gaps],
            "recent": ",".join(line.recent),
        }
        for line in lines
    ]


def _written(gap: Gap) -> list[Any]:
    """Return the gap as JSON; one that is a loss as versions of this program read it that know no other."""
    facts = [gap.first, gap.last, gap.before, gap.after, gap.seen_at]
    return facts if gap.away_since is None else [*facts, gap.away_since]


def read(value: Iterable[Mapping[str, Any]]) -> tuple[Line, ...]:
    """Return the lines that `written` wrote."""
    return tuple(
        Line(
            **{name: row[name] for name in ("journal", "first", "last", "head", "started_at", "new_at", "hostname")},
            broken=row["broken"],
            gaps=tuple(Gap(*gap) for gap in row["gaps"]),
            recent=tuple(row["recent"].split(",")),
        )
        for row in value
    )
