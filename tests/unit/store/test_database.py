import os
import sqlite3
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from agent.ports import StoreError
from agent.store.database import CACHE_KIB, KEPT_ASIDE, Database
from agent.store.schema import APPLICATION_ID, SCHEMA_VERSION
from tests.sim.clock import ManualClock

Open = Callable[[], Database]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "journal.db"


@pytest.fixture
def opened(path: Path) -> Iterator[Open]:
    databases: list[Database] = []

    def one() -> Database:
        databases.append(Database(path, ManualClock().now))
        return databases[-1]

    yield one
    for database in databases:
        database.close()


def put(database: Database, key: str) -> None:
    with database.transaction() as connection:
        connection.execute("INSERT INTO meta VALUES (?, 1)", (key,))


def has(database: Database, key: str) -> bool:
    with database.reading() as connection:
        return connection.execute("SELECT 1 FROM meta WHERE key = ?", (key,)).fetchone() is not None


def pragma(database: Database, name: str) -> object:
    with database.reading() as connection:
        return connection.execute(f"PRAGMA {name}").fetchone()[0]


def test_a_new_file_is_marked_as_ours_and_written_durably(opened: Open) -> None:
    database = opened()
    assert database.recovered is None
    found = {name: pragma(database, name) for name in ("application_id", "user_version", "journal_mode", "synchronous")}
    assert found == {
        "application_id": APPLICATION_ID,
        "user_version": SCHEMA_VERSION,
        "journal_mode": "wal",
        "synchronous": 2,
    }


def test_what_was_committed_is_there_after_a_restart(opened: Open) -> None:
    first = opened()
    put(first, "x")
    first.close()
    second = opened()
    assert has(second, "x")
    assert second.recovered is None


def test_a_transaction_that_raises_leaves_nothing_and_the_next_one_works(opened: Open) -> None:
    database = opened()

    def fails() -> None:
        with database.transaction() as connection:
            connection.execute("INSERT INTO meta VALUES ('x', 1)")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fails()
    assert not has(database, "x")
    put(database, "x")
    assert has(database, "x")


def test_a_second_open_deviation_of_one_key_cannot_be_stored(opened: Open) -> None:
    database = opened()

    def store() -> None:
        with database.transaction() as connection:
            connection.execute(
                "INSERT INTO deviations (control, subject, deviation, first_seen, last_seen, again)"
                " VALUES ('c', 's', '{}', 0, 0, 0)"
            )

    store()
    with pytest.raises(StoreError, match="UNIQUE"):
        store()


def test_a_file_of_another_program_is_set_aside_untouched(opened: Open, path: Path) -> None:
    other = sqlite3.connect(path)
    other.execute("CREATE TABLE theirs (x)")
    other.close()
    database = opened()
    assert database.recovered is not None
    assert database.recovered.reason == "the file belongs to another program"
    kept = sqlite3.connect(database.recovered.kept_as or "")
    assert kept.execute("SELECT name FROM sqlite_master").fetchall() == [("theirs",)]
    kept.close()


def test_a_file_of_a_newer_version_is_set_aside_and_the_device_keeps_its_id(opened: Open, path: Path) -> None:
    first = opened()
    first.close()
    newer = sqlite3.connect(path)
    newer.execute(f"PRAGMA user_version = {SCHEMA_VERSION + 1}")
    newer.close()
    database = opened()
    assert database.recovered is not None
    assert "newer version" in database.recovered.reason


def test_only_the_last_few_damaged_files_are_kept(opened: Open, path: Path) -> None:
    for _ in range(KEPT_ASIDE + 2):
        path.write_bytes(b"not a database, but long enough to be looked at " * 100)
        opened().close()
    assert len(list(path.parent.glob("*.damaged-*"))) == KEPT_ASIDE


@pytest.mark.skipif(sys.platform == "win32", reason="no FIFO there")
def test_something_other_than_a_file_in_its_place_is_set_aside(opened: Open, path: Path) -> None:
    os.mkfifo(path)
    database = opened()
    put(database, "x")
    assert database.recovered is not None
    assert "other than a file" in database.recovered.reason


def test_a_folder_that_cannot_be_made_is_a_store_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match="cannot be used"):
        Database(tmp_path / "file" / "journal.db", ManualClock().now)


@pytest.mark.skipif(sys.platform == "win32", reason="an open file cannot be removed there")
@pytest.mark.parametrize("action", ["removed", "replaced"])
def test_a_file_that_is_removed_or_replaced_while_open_is_noticed(opened: Open, path: Path, action: str) -> None:
    database = opened()
    put(database, "x")
    generation = database.generation
    if action == "removed":
        path.unlink()
    else:
        path.rename(path.with_suffix(".old"))
        path.write_bytes(b"")
    put(database, "y")
    assert has(database, "y")
    assert not has(database, "x")
    assert database.generation == generation + 1
    assert database.recovered is not None
    assert "removed or replaced" in database.recovered.reason
    database.close()
    assert has(opened(), "y")


def test_few_pages_stay_in_memory(opened: Open) -> None:
    assert pragma(opened(), "cache_size") == -CACHE_KIB  # negative: KiB, whatever the size of a page
