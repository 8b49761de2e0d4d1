"""What osquery is told while the real daemon runs: by the extension and from the SQLite file, the same."""

import contextlib
import json
import sqlite3
import sys
from pathlib import Path

import pytest

from tests.e2e.conftest import StartDaemon
from tests.e2e.daemon import SETTINGS, STATE, until
from tests.e2e.machine import ANN, HOME, Machine
from tests.e2e.policies import MANAGED_SETTINGS, TIME_ONLY, deploy
from tests.sim.osqueryd import extension

pytestmark = pytest.mark.e2e

COLUMNS = "control", "severity", "username", "subject", "uid"


def in_database(path: Path, uid: str) -> dict[str, str] | None:
    with contextlib.closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as database:
        row = database.execute(f"SELECT {', '.join(COLUMNS)} FROM mcp_deviations WHERE uid = ?", (uid,)).fetchone()
    return dict(zip(COLUMNS, row, strict=True)) if row else None


def test_osquery_knows_of_a_deviation_by_both_ways(machine: Machine, start_daemon: StartDaemon) -> None:
    deploy(machine, MANAGED_SETTINGS, TIME_ONLY)
    machine.write(SETTINGS, "[osquery]\ndatabase = true\n")
    daemon = start_daemon()
    daemon.until_looked()
    machine.write(f"{HOME}/.cursor/mcp.json", json.dumps({"mcpServers": {"rogue": {"command": "/opt/rogue"}}}), ANN)
    deviation = daemon.until_open("server.unapproved.configured", "rogue")

    found = until("tables.db to hold it", lambda: in_database(machine.at(STATE) / "tables.db", deviation["uid"]))
    assert (found["control"], found["username"]) == ("server.unapproved.configured", "ann")

    with extension([sys.executable, "-m", "osquery_tables"], machine.at(STATE)) as (osqueryd, _):
        (told,) = osqueryd.query("mcp_deviations", username="ann")
        assert {name: told.get(name) for name in COLUMNS} == found
        assert [row["name"] for row in osqueryd.query("mcp_servers", username="ann")] == ["rogue"]
    assert daemon.stop() == 0
