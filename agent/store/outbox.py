"""The outbox: events in the order of their sequence, a hash chain over them, one cursor per destination, firm bounds.

Each event carries `metadata.sequence` (1, 2, 3 … without a gap within one journal) and `unmapped.chain`: `journal` (an id
that changes when a fresh database is started, and the sequence with it) and `previous`, the SHA-256 of the canonical JSON of
the event before (64 zeros for the first). So a receiver sees every gap, also one made by a drop.

Functions here work inside a transaction that their caller holds.
"""

import hashlib
import json
import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import IntEnum

from agent.core.canonical import canonical, digest
from agent.ports import JSON, Batch
from agent.store.database import Damaged

_ROW = {"set_aside": "id", "outbox": "sequence"}
"""What identifies a row of the two tables that hold events."""


FOLDED = "folded"
"""Why signs of life are dropped that a newer one stands for: no loss, and counted all the same."""


class Priority(IntEnum):
    """What outlives what when room runs out: telemetry goes first, alerts late, the one sign of life that waits last."""

    BEAT = -1  # the newest stands for all before it, and tells what was dropped
    TELEMETRY = 0
    FINDING = 1
    ALERT = 2


_FIRST_OUT = (Priority.TELEMETRY, Priority.FINDING, Priority.ALERT, Priority.BEAT)
"""In which order events are dropped."""


@dataclass(frozen=True, slots=True)
class Backlog:
    """What one destination has yet to take; `oldest_at` in Unix seconds, None where nothing waits."""

    acked: int
    waiting: int
    oldest_at: float | None
    set_aside: int
    set_aside_reason: str | None


@dataclass(frozen=True, slots=True)
class Counters:
    """The outbox in figures. `dropped` counts events by reason since the journal was made."""

    last_sequence: int
    events: int
    bytes: int
    dropped: Mapping[str, int] = field(default_factory=dict)
    sinks: Mapping[str, Backlog] = field(default_factory=dict)


def append(connection: sqlite3.Connection, events: Iterable[tuple[JSON, Priority]], at: float) -> int:
    """Number, chain and store `events`; return how many there were. The events given are not changed."""
    before, head, journal = number(connection, "sequence"), text(connection, "head"), text(connection, "journal")
    sequence = before
    for event, priority in events:  # one at a time: all events of a first look together are megabytes
        sequence += 1
        numbered = {
            **event,
            "metadata": {**event.get("metadata", {}), "sequence": sequence},
            "unmapped": {**event.get("unmapped", {}), "chain": {"journal": journal, "previous": head}},
        }
        line = canonical(numbered)
        head = digest(line)
        rank = Priority.ALERT if event.get("is_alert") is True else priority
        connection.execute("INSERT INTO outbox VALUES (?, ?, ?, ?, ?)", (sequence, line, int(rank), len(line), at))
    if sequence > before:
        set_meta(connection, sequence=sequence, head=head)
    return sequence - before


def fold(connection: sqlite3.Connection, at: float) -> tuple[tuple[int, int], ...]:
    """Delete every sign of life that waits and is on its way to nobody; return the sequences (first, last) that are gone by that.

    What the deleted ones stood for themselves is in the answer too, so that one event can account for all of them.
    """
    (floor,) = connection.execute("SELECT coalesce(max(claimed), 0) FROM cursors").fetchone()
    query = "SELECT sequence, event FROM outbox WHERE priority = ? AND sequence > ? ORDER BY sequence"
    rows = connection.execute(query, (int(Priority.BEAT), floor)).fetchall()
    spans: list[tuple[int, int]] = []
    for sequence, event in rows:
        earlier = json.loads(event).get("unmapped", {}).get("folded", ())
        spans += [*((int(first), int(last)) for first, last in earlier), (sequence, sequence)]
    if rows:
        connection.executemany("DELETE FROM outbox WHERE sequence = ?", [(sequence,) for sequence, _ in rows])
        _count_drop(connection, FOLDED, len(rows), at)
    return _joined(spans)


def pending(connection: sqlite3.Connection, sink: str, max_events: int, max_bytes: int) -> Batch | None:
    """Return the next batch for `sink`, at least one event however large; the same rows give the same batch id.

    Events that were set aside and are to be tried again come first. A batch that was claimed comes again as it was, whatever
    the limits, so that a destination that has it already recognises it.
    """
    again = "SELECT sequence, event, bytes FROM set_aside WHERE sink = ? AND again = 1 ORDER BY sequence LIMIT ?"
    fresh = "SELECT sequence, event, bytes FROM outbox WHERE sequence > ? ORDER BY sequence LIMIT ?"
    rows = _fitting(connection.execute(again, (sink, max_events)), max_bytes)
    rows = rows or _claimed(connection, sink)
    rows = rows or _fitting(connection.execute(fresh, (acked(connection, sink), max_events)), max_bytes)
    if not rows:
        return None
    identity = [text(connection, "device"), text(connection, "journal"), *(digest(line) for _, line in rows)]
    name = hashlib.sha256("\n".join(identity).encode()).hexdigest()[:32]
    return Batch(name, rows[0][0], rows[-1][0], tuple(line for _, line in rows))


