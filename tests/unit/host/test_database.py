"""Databases that users wrote: an answer or a refusal, within bounds, and nothing on the disk is touched."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from agent.host import database
from agent.host.database import DatabaseError, answer

QUERY = "SELECT key, value FROM ItemTable"


def made(*statements: str) -> bytes:
    with closing(sqlite3.connect(":memory:")) as connection:
        for statement in statements:
            connection.execute(statement)
        connection.commit()
        return connection.serialize()


TABLE = "CREATE TABLE ItemTable (key TEXT, value BLOB)"


def test_an_answer_is_a_map_from_the_first_column_to_the_second() -> None:
    raw = made(TABLE, "INSERT INTO ItemTable VALUES ('a', 'x'), ('b', x'00ff'), (NULL, 'y')")
    assert answer(raw, QUERY) == {"a": "x", "b": b"\x00\xff"}


def test_a_database_with_a_write_ahead_log_is_read_as_it_was_last_written_back(tmp_path: Path) -> None:
    path = tmp_path / "state.db"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute(TABLE)
        connection.execute("INSERT INTO ItemTable VALUES ('a', 'x')")
        connection.commit()
        connection.execute("PRAGMA wal_checkpoint(FULL)")
        raw = path.read_bytes()
    before = sorted(tmp_path.iterdir())
    assert answer(raw, QUERY) == {"a": "x"}
    assert sorted(tmp_path.iterdir()) == before


def test_a_database_without_the_table_says_nothing() -> None:
    assert answer(made("CREATE TABLE other (x)"), QUERY) == {}
    assert answer(b"", QUERY) == {}


@pytest.mark.parametrize(
    "raw",
    [
        b"no database",
        b"SQLite format 3\0",
        b"SQLite format 3\0" + b"\xff" * 4096,
        made(TABLE)[:-100],
        made(TABLE).replace(b"CREATE TABLE ItemTable", b"CREATE TABLE ItemTabl\0"),
    ],
    ids=["text", "magic", "noise", "cut", "odd"],
)
def test_what_is_no_whole_database_is_refused_or_says_nothing(raw: bytes) -> None:
    try:
        assert answer(raw, QUERY) == {}
    except DatabaseError as error:
        assert "ItemTab" not in str(error)  # noqa: PT017 - either is right


def test_a_view_that_never_ends_is_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(database, "_STEPS_MOST", 50)
    endless = "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n) SELECT x AS key, x AS value FROM n"
    with pytest.raises(DatabaseError):
        answer(made(f"CREATE VIEW ItemTable AS {endless}"), QUERY)


def test_a_view_that_calls_a_function_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DatabaseError):
        answer(made("CREATE VIEW ItemTable AS SELECT 'a' AS key, hex(zeroblob(900000000)) AS value"), QUERY)
    with pytest.raises(DatabaseError):
        answer(made(TABLE), f"ATTACH '{tmp_path}/x' AS y")
