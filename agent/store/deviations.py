"""Deviations as rows: one for each time that one was opened. Functions here work inside a transaction of their caller."""

import json
import sqlite3
from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from agent.core.deviation import Deviation, Evidence, Key, Severity
from agent.core.ledger import Record
from agent.core.observation import Scope
from agent.store.database import Damaged

_COLUMNS = "deviation, first_seen, last_seen, closed_at, again"
_INSERT = f"INSERT INTO deviations ({_COLUMNS}, control, subject) VALUES (?, ?, ?, ?, ?, ?, ?)"  # noqa: S608 - constants
_UPDATE = (
    "UPDATE deviations SET deviation = ?, first_seen = ?, last_seen = ?, closed_at = ?, again = ?"
    " WHERE control = ? AND subject = ? AND closed_at IS NULL"
)


def _by_name(value: object) -> dict[str, object]:
    """Return a dataclass by the names of its fields; `asdict` would copy everything below it first."""
    return {field.name: getattr(value, field.name) for field in fields(value)}  # type: ignore[arg-type]


_ENCODER = json.JSONEncoder(separators=(",", ":"), default=_by_name)


def insert(connection: sqlite3.Connection, record: Record) -> None:
    """Store a new opening; `sqlite3.IntegrityError` if the key is open already."""
    connection.execute(_INSERT, _values(record))


def update(connection: sqlite3.Connection, record: Record) -> None:
    """Store what became of the opening of this key that is open."""
    connection.execute(_UPDATE, _values(record))


def select_open(connection: sqlite3.Connection) -> tuple[Record, ...]:
    """Return what is open, the oldest first; raise `Damaged` for a row that does not read."""
    return _select(connection, "closed_at IS NULL ORDER BY first_seen, id", ())


def select_since(connection: sqlite3.Connection, since: float) -> tuple[Record, ...]:
    """Return what was open at some time since `since` (Unix seconds), the oldest first."""
    return _select(connection, "closed_at IS NULL OR closed_at >= ? ORDER BY first_seen, id", (since,))


def select_closed(connection: sqlite3.Connection, since: float) -> tuple[Record, ...]:
    """Return what was closed since `since` (Unix seconds), in the order in which it was."""
    return _select(connection, "closed_at >= ? ORDER BY closed_at, id", (since,))


def known(connection: sqlite3.Connection, key: Key) -> bool:
    """Say whether `key` was ever opened, as far as history goes back."""
    query = "SELECT 1 FROM deviations WHERE control = ? AND subject = ? LIMIT 1"
    return connection.execute(query, (key.control, key.subject)).fetchone() is not None


def forget(connection: sqlite3.Connection, before: float, max_rows: int) -> None:
    """Delete what was resolved before `before` (Unix seconds), and all but the newest `max_rows` resolved ones."""
    connection.execute("DELETE FROM deviations WHERE closed_at < ?", (before,))
    connection.execute(
        "DELETE FROM deviations WHERE id IN (SELECT id FROM deviations WHERE closed_at IS NOT NULL"
        " ORDER BY closed_at DESC LIMIT -1 OFFSET ?)",
        (max_rows,),
    )


def _values(record: Record) -> tuple[object, ...]:
    key = record.deviation.key
    text = _ENCODER.encode(record.deviation)
    return (text, record.first_seen, record.last_seen, record.closed_at, record.again, key.control, key.subject)


def _select(connection: sqlite3.Connection, where: str, values: tuple[float, ...]) -> tuple[Record, ...]:
    rows = connection.execute(f"SELECT {_COLUMNS} FROM deviations WHERE {where}", values)  # noqa: S608 - constants
    return tuple(_record(row) for row in rows)


def _record(row: tuple[Any, ...]) -> Record:
    text, first_seen, last_seen, closed_at, again = row
    try:
        deviation = _deviation(json.loads(text))
    except (KeyError, TypeError, ValueError) as error:
        raise Damaged(f"a stored deviation does not read: {type(error).__name__}") from None
    return Record(deviation, first_seen, last_seen, closed_at, bool(again))


def _deviation(stored: Mapping[str, Any]) -> Deviation:
    return Deviation(
        **{
            **stored,
            "key": Key(**stored["key"]),
            "severity": Severity(stored["severity"]),
            "evidence": tuple(Evidence(**item) for item in stored["evidence"]),
            "depends": tuple(Scope(**item) for item in stored["depends"]),
        }
    )