def urgent(connection: sqlite3.Connection, sink: str) -> bool:
    """Say whether an alert waits for `sink`."""
    query = "SELECT 1 FROM outbox WHERE priority = ? AND sequence > ? LIMIT 1"
    return connection.execute(query, (int(Priority.ALERT), acked(connection, sink))).fetchone() is not None


def claim(connection: sqlite3.Connection, sink: str, last_sequence: int) -> None:
    """Record that the events up to `last_sequence` are on their way to `sink` as one batch; 0 takes that back."""
    query = "INSERT INTO cursors VALUES (?, 0, ?) ON CONFLICT (sink) DO UPDATE SET claimed = excluded.claimed"
    connection.execute(query, (sink, last_sequence))


def acknowledge(connection: sqlite3.Connection, sink: str, batch: Batch) -> None:
    """Record that `sink` has `batch` for good."""
    if batch.last_sequence <= acked(connection, sink):  # it had been set aside and was tried again
        numbers = [(sink, sequence_of(event)) for event in batch.events]
        connection.executemany("DELETE FROM set_aside WHERE sink = ? AND sequence = ? AND again = 1", numbers)
        return
    _advance(connection, sink, batch)


def set_aside(connection: sqlite3.Connection, sink: str, batch: Batch, reason: str, at: float) -> None:
    """Keep `batch` apart, so that what follows it is not held up; the reason is shown in health."""
    if batch.last_sequence <= acked(connection, sink):
        numbers = [(reason, at, sink, sequence_of(event)) for event in batch.events]
        connection.executemany(
            "UPDATE set_aside SET again = 0, reason = ?, at = ? WHERE sink = ? AND sequence = ?", numbers
        )
        return
    connection.execute(
        "INSERT INTO set_aside (sink, sequence, event, priority, bytes, reason, at)"
        " SELECT ?, sequence, event, priority, bytes, ?, ? FROM outbox WHERE sequence > ? AND sequence <= ?",
        (sink, reason, at, acked(connection, sink), batch.last_sequence),
    )
    _advance(connection, sink, batch)


def try_again(connection: sqlite3.Connection, sink: str) -> int:
    """Queue what was set aside for `sink`, telemetry excepted, once more; return how many events that are."""
    query = "UPDATE set_aside SET again = 1 WHERE sink = ? AND priority > ?"
    return connection.execute(query, (sink, int(Priority.TELEMETRY))).rowcount


def bound(connection: sqlite3.Connection, max_bytes: int, at: float) -> int:
    """Drop events until at most `max_bytes` are kept: set aside before waiting, telemetry before alerts, oldest first.

    Every drop is counted by its reason. Return how many were dropped.
    """
    if _file_bytes(connection) <= max_bytes or held_bytes(connection) <= max_bytes:
        return 0
    return sum(_evict(connection, table, priority, max_bytes, at) for priority in _FIRST_OUT for table in _ROW)


def counters(connection: sqlite3.Connection, sinks: Sequence[str]) -> Counters:
    """Return the figures that health shows."""
    (events,) = connection.execute("SELECT count(*) FROM outbox").fetchone()
    return Counters(
        last_sequence=number(connection, "sequence"),
        events=events,
        bytes=held_bytes(connection),
        dropped=drops(connection),
        sinks={sink: _backlog(connection, sink) for sink in sinks},
    )


def acked(connection: sqlite3.Connection, sink: str) -> int:
    """Return the last sequence that `sink` has taken, 0 for none."""
    row = connection.execute("SELECT acked FROM cursors WHERE sink = ?", (sink,)).fetchone()
    return int(row[0]) if row else 0


def sequence_of(event: JSON) -> int:
    """Return the sequence that `append` gave to a stored event."""
    return int(event["metadata"]["sequence"])


def number(connection: sqlite3.Connection, key: str) -> int:
    """Return one value of the table of single values, as a number."""
    return int(text(connection, key))


