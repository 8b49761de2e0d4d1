"""Answers from an SQLite database that a user wrote: from a private copy in memory, with one query of ours, within bounds.

The copy is the bytes that were read; nothing is opened on disk, so nothing is locked, written or recovered there. What stands in
the logs beside the database is put in before (`agent.host.database_logs`). A schema that is an attack (a view that never ends)
is stopped after so many steps; whatever writes, attaches or calls a function is refused.
"""

import sqlite3
from collections.abc import Iterator
from contextlib import closing

_MAGIC = b"SQLite format 3\0"
_JOURNAL = slice(18, 20)
"""The format versions: 2 says that there is a write-ahead log, which a copy in memory cannot have."""
_STEPS_EACH = 1000
_STEPS_MOST = 5_000
"""In units of `_STEPS_EACH` instructions: some seconds at the worst, some milliseconds for an honest database."""
_ROWS = 10_000
_VALUE_BYTES = 8 * 1024 * 1024
_PERMITTED = frozenset({sqlite3.SQLITE_SELECT, sqlite3.SQLITE_READ})


class DatabaseError(ValueError):
    """The bytes are no database, or it does not answer; the text never quotes it."""


def answer(raw: bytes, query: str) -> dict[str, object]:
    """Return the answer to `query` as a map from its first column to its second; raise `DatabaseError`.

    A database without the table that the query names has nothing to say: the answer is empty.
    """
    if not raw:
        return {}
    if not raw.startswith(_MAGIC):
        raise DatabaseError("not an SQLite database")
    copy = bytearray(raw)
    copy[_JOURNAL] = b"\1\1"
    try:
        with closing(sqlite3.connect(":memory:")) as connection:
            connection.deserialize(bytes(copy))
            _bound(connection)
            return {str(row[0]): row[1] for row in connection.execute(query).fetchmany(_ROWS) if row[0] is not None}
    except sqlite3.OperationalError as error:
        if str(error).startswith("no such table"):
            return {}
        raise DatabaseError("the database does not answer") from None
    except (sqlite3.Error, UnicodeError, OverflowError, MemoryError):
        raise DatabaseError("not a whole SQLite database") from None


def _bound(connection: sqlite3.Connection) -> None:
    steps = _countdown(_STEPS_MOST)
    connection.set_progress_handler(lambda: next(steps), _STEPS_EACH)
    connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, _VALUE_BYTES)
    connection.setlimit(sqlite3.SQLITE_LIMIT_ATTACHED, 0)
    connection.set_authorizer(lambda action, *_: sqlite3.SQLITE_OK if action in _PERMITTED else sqlite3.SQLITE_DENY)


def _countdown(steps: int) -> Iterator[int]:
    """Yield 0 (go on) so many times, then 1 (stop) for ever."""
    for _ in range(steps):
        yield 0
    while True:
        yield 1
