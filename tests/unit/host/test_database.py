"""Databases that users wrote: an answer or a refusal, within bounds, and nothing on the disk is touched."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.host import database
from agent.host.database import DatabaseError, answer
from agent.host.database_logs import with_journal, with_log

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


def logged(path: Path, *statements: str, mode: str = "WAL") -> tuple[bytes, bytes]:
    """Return a database and its log as a program leaves them that has not closed it."""
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute(f"PRAGMA journal_mode={mode}")
    connection.execute("PRAGMA wal_autocheckpoint=0")
    for statement in statements:
        connection.execute(statement)
    raw, log = path.read_bytes(), Path(f"{path}-{'wal' if mode == 'WAL' else 'journal'}").read_bytes()
    connection.close()
    return raw, log


def test_what_is_committed_in_the_write_ahead_log_is_seen(tmp_path: Path) -> None:
    rows = [f"INSERT INTO ItemTable VALUES ('k{number}', '{'v' * 3000}')" for number in range(20)]
    raw, log = logged(tmp_path / "db", TABLE, *rows, "UPDATE ItemTable SET value = 'new' WHERE key = 'k3'")
    assert "k3" not in answer(raw, QUERY)
    found = answer(with_log(raw, log), QUERY)
    assert len(found) == 20
    assert (found["k3"], found["k4"]) == ("new", "v" * 3000)
    assert answer(with_log(b"", log), QUERY) == found, "before the first checkpoint all of it stands in the log"


def test_what_is_not_committed_or_torn_in_the_log_is_not_seen(tmp_path: Path) -> None:
    raw, log = logged(
        tmp_path / "db",
        TABLE,
        "INSERT INTO ItemTable VALUES ('a', 'x')",
        "PRAGMA cache_size=1",
        "BEGIN",
        *(f"INSERT INTO ItemTable VALUES ('b{number}', '{'y' * 3000}')" for number in range(30)),
    )
    assert answer(with_log(raw, log), QUERY) == {"a": "x"}
    torn = bytearray(log)
    torn[-1000 - len(log) // 2] ^= 1
    assert set(answer(with_log(raw, bytes(torn)), QUERY)) <= {"a"}
    for end in range(0, len(log), 777):
        assert set(answer(with_log(raw, log[:end]), QUERY)) <= {"a"}


def test_a_transaction_under_way_is_undone_by_its_hot_journal(tmp_path: Path) -> None:
    path = tmp_path / "db"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute(TABLE)
        connection.executemany("INSERT INTO ItemTable VALUES (?, ?)", [(f"k{n}", "old" * 500) for n in range(50)])
        connection.commit()
    before = answer(path.read_bytes(), QUERY)
    spilled = ("PRAGMA cache_size=1", "BEGIN", "UPDATE ItemTable SET value = hex(zeroblob(3000))")
    raw, journal = logged(path, *spilled, mode="DELETE")
    assert half(raw) != before
    assert answer(with_journal(raw, journal), QUERY) == before


def half(raw: bytes) -> dict[str, object] | None:
    try:
        return answer(raw, QUERY)
    except DatabaseError:
        return None


def test_a_journal_of_nothing_or_of_another_database_undoes_nothing(tmp_path: Path) -> None:
    raw = made(TABLE, "INSERT INTO ItemTable VALUES ('a', 'x')")
    for journal in (b"", b"\0" * 4096, b"\xd9\xd5\x05\xf9\x20\xa1\x63\xd7" * 600, raw):
        assert with_journal(raw, journal) == raw
        assert with_log(raw, journal) == raw
    victim = tmp_path / "victim"
    victim.write_text("kept")
    naming = b"\xd9\xd5\x05\xf9\x20\xa1\x63\xd7" + b"\0" * 504 + str(victim).encode() + b"\0" * 8
    assert with_journal(raw, naming + b"\xd9\xd5\x05\xf9\x20\xa1\x63\xd7") == raw
    assert victim.read_text() == "kept"


@given(st.binary(max_size=3000), st.binary(max_size=3000), st.booleans())
def test_any_log_gives_a_database_or_none_and_never_another_error(raw: bytes, log: bytes, magic: bool) -> None:  # noqa: FBT001
    head = b"\x37\x7f\x06\x82" if magic else b"\xd9\xd5\x05\xf9\x20\xa1\x63\xd7"
    for copy in (with_log(raw, head + log), with_journal(raw, head + log)):
        try:
            answer(copy, QUERY)
        except DatabaseError:
            continue