def text(connection: sqlite3.Connection, key: str) -> str:
    """Return one value of the table of single values, as text."""
    row = connection.execute("SELECT value FROM meta WHERE key = ?", (key,)).fetchone()
    if row is None:
        raise Damaged(f"the value {key} is missing")
    return str(row[0])


def set_meta(connection: sqlite3.Connection, **values: int | str) -> None:
    """Replace values of the table of single values."""
    connection.executemany("INSERT OR REPLACE INTO meta VALUES (?, ?)", values.items())


def drops(connection: sqlite3.Connection) -> dict[str, int]:
    """Return how many events were dropped, by reason."""
    return dict(connection.execute("SELECT reason, events FROM drops ORDER BY reason"))


def note(connection: sqlite3.Connection, name: str) -> str | None:
    """Return what was noted under `name`, None for nothing."""
    row = connection.execute("SELECT value FROM meta WHERE key = ?", (f"note:{name}",)).fetchone()
    return None if row is None else str(row[0])


def held_bytes(connection: sqlite3.Connection) -> int:
    """Return the size of all events that are kept, waiting and set aside; both sums come from covering indexes."""
    query = "SELECT (SELECT total(bytes) FROM outbox) + (SELECT total(bytes) FROM set_aside)"
    return int(connection.execute(query).fetchone()[0])


def _file_bytes(connection: sqlite3.Connection) -> int:
    """Return the size of the whole database, which what it holds cannot exceed: known at once, where a sum has to be made."""
    ((pages,), (size,)) = (connection.execute(f"PRAGMA {name}").fetchone() for name in ("page_count", "page_size"))
    return int(pages) * int(size)


def _fitting(rows: Iterable[tuple[int, str, int]], max_bytes: int) -> list[tuple[int, str]]:
    taken: list[tuple[int, str]] = []
    size = 0
    for sequence, event, length in rows:
        size += length
        if taken and size > max_bytes:
            break
        taken.append((sequence, event))
    return taken


def _claimed(connection: sqlite3.Connection, sink: str) -> list[tuple[int, str]]:
    query = (
        "SELECT sequence, event FROM outbox JOIN cursors ON sequence > acked AND sequence <= claimed"
        " WHERE sink = ? ORDER BY sequence"
    )
    return list(connection.execute(query, (sink,)))


def _advance(connection: sqlite3.Connection, sink: str, batch: Batch) -> None:
    query = "INSERT INTO cursors VALUES (?, ?, 0) ON CONFLICT (sink) DO UPDATE SET acked = excluded.acked, claimed = 0"
    connection.execute(query, (sink, batch.last_sequence))


def _evict(connection: sqlite3.Connection, table: str, priority: Priority, max_bytes: int, at: float) -> int:
    """Delete the oldest rows of one table and priority until the bound holds."""
    excess = held_bytes(connection) - max_bytes
    freed, doomed = 0, []
    rows = connection.execute(
        f"SELECT {_ROW[table]}, bytes FROM {table} WHERE priority = ? ORDER BY sequence",  # noqa: S608 - a constant
        (int(priority),),
    )
    for identity, size in rows:
        if freed >= excess:
            break
        freed += size
        doomed.append((identity,))
    rows.close()
    if doomed:
        connection.executemany(f"DELETE FROM {table} WHERE {_ROW[table]} = ?", doomed)  # noqa: S608 - a constant
        _count_drop(connection, f"{table.replace('_', '-')}-full-{priority.name.lower()}", len(doomed), at)
    return len(doomed)


def _joined(spans: Iterable[tuple[int, int]]) -> tuple[tuple[int, int], ...]:
    joined: list[tuple[int, int]] = []
    for first, last in sorted(spans):
        if joined and first <= joined[-1][1] + 1:
            joined[-1] = (joined[-1][0], max(last, joined[-1][1]))
        else:
            joined.append((first, last))
    return tuple(joined)


def _count_drop(connection: sqlite3.Connection, reason: str, events: int, at: float) -> None:
    query = (
        "INSERT INTO drops VALUES (?, ?, ?)"
        " ON CONFLICT (reason) DO UPDATE SET events = events + excluded.events, at = excluded.at"
    )
    connection.execute(query, (reason, events, at))


def _backlog(connection: sqlite3.Connection, sink: str) -> Backlog:
    done = acked(connection, sink)
    waiting, oldest = connection.execute(
        "SELECT count(*), min(created) FROM outbox WHERE sequence > ?", (done,)
    ).fetchone()
    apart, again, reason = connection.execute(
        "SELECT count(*), coalesce(sum(again), 0), max(reason) FROM set_aside WHERE sink = ?", (sink,)
    ).fetchone()
    return Backlog(done, waiting + again, oldest, apart - again, reason)
