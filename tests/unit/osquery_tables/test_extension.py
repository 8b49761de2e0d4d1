"""The extension as osqueryd knows it: a process, a Thrift socket, the protocol."""

import json
import subprocess
import sys
import time
from pathlib import Path

import pytest

from agent.core.documents import StatusDocument, plain
from agent.core.tables import TABLES
from agent.status.document import FILE_NAME
from tests.sim.osqueryd import extension
from tests.sim.statuses import deviation, status

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="the simulator of osqueryd speaks over a Unix socket")
NAMES = [table.name for table in TABLES]


PROGRAM = [sys.executable, "-m", "osquery_tables"]


def say(state: Path, document: StatusDocument) -> None:
    (state / FILE_NAME).write_text(json.dumps(plain(document)))


def test_every_table_registers_with_its_columns_and_answers(tmp_path: Path) -> None:
    say(tmp_path, status("deviating", deviation("policy.missing"), written_at=time.time()))
    with extension(PROGRAM, tmp_path) as (osqueryd, _):
        assert osqueryd.name == "mcp_compliance"
        assert sorted(osqueryd.registry["table"]) == sorted(NAMES)
        for table in TABLES:
            assert [column["name"] for column in osqueryd.columns(table.name)] == [c.name for c in table.columns]
        assert [row["device_state"] for row in osqueryd.query("mcp_agent")] == ["deviating"]
        assert [row["username"] for row in osqueryd.query("mcp_servers")] == ["ann", "bob"]
        assert "url" not in osqueryd.query("mcp_servers")[0]  # NULL is what is not there
        assert [row["control"] for row in osqueryd.query("mcp_deviations")] == ["policy.missing"]


def test_a_query_for_one_user_client_or_state_gets_those_rows_alone(tmp_path: Path) -> None:
    say(tmp_path, status(written_at=time.time()))
    with extension(PROGRAM, tmp_path) as (osqueryd, _):
        passed = {c["name"] for c in osqueryd.registry["table"]["mcp_servers"] if c["op"] != "0"}
        assert {"username", "client", "state"} <= passed  # osqueryd passes no other column's constraints on
        assert [row["username"] for row in osqueryd.query("mcp_servers", username="bob")] == ["bob"]
        assert osqueryd.query("mcp_servers", client="zed") == []
        assert osqueryd.query("mcp_servers", state="running") == []
        assert len(osqueryd.query("mcp_servers", state="configured", client="cursor")) == 2
        assert osqueryd.query("mcp_coverage", state="unreadable") == []


@pytest.mark.parametrize(
    ("content", "why"),
    [(None, "has not run"), ('{"written_at": 12, "sta', "cannot be read"), ("{}", "cannot be read")],
    ids=["missing", "half-written", "foreign"],
)
def test_without_a_word_that_counts_all_is_empty_and_the_agents_row_says_why(
    tmp_path: Path, content: str | None, why: str
) -> None:
    if content is not None:
        (tmp_path / FILE_NAME).write_text(content)
    with extension(PROGRAM, tmp_path) as (osqueryd, _):
        assert [name for name in NAMES if osqueryd.query(name)] == ["mcp_agent"]
        (row,) = osqueryd.query("mcp_agent")
        assert (row["state"], row["device_state"]) == ("silent", "unknown")
        assert why in row["why"]


def test_a_stale_word_empties_all_and_the_agents_row_keeps_what_it_last_said_of_itself(tmp_path: Path) -> None:
    say(tmp_path, status("compliant", written_at=time.time() - 900))
    with extension(PROGRAM, tmp_path) as (osqueryd, _):
        assert [name for name in NAMES if osqueryd.query(name)] == ["mcp_agent"]
        (row,) = osqueryd.query("mcp_agent")
        assert (row["state"], row["device_state"]) == ("silent", "unknown")
        assert row["device_id"]


def test_it_ends_when_osqueryd_tells_it_to(tmp_path: Path) -> None:
    with extension(PROGRAM, tmp_path) as (osqueryd, process):
        osqueryd.query("mcp_agent")
        osqueryd.shutdown_extension()
        assert process.wait(20) == 0


def test_it_ends_when_osqueryd_is_gone(tmp_path: Path) -> None:
    with extension(PROGRAM, tmp_path) as (osqueryd, process):
        osqueryd.query("mcp_agent")
        osqueryd.vanish()
        assert process.wait(20) == 1


def test_a_refusal_is_said_and_ends_it(tmp_path: Path) -> None:
    with extension(PROGRAM, tmp_path, refuses="Duplicate extension registered") as (_, process):
        assert process.wait(20) == 1
        assert process.stderr is not None
        assert "Duplicate extension registered" in process.stderr.read()


def test_without_an_osqueryd_it_says_so_and_ends(tmp_path: Path) -> None:
    command = [*PROGRAM, "--socket", str(tmp_path / "nobody"), "--timeout", "1"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 1
    assert "No osqueryd listens" in done.stderr
