"""Real servers under a real MCP host: recognised as they start, judged, told once, closed when they stop."""

from typing import Any

import pytest

from tests.e2e.client import ClaudeCode
from tests.e2e.conftest import StartDaemon, StartHost
from tests.e2e.daemon import open_in_journal, open_in_reports, reports, told, until, until_reported
from tests.e2e.machine import Machine
from tests.e2e.policies import MANAGED_SETTINGS, TIME_ONLY, deploy
from tests.e2e.programs import EVERYTHING, TIME

pytestmark = pytest.mark.e2e


def test_running_servers_are_matched_judged_told_once_and_closed_when_they_stop(
    machine: Machine, client: ClaudeCode, start_daemon: StartDaemon, start_host: StartHost
) -> None:
    client.add("time", "user", *TIME)
    client.add("everything", "user", *EVERYTHING)
    deploy(machine, MANAGED_SETTINGS, TIME_ONLY)
    daemon, host = start_daemon(), start_host(time=TIME, everything=EVERYTHING)
    keys = {row["name"]: row["key"] for row in daemon.until_looked()["servers"]}

    assert "get_current_time" in host.start("time")
    assert "echo" in host.start("everything")

    def both() -> dict[str, dict[str, Any]] | None:
        rows = {row["matches"]: row for row in daemon.check()["processes"]}
        whole = {keys["time"], keys["everything"]} <= rows.keys() and len(rows[keys["everything"]]["pids"]) == 3
        return rows if whole else None

    rows = until("both servers, of which npm, its shell and node are one", both)
    assert rows[keys["time"]]["verdict"] == "allowed"
    assert rows[keys["everything"]]["verdict"] == "blocked"
    assert {rows[keys[name]]["user"] for name in keys} == {"ann"}

    deviation = daemon.until_open("server.denied.running", "everything")
    assert deviation["severity"] == "critical"
    host.stop("everything")
    daemon.until_gone(deviation["uid"])
    host.start("everything")
    daemon.until_open("server.denied.running", "everything")
    host.stop("everything")
    daemon.until_gone(deviation["uid"])
    host.stop("time")
    until("no server of ann's", lambda: all(row["user"] != "ann" for row in daemon.check()["processes"]))

    until_reported(machine, deviation["uid"], "opened", "closed", "opened", "closed")
    assert daemon.stop() == 0
    assert told(reports(machine), deviation["uid"]) == ["opened", "closed", "opened", "closed"]
    assert open_in_journal(machine) == open_in_reports(reports(machine))
    assert "server.denied.running" in daemon.printed()


def test_a_running_server_that_no_file_names_is_unapproved(
    machine: Machine, start_daemon: StartDaemon, start_host: StartHost
) -> None:
    deploy(machine, MANAGED_SETTINGS, TIME_ONLY)
    daemon, host = start_daemon(), start_host(anything=(*TIME[:2], "Europe/Paris"), approved=TIME)
    daemon.until_looked()
    host.start("approved")
    host.start("anything")
    deviation = daemon.until_open("server.unapproved.running", "mcp-server-time")
    mine = [row for row in daemon.check()["processes"] if row["user"] == "ann"]
    assert {row["verdict"] for row in mine} == {"allowed", "blocked"}
    host.close()
    daemon.until_gone(deviation["uid"])
    until_reported(machine, deviation["uid"], "opened", "closed")
    assert daemon.stop() == 0
    assert told(reports(machine), deviation["uid"]) == ["opened", "closed"]


def test_a_second_run_of_the_daemon_repeats_nothing(
    machine: Machine, client: ClaudeCode, start_daemon: StartDaemon
) -> None:
    client.add("notes", "user", "/opt/notes/bin/notes")
    deploy(machine, MANAGED_SETTINGS, TIME_ONLY)
    first = start_daemon()
    deviation = first.until_open("server.blocked.configured", "notes")
    until_reported(machine, deviation["uid"], "opened")
    assert first.stop() == 0
    before = reports(machine)
    second = start_daemon()
    second.until_open("server.blocked.configured", "notes")
    assert second.stop() == 0
    findings = [event for event in reports(machine) if event["class_uid"] == 2003]
    assert findings == [event for event in before if event["class_uid"] == 2003]
    assert told(findings, deviation["uid"]) == ["opened"]
