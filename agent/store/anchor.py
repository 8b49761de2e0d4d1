"""A note beside the journal of how far it had come, by which a journal that was put back, exchanged or edited is noticed.

The journal's events form a hash chain; the anchor holds the chain's newest link. It is written now and then, and compared
before the journal is opened for work. Who can write both files can forge both: the endpoint, which sees the chain too, then
sees the gap.
"""

import json
import sqlite3
from contextlib import closing
from dataclasses import asdict, dataclass
from pathlib import Path

from agent.core.canonical import digest
from agent.host.replacing import replace_file

NAME = "journal.anchor"


@dataclass(frozen=True, slots=True)
class Anchor:
    """How far a journal had come: its id, the sequence of its newest event, and that event's digest."""

    journal: str
    sequence: int
    head: str


def drop(state: Path, journal: Path) -> None:
    """Note how far the journal has come.

    Raises:
        OSError: the state folder cannot be written.
    """
    found = _anchor(journal)
    if found is None:
        return
    replace_file(state / NAME, json.dumps(asdict(found)).encode("ascii"), mode=0o600)


def tampered(state: Path, journal: Path) -> str | None:
    """Say in a sentence what shows that the journal was changed by something else than the agent; None: nothing does."""
    before = _noted(state)
    if before is not None and not journal.exists():
        return f"{journal} is gone, which held {before.sequence} events"
    now = _anchor(journal)
    if now is None:
        return None
    if before is not None and now.journal == before.journal:
        if now.sequence < before.sequence:
            return f"{journal} is an older copy: it ends at event {now.sequence}, and had come to {before.sequence}"
        if now.sequence == before.sequence and now.head != before.head:
            return f"{journal} was changed: its newest event is not the one that was written"
    if before is not None and now.journal != before.journal:
        return f"{journal} is another journal than the one that was here"
    return _broken(journal, now)


def _noted(state: Path) -> Anchor | None:
    try:
        value = json.loads((state / NAME).read_text(encoding="ascii"))
        return Anchor(str(value["journal"]), int(value["sequence"]), str(value["head"]))
    except (OSError, ValueError, TypeError, KeyError):
        return None  # a first start, or the note was lost: the chain alone tells then


def _anchor(journal: Path) -> Anchor | None:
    try:
        with closing(sqlite3.connect(f"{journal.as_uri()}?mode=ro", uri=True, timeout=5)) as connection:
            rows = dict(connection.execute("SELECT key, value FROM meta WHERE key IN ('journal', 'sequence', 'head')"))
    except sqlite3.Error:
        return None  # a journal that cannot be read is the journal's own trouble
    if not {"journal", "sequence", "head"} <= rows.keys():
        return None
    return Anchor(str(rows["journal"]), int(rows["sequence"]), str(rows["head"]))


def _broken(journal: Path, now: Anchor) -> str | None:
    """Follow the chain through the events that still wait."""
    before: tuple[int, str] | None = None
    try:
        with closing(sqlite3.connect(f"{journal.as_uri()}?mode=ro", uri=True, timeout=5)) as connection:
            for sequence, line in connection.execute("SELECT sequence, event FROM outbox ORDER BY sequence"):
                previous = json.loads(line)["unmapped"]["chain"]["previous"]
                if before is not None and before[0] + 1 == sequence and before[1] != previous:
                    return f"{journal} was changed: event {before[0]} is not the one that was written"
                before = (sequence, digest(line))
    except (sqlite3.Error, ValueError, KeyError, TypeError):
        return f"{journal} was changed: an event in it cannot be read"
    if before is not None and before[0] == now.sequence and before[1] != now.head:
        return f"{journal} was changed: event {before[0]} is not the one that was written"
    return None
