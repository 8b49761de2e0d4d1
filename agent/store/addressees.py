"""Whom the journal keeps events for: the destinations of the settings, those that left them, and those that came back.

An event is deleted once every destination of the settings has it. A destination that was in no settings meanwhile, or whose name
another address had, cannot have those events any more. It was never owed them, and an event of the chain declares that: it need
not take them for lost, and nobody can keep it from learning of them. It is told anew what holds, and what ended meanwhile.

Functions here work inside a transaction that their caller holds.
"""

import json
import sqlite3
from collections.abc import Mapping, Sequence
from typing import Any

from agent.core.canonical import digest
from agent.store import outbox

YES, NO, NONE = "true", "false", "null"
OWED_FINDINGS, OWED_STATE = "owed-findings", "owed-state"
"""Notes that say what is to be told anew: the open deviations (by the journal), and what else holds (by whoever tells that)."""

OWED_SINCE, OWED_SERVERS = "owed-since", "owed-servers"
"""Notes: since when deviations that ended are owed too (Unix seconds), and the servers (keys) that whoever came back knew."""

INVENTORY = "inventory"
"""The note of the servers that were told last, by key."""

NOT_OWED = "not-owed"
"""The note of what is to be declared: rows with `destination`, `first`, `last` (sequences) and `since` (Unix seconds)."""

_AWAY, _ADDRESSES, _GONE = "away", "addresses", "gone"


def address(connection: sqlite3.Connection, addresses: Mapping[str, str]) -> None:
    """State where each destination is. One whose address is another one is another destination; the one before may come back."""
    known, away = _noted(connection, _ADDRESSES, {}), _noted(connection, _AWAY, {})
    for sink, place in addresses.items():
        now, before = digest(place)[:16], known.get(sink)
        if before not in (None, now):
            for old, new in ((sink, f"{sink} {before}"), (f"{sink} {now}", sink)):
                _rename(connection, old, new)
                away |= {new: away.pop(old)} if old in away else {}
        known[sink] = now
    _note(connection, _ADDRESSES, known)
    _note(connection, _AWAY, away)


def leave(connection: sqlite3.Connection, sinks: Sequence[str], at: float) -> None:
    """Note of each destination that had events and is not among `sinks` since when it is away, and what servers it knows."""
    away = _noted(connection, _AWAY, {})
    for sink, acked in connection.execute("SELECT sink, acked FROM cursors WHERE acked > 0").fetchall():
        if sink in sinks or sink in away:
            continue
        (since,) = connection.execute("SELECT min(created) FROM outbox WHERE sequence > ?", (acked,)).fetchone()
        away[sink] = {"since": at if since is None else min(at, since), "servers": [*_noted(connection, INVENTORY, {})]}
    _note(connection, _AWAY, away)


def welcome(connection: sqlite3.Connection, sinks: Sequence[str]) -> None:
    """Let each of `sinks` begin with what is still there; one that lacks what is not is owed what holds now.

    What one that was away was never owed is to be declared. One that is new needs no declaration: nothing of before is expected.
    """
    last, away = gone(connection), _noted(connection, _AWAY, {})
    for sink in sinks:
        back, before = away.pop(sink, None), outbox.acked(connection, sink)
        if before >= last:
            continue
        query = (
            "INSERT INTO cursors VALUES (?, ?, 0) ON CONFLICT (sink) DO UPDATE SET acked = excluded.acked, claimed = 0"
        )
        connection.execute(query, (sink, last))
        owe(connection)
        if back is not None:
            _declare(connection, sink, before + 1, last, back)
    _note(connection, _AWAY, away)


def owe(connection: sqlite3.Connection) -> None:
    """Owe the destinations all that holds."""
    outbox.set_meta(connection, **{f"note:{owed}": YES for owed in (OWED_FINDINGS, OWED_STATE)})


def prune(connection: sqlite3.Connection, sinks: Sequence[str]) -> None:
    """Delete what every one of `sinks` has; with no sinks, nothing has been delivered and nothing goes."""
    if sinks:
        done = min(outbox.acked(connection, sink) for sink in sinks)
        connection.execute("DELETE FROM outbox WHERE sequence <= ?", (done,))
        if done > gone(connection):
            outbox.set_meta(connection, **{f"note:{_GONE}": done})


def gone(connection: sqlite3.Connection) -> int:
    """Return the newest sequence that was deleted because every destination had it, 0 for none."""
    return int(outbox.note(connection, _GONE) or 0)


def _declare(connection: sqlite3.Connection, sink: str, first: int, last: int, back: Mapping[str, Any]) -> None:
    row = {"destination": sink, "first": first, "last": last, "since": back["since"]}
    _note(connection, NOT_OWED, [*_noted(connection, NOT_OWED, []), row])
    _note(connection, OWED_SINCE, min(back["since"], _noted(connection, OWED_SINCE, None) or back["since"]))
    _note(connection, OWED_SERVERS, sorted({*_noted(connection, OWED_SERVERS, []), *back["servers"]}))


def _rename(connection: sqlite3.Connection, old: str, new: str) -> None:
    for table in ("cursors", "set_aside"):
        connection.execute(f"UPDATE OR REPLACE {table} SET sink = ? WHERE sink = ?", (new, old))  # noqa: S608 - constants


def _noted(connection: sqlite3.Connection, name: str, default: Any) -> Any:  # noqa: ANN401 - whatever JSON was noted
    text = outbox.note(connection, name)
    return default if text is None else json.loads(text)


def _note(connection: sqlite3.Connection, name: str, value: object) -> None:
    outbox.set_meta(connection, **{f"note:{name}": json.dumps(value)})
