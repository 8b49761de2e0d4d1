import contextlib
import sqlite3
import stat
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from agent.core.documents import StatusDocument, plain
from agent.core.tables import TABLES
from agent.status.tables import FILE_NAME, write_tables
from tests.sim.statuses import deviation, status


@contextlib.contextmanager
def written(folder: Path, document: StatusDocument) -> Iterator[sqlite3.Connection]:
    write_tables(folder / FILE_NAME, plain(document))
    with contextlib.closing(sqlite3.connect(f"file:{folder / FILE_NAME}?mode=ro", uri=True)) as connection:
        connection.row_factory = sqlite3.Row
        yield connection


def test_every_table_holds_what_the_document_says(tmp_path: Path) -> None:
    document = status("deviating", deviation("policy.missing"), written_at=time.time())
    with written(tmp_path, document) as database:
        for table in TABLES:
            rows = [dict(row) for row in database.execute(f"SELECT * FROM {table.name}")]
            assert rows == [dict(row) for row in table.rows(plain(document))]


@pytest.mark.parametrize("age_s", [400.0, -3600.0], ids=["stale", "from the future"])
def test_an_old_word_empties_all_tables_and_is_told_by_the_agents_row(tmp_path: Path, age_s: float) -> None:
    document = status("compliant", deviation("policy.missing"), written_at=time.time() - age_s)
    with written(tmp_path, document) as database:
        for table in TABLES:
            assert database.execute(f"SELECT count(*) FROM {table.name}").fetchone()[0] == (table.name == "mcp_agent")
        row = database.execute("SELECT * FROM mcp_agent").fetchone()
        assert (row["state"], row["device_state"], row["device_since"]) == ("silent", "unknown", None)
        assert "Restart it" in row["why"]


def test_a_reader_keeps_the_old_tables_while_new_ones_are_put_in_their_place(tmp_path: Path) -> None:
    with written(tmp_path, status("compliant", written_at=time.time())) as before:
        before.execute("BEGIN")
        assert before.execute("SELECT device_state FROM mcp_agent").fetchone()[0] == "compliant"
        with written(tmp_path, status("deviating", written_at=time.time())) as after:
            assert after.execute("SELECT device_state FROM mcp_agent").fetchone()[0] == "deviating"
        assert before.execute("SELECT device_state FROM mcp_agent").fetchone()[0] == "compliant"
    assert [path.name for path in tmp_path.iterdir()] == [FILE_NAME]


def test_administrators_alone_may_read_it(tmp_path: Path) -> None:
    write_tables(tmp_path / FILE_NAME, plain(status()))
    assert stat.S_IMODE((tmp_path / FILE_NAME).stat().st_mode) == 0o600
