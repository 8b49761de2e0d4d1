"""The life of a deviation: nine transitions, and what of them is worth telling.

A deviation is told opened once and closed once, however often it is seen in between. `UNKNOWN` changes nothing. One that
was resolved and is there again is opened anew. While it is open, a look that finds other content (severity, text, evidence)
is an update of the same deviation, never a second one.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from types import MappingProxyType

from agent.core.deviation import DETAILS, SIGNS, Deviation, Findings, Key, Sighting


class Standing(StrEnum):
    """What the ledger knows of one (control, subject)."""

    ABSENT = "absent"  # never seen
    OPEN = "open"
    RESOLVED = "resolved"


class ChangeKind(StrEnum):
    """What is told about a deviation."""

    OPENED = "opened"
    UPDATED = "updated"
    CLOSED = "closed"


TRANSITIONS: Mapping[tuple[Standing, Sighting], tuple[Standing, ChangeKind | None]] = MappingProxyType(
    {
        (Standing.ABSENT, Sighting.PRESENT): (Standing.OPEN, ChangeKind.OPENED),
        (Standing.ABSENT, Sighting.GONE): (Standing.ABSENT, None),
        (Standing.ABSENT, Sighting.UNKNOWN): (Standing.ABSENT, None),
        (Standing.OPEN, Sighting.PRESENT): (Standing.OPEN, ChangeKind.UPDATED),  # told only where the meaning changed
        (Standing.OPEN, Sighting.GONE): (Standing.RESOLVED, ChangeKind.CLOSED),
        (Standing.OPEN, Sighting.UNKNOWN): (Standing.OPEN, None),
        (Standing.RESOLVED, Sighting.PRESENT): (Standing.OPEN, ChangeKind.OPENED),
        (Standing.RESOLVED, Sighting.GONE): (Standing.RESOLVED, None),
        (Standing.RESOLVED, Sighting.UNKNOWN): (Standing.RESOLVED, None),
    }
)


@dataclass(frozen=True, slots=True)
class Record:
    """One opening of a deviation; times in Unix seconds. `closed_at` is None while it is open.

    `deviation` is as it was last seen. `again` says that the same key had been open and resolved before.
    """

    deviation: Deviation
    first_seen: float
    last_seen: float
    closed_at: float | None = None
    again: bool = False

    @property
    def standing(self) -> Standing:
        """Where this opening stands."""
        return Standing.OPEN if self.closed_at is None else Standing.RESOLVED


@dataclass(frozen=True, slots=True)
class Change:
    """One thing to tell: `record` is as it stands after the change, `at` (Unix seconds) when it was found.

    `before` is the deviation as it was told last; None for an opening.
    """

    kind: ChangeKind
    record: Record
    at: float
    before: Deviation | None = None

    @property
    def deviation(self) -> Deviation:
        """The deviation as it was last seen."""
        return self.record.deviation

    @property
    def first_seen(self) -> float:
        """When this opening was first seen, Unix seconds."""
        return self.record.first_seen

    @property
    def last_seen(self) -> float:
        """When this opening was last seen, Unix seconds."""
        return self.record.last_seen


def advance(
    opened: Mapping[Key, Record], resolved: frozenset[Key], findings: Findings, at: float
) -> Iterator[tuple[Record, Change | None]]:
    """Yield every record that `findings` touches as it stands afterwards, with what is to be told about it.

    `opened` are the records that are open, `resolved` the keys that were open once and are not now. Open records come
    first, in their order, so that what closes is told before what opens.
    """
    _, still = TRANSITIONS[Standing.OPEN, Sighting.PRESENT]
    for key, record in opened.items():
        found, before = findings.present.get(key), record.deviation
        if found is not None:  # the case of nearly all records at nearly every look, and mostly the very same value
            seen = Record(found, record.first_seen, max(at, record.last_seen), None, record.again)
            told = found is not before and found != before and says_more(found, before)
            yield seen, Change(still, seen, at, before=before) if still and told else None
            continue
        sighting = findings.sighting(key, tuple(str(scope) for scope in record.deviation.depends))
        _, kind = TRANSITIONS[record.standing, sighting]
        if kind is ChangeKind.CLOSED:
            closed = replace(record, closed_at=max(at, record.last_seen))
            yield closed, Change(kind, closed, at, before=record.deviation)
    for key, deviation in findings.present.items():
        if key in opened:
            continue
        _, kind = TRANSITIONS[Standing.RESOLVED if key in resolved else Standing.ABSENT, Sighting.PRESENT]
        if kind is not None:
            new = Record(deviation, first_seen=at, last_seen=at, again=key in resolved)
            yield new, Change(kind, new, at)


def anew(
    opened: Mapping[Key, Record], steps: Iterable[tuple[Record, Change | None]], at: float
) -> Iterator[tuple[Record, Change | None]]:
    """Yield `steps` with an update for every open record of which they tell nothing, for whoever was told of none so far."""
    passed = set()
    for record, change in steps:
        passed.add(record.deviation.key)
        yield record, change or Change(ChangeKind.UPDATED, record, at, before=record.deviation)
    for key, record in opened.items():
        if key not in passed:
            yield record, Change(ChangeKind.UPDATED, record, at, before=record.deviation)


def says_more(now: Deviation, before: Deviation) -> bool:
    """Say whether `now` is news to whoever was told `before`."""
    if meaning(now) != meaning(before):
        return True
    known, found = _details(before), _details(now)
    return any(known[kind] != found[kind] for kind in known.keys() & found.keys())


def meaning(deviation: Deviation) -> tuple[object, ...]:
    """Return what makes two sightings of one deviation say the same: neither the order of evidence, nor details and signs."""
    d = deviation
    evidence = frozenset(fact for fact in d.evidence if fact.kind not in DETAILS | SIGNS)
    return (d.severity, d.label, d.title, d.text, d.remediation, evidence, d.user)


def _details(deviation: Deviation) -> dict[str, str]:
    return {fact.kind: fact.text for fact in deviation.evidence if fact.kind in DETAILS}
