"""The status as a SQLite file that osquery reads by automatic table construction (ATC), with no extension at all.

The file is made anew in memory and put in place by a rename: a reader has the old one or the new one, whole, and needs no lock
(osquery opens such files without locks). It is no write-ahead log, so nothing else lies beside it. Each table is a view that is
empty once the word is older than it may be, by the reader's clock; `mcp_agent` then says so, as the extension does.
"""

import contextlib
import sqlite3
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from agent.core.tables import AGENT, TABLES, Table
from agent.host.replacing import replace_file

FILE_NAME = "tables.db"

_AGE = "(strftime('%s', 'now') - (SELECT written_at FROM word))"
_COUNTS = f"{_AGE} BETWEEN -120 AND (SELECT stale_after_s FROM word)"  # noqa: S608 - no value stands in it
_SILENT: Mapping[str, str] = {
    "state": "'silent'",
    "device_state": "'unknown'",
    "device_since": "NULL",
    "why": f"'The agent last wrote its status ' || {_AGE} || ' seconds ago and should do so every ' || stale_after_s ||"
    " ' seconds: it is not running, or hangs. Restart it; `mcp-compliance doctor` tells more.'",
}
"""What `mcp_agent` says in place of the word that no longer counts."""


def write_tables(path: Path, document: Mapping[str, Any]) -> None:
    """Replace the file at `path` by the tables of `document`, a plain status document.

    Raises:
        OSError: it cannot be written; the old file stays.
    """
    replace_file(path, database(document), mode=0o600)


def database(document: Mapping[str, Any]) -> bytes:
    """Return the SQLite file that holds the tables of `document`."""
    with contextlib.closing(sqlite3.connect(":memory:")) as connection:
        connection.execute("CREATE TABLE word (written_at INTEGER, stale_after_s INTEGER)")
        word = (int(document["written_at"]), int(document["stale_after_s"]) if document.get("ended_at") is None else -1)
        connection.execute("INSERT INTO word VALUES (?, ?)", word)
        for table in TABLES:
            _fill(connection, table, document)
        connection.commit()
        return connection.serialize()


def _fill(connection: sqlite3.Connection, table: Table, document: Mapping[str, Any]) -> None:
    names = [f'"{column.name}"' for column in table.columns]
    kinds = ", ".join(f"{name} {column.type}" for name, column in zip(names, table.columns, strict=True))
    connection.execute(f'CREATE TABLE "_{table.name}" ({kinds})')
    marks = ", ".join("?" * len(names))
    connection.executemany(
        f'INSERT INTO "_{table.name}" VALUES ({marks})',  # noqa: S608 - names from the tables' own definition
        [tuple(row.values()) for row in table.rows(document)],
    )
    connection.execute(f'CREATE VIEW "{table.name}" AS {_view(table, names)}')


def _view(table: Table, names: list[str]) -> str:
    whole = f'SELECT {", ".join(names)} FROM "_{table.name}"'  # noqa: S608 - names from the tables' own definition
    if table is not AGENT:
        return f"{whole} WHERE {_COUNTS}"
    instead = [
        f"{_SILENT[c.name]} AS {n}" if c.name in _SILENT else n for n, c in zip(names, table.columns, strict=True)
    ]
    stale = f'SELECT {", ".join(instead)} FROM "_{table.name}"'  # noqa: S608 - names from the tables' own definition
    return f"{whole} WHERE {_COUNTS} UNION ALL {stale} WHERE NOT {_COUNTS}"
