"""Real servers under a real MCP host: recognised as they start, judged, told once, closed when they stop."""

from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.client import ClaudeCode
from tests.e2e.conftest import StartDaemon, StartHost
from tests.e2e.daemon import open_in_journal, open_in_reports, reports, told, until, until_reported
from tests.e2e.machine import ANN, HOME, Machine
from tests.e2e.policies import LOCKED, MANAGED_SETTINGS, TIME_ONLY, deploy
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


_STUBBORN = f"{HOME}/tools/bin/mcp-server-stubborn"


def test_a_server_that_outlives_its_client_stays_reported_also_over_a_restart_of_the_agent(
    machine: Machine, start_daemon: StartDaemon, start_host: StartHost
) -> None:
    python = machine.write(_STUBBORN, Path(__file__).with_name("stubborn.py").read_text(), ANN).with_name("python3")
    python.symlink_to("/usr/bin/python3")
    deploy(machine, MANAGED_SETTINGS, TIME_ONLY)
    first, host = start_daemon(), start_host(stubborn=(f"{HOME}/tools/bin/python3", _STUBBORN))
    first.until_looked()
    host.start("stubborn")
    opened = first.until_open("server.unapproved.running", "stubborn")
    (row,) = (row for row in first.check()["processes"] if row["user"] == "ann")
    host.kill()
    first.until_open("server.unapproved.running", "ended by")
    assert first.stop() == 0

    second = start_daemon()
    again = second.until_open("server.unapproved.running", "ended by")
    assert again["uid"] == opened["uid"]
    (kept,) = (row for row in second.check()["processes"] if row["user"] == "ann")
    assert "runs on" in kept["notes"][0]
    assert kept["pids"] == row["pids"]
    machine.run(["kill", "-9", str(row["pid"])])
    second.until_gone(opened["uid"])
    assert second.stop() == 0
    assert [word for word in told(reports(machine), opened["uid"]) if word != "updated"] == ["opened", "closed"]


def test_a_wrapper_in_place_of_the_approved_launcher_is_reported(
    machine: Machine, client: ClaudeCode, start_daemon: StartDaemon, start_host: StartHost
) -> None:
    """The command is the approved one, word for word; what comes first in PATH decides what it starts."""
    machine.write(_STUBBORN, Path(__file__).with_name("stubborn.py").read_text(), ANN)
    machine.write(f"{HOME}/bin/npx", f"#!/bin/sh\npython3 {_STUBBORN}\n", ANN).chmod(0o755)
    client.add("everything", "user", *EVERYTHING)
    deploy(machine, MANAGED_SETTINGS, LOCKED)
    daemon, host = start_daemon(), start_host(real=EVERYTHING, swapped=(f"{HOME}/bin/npx", *EVERYTHING[1:]))
    daemon.until_looked()
    host.start("real")
    until("the real one", lambda: any(row["verdict"] == "allowed" for row in daemon.check()["processes"]))
    assert not [row for row in daemon.check()["deviations"] if row["control"] == "server.substituted"]
    host.stop("real")
    host.start("swapped")
    found = daemon.until_open("server.substituted", "no package that npx brings")
    assert found["severity"] == "high"
    assert f"sha256:{sha256(Path(__file__).with_name('stubborn.py').read_bytes()).hexdigest()}" in {
        fact["text"] for fact in found["evidence"]
    }
    for row in daemon.check()["processes"]:
        machine.run(["kill", "-9", *map(str, row["pids"])])
    daemon.until_gone(found["uid"])
    assert daemon.stop() == 0
