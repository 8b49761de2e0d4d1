"""Reads a journal that another process may be writing, and changes nothing in it."""

import sqlite3
from contextlib import closing
from pathlib import Path

from agent.core.ledger import Record
from agent.ports import StoreError
from agent.store import deviations, outbox
from agent.store.outbox import Counters
from agent.store.schema import APPLICATION_ID, SCHEMA_VERSION

_PATIENCE_S = 5.0


def read_history(path: Path, since: float) -> tuple[Record, ...]:
    """Return every deviation that was open at some time since `since` (Unix seconds), the oldest first.

    Raises:
        StoreError: there is no journal, or it cannot be read; the text is fit to be shown.
    """
    try:
        with closing(_opened(path)) as connection:
            return deviations.select_since(connection, since)
    except sqlite3.Error as error:
        raise StoreError(f"the journal {path} cannot be read: {error}") from error


def read_counters(path: Path) -> Counters:
    """Return the outbox in figures, over every destination that has a cursor.

    Raises:
        StoreError: there is no journal, or it cannot be read.
    """
    try:
        with closing(_opened(path)) as connection:
            sinks = [row[0] for row in connection.execute("SELECT sink FROM cursors ORDER BY sink")]
            return outbox.counters(connection, sinks)
    except sqlite3.Error as error:
        raise StoreError(f"the journal {path} cannot be read: {error}") from error


def _opened(path: Path) -> sqlite3.Connection:
    try:
        path.open("rb").close()
    except OSError as error:
        raise StoreError(f"the journal {path} cannot be read: {error.strerror}") from error
    connection = sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, timeout=_PATIENCE_S)
    (ours,) = connection.execute("PRAGMA application_id").fetchone()
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    if ours != APPLICATION_ID or version > SCHEMA_VERSION:
        connection.close()
        raise StoreError(f"the file {path} is not a journal of this version of the agent")
    return connection
