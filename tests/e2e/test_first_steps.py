"""What a newcomer does: `make run` or `make watch`, read it, end it."""

import os
import signal
import sqlite3
import subprocess
from contextlib import closing

import pytest

from tests.e2e.conftest import StartDaemon
from tests.e2e.daemon import SHUTDOWN_S, STATE, until
from tests.e2e.machine import ANN, CHECKOUT, COMMAND, HOME, PRIVILEGED, Machine
from tests.e2e.policies import MANAGED_SETTINGS, TIME_ONLY, deploy

pytestmark = pytest.mark.e2e

ROGUE = '{"mcpServers": {"rogue": {"command": "/opt/rogue/bin/rogue"}}}'


@pytest.mark.parametrize(
    ("target", "by", "about_reports"),
    [
        ("run", signal.SIGINT, "This device:  http://127.0.0.1:8470/devices/"),
        ("run", signal.SIGTERM, "This device:  http://127.0.0.1:8470/devices/"),
        ("watch", signal.SIGINT, "No endpoint is configured"),
    ],
)
def test_make_says_what_it_found_stays_and_ends_when_told(
    machine: Machine, target: str, by: signal.Signals, about_reports: str
) -> None:
    deploy(machine, MANAGED_SETTINGS, TIME_ONLY)
    machine.write(f"{HOME}/.cursor/mcp.json", ROGUE, ANN)
    output = machine.root.parent / "make.txt"
    with output.open("wb") as stream:
        make = subprocess.Popen(
            machine.command(["make", "--no-print-directory", target], folder=str(CHECKOUT), online=True),
            stdin=subprocess.DEVNULL,
            stdout=stream,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )

    def says(words: str) -> bool:
        assert make.poll() is None, output.read_text()
        return words in output.read_text()

    try:
        until("the deviation on the terminal", lambda: says("server.unapproved.configured"))
        until("a sentence about where reports go", lambda: says(about_reports))
        until("a sentence about the device", lambda: says("This device deviates"))
        until("the status document", machine.at(f"{STATE}/status.json").exists)
        machine.write(f"{HOME}/.cursor/mcp.json", "{}", ANN)
        until("the end of it on the terminal", lambda: says("closed"))
        until("a sentence about the device", lambda: says("This device complies"))
    finally:
        if make.poll() is None:
            os.killpg(make.pid, by)  # what Ctrl-C, or the end of a session, does
        make.wait(SHUTDOWN_S)
    until("the end of the whole group", lambda: not members(make.pid), SHUTDOWN_S)
    printed = output.read_text()
    assert not [word for word in ("Traceback", "Warning", "Error 130", "has not reported") if word in printed], printed


def test_make_run_after_make_watch_tells_of_no_reports_that_are_missing(machine: Machine) -> None:
    deploy(machine, MANAGED_SETTINGS, TIME_ONLY)
    for target, servers in (("run", "{}"), ("watch", ROGUE), ("watch", "{}"), ("run", "{}")):
        machine.write(f"{HOME}/.cursor/mcp.json", servers, ANN)
        output = machine.root.parent / "make.txt"
        with output.open("wb") as stream:
            make = subprocess.Popen(
                machine.command(["make", "--no-print-directory", target], folder=str(CHECKOUT), online=True),
                stdin=subprocess.DEVNULL,
                stdout=stream,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        try:
            until("a sentence about the device", lambda path=output: "This device " in path.read_text())  # type: ignore[misc]
            if target == "run":
                until("its page", lambda path=output: "This device:  http" in path.read_text())  # type: ignore[misc]
        finally:
            os.killpg(make.pid, signal.SIGINT)
            make.wait(SHUTDOWN_S)
    [file] = machine.root.rglob("central.sqlite")
    with closing(sqlite3.connect(file)) as central:
        query = (
            "SELECT control, closed_at IS NOT NULL FROM deviations WHERE control GLOB 'server.*' OR source = 'central'"
        )
        told = dict(central.execute(query))
    assert told == {"server.unapproved.configured": True, "report.elsewhere": False}, "what ended meanwhile is told"


def members(group: int) -> bytes:
    return subprocess.run(["pgrep", "--pgroup", str(group)], check=False, capture_output=True).stdout


def test_status_repeats_the_daemon_and_says_so_when_it_is_silent(machine: Machine, start_daemon: StartDaemon) -> None:
    deploy(machine, MANAGED_SETTINGS, TIME_ONLY)
    machine.write(f"{HOME}/.cursor/mcp.json", ROGUE, ANN)
    daemon = start_daemon()
    daemon.until_open("server.unapproved.configured", "rogue")
    told = machine.run([COMMAND, "status"])
    assert told.returncode == 1
    assert "a client that does not enforce the policy is configured" in told.stdout
    assert "server.unapproved.configured" in machine.run([COMMAND, "status", "--details"]).stdout
    assert machine.run([COMMAND, "doctor"]).returncode in (0, 1, 2)
    assert daemon.stop() == 0
    silent = machine.run([COMMAND, "status"])
    assert silent.returncode == 2
    assert "The agent was stopped" in silent.stdout


@pytest.mark.skipif(not PRIVILEGED, reason="an ordinary user is ann already")
def test_an_ordinary_user_may_check_and_is_told_what_could_not_be_seen(machine: Machine) -> None:
    deploy(machine, MANAGED_SETTINGS, TIME_ONLY)
    machine.write(f"{HOME}/.cursor/mcp.json", ROGUE, ANN)
    machine.folder("/home/bob").chmod(0o700)
    done = machine.run([COMMAND, "check"], user=ANN, folder=HOME)
    assert done.returncode == 1, done.stderr
    assert "rogue" in done.stdout
    assert "/home/bob" in done.stdout
