"""What users and administrators get wrong, and what a hostile user plants: a clear word, and the rest goes on."""

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.client import ClaudeCode
from tests.e2e.conftest import StartDaemon
from tests.e2e.daemon import SETTINGS, until, until_reported
from tests.e2e.machine import ANN, COMMAND, HOME, Machine
from tests.e2e.policies import MANAGED_SETTINGS, TIME_ONLY, deploy
from tests.e2e.programs import CLAUDE_VERSION, TIME

pytestmark = pytest.mark.e2e

CURSOR = f"{HOME}/.cursor/mcp.json"
GEMINI = f"{HOME}/.gemini/settings.json"


def plant_malformed(path: Path) -> None:
    path.write_text('{"mcpServers": {"x": {"command": ')


def plant_forbidden(path: Path) -> None:
    path.write_text('{"mcpServers": {}}')
    path.chmod(0)


def plant_fifo(path: Path) -> None:
    os.mkfifo(path)


def plant_endless(path: Path) -> None:
    path.symlink_to("/dev/zero")


def plant_folder(path: Path) -> None:
    path.mkdir()


def plant_huge(path: Path) -> None:
    with path.open("wb") as stream:
        stream.truncate(10 << 30)


PLANTS = [plant_malformed, plant_forbidden, plant_fifo, plant_endless, plant_folder, plant_huge]


@pytest.mark.parametrize("plant", PLANTS, ids=lambda plant: plant.__name__)
def test_one_bad_file_is_said_and_costs_that_file_alone(
    machine: Machine, client: ClaudeCode, plant: Callable[[Path], None]
) -> None:
    client.add("time", "user", *TIME)
    deploy(machine, MANAGED_SETTINGS, TIME_ONLY)
    machine.write(GEMINI, json.dumps({"mcpServers": {"clock": {"command": TIME[0], "args": TIME[1:]}}}), ANN)
    plant(machine.folder(str(Path(CURSOR).parent), ANN) / "mcp.json")
    done = machine.examine("check", "--json", "--client-version", CLAUDE_VERSION)
    assert "Traceback" not in done.stderr
    document = json.loads(done.stdout)
    assert {row["name"]: row["verdict"] for row in document["servers"]} == {"time": "allowed", "clock": "allowed"}
    (row,) = [row for row in document["coverage"] if row["client"] == "cursor" and row["problem"]]
    assert row["state"] in ("malformed", "unreadable")
    assert CURSOR in row["problem"]
    assert (document["summary"]["state"], done.returncode) == ("unknown", 2)
    assert done.returncode == 2


def test_an_open_deviation_outlives_a_file_that_can_no_longer_be_read(
    machine: Machine, start_daemon: StartDaemon
) -> None:
    deploy(machine, MANAGED_SETTINGS, TIME_ONLY)
    rogue = json.dumps({"mcpServers": {"rogue": {"command": "/opt/rogue/bin/rogue"}}})
    path = machine.write(CURSOR, rogue, ANN)
    daemon = start_daemon()
    deviation = daemon.until_open("server.unapproved.configured", "rogue")
    plant_malformed(path)
    until("the file to be called malformed", lambda: "malformed" in states(daemon.check(), "cursor"))
    assert deviation["uid"] in {row["uid"] for row in daemon.check()["deviations"]}
    path.unlink()
    plant_fifo(path)
    until("the FIFO to be called unreadable", lambda: "unreadable" in states(daemon.check(), "cursor"))
    assert deviation["uid"] in {row["uid"] for row in daemon.check()["deviations"]}
    path.unlink()
    daemon.until_gone(deviation["uid"])
    until_reported(machine, deviation["uid"], "opened", "closed")
    assert daemon.stop() == 0


def states(document: dict[str, Any], client: str) -> set[str]:
    return {row["state"] for row in document["coverage"] if row["client"] == client}


def test_a_wrong_setting_is_named_and_the_daemon_goes_on_with_its_default(
    machine: Machine, start_daemon: StartDaemon
) -> None:
    deploy(machine, MANAGED_SETTINGS, TIME_ONLY)
    machine.write(CURSOR, json.dumps({"mcpServers": {"rogue": {"command": "/opt/rogue/bin/rogue"}}}), ANN)
    machine.write(SETTINGS, "[looks]\nprocess_intervall_s = 1\n")
    daemon = start_daemon()
    daemon.until_open("server.unapproved.configured", "rogue")
    conditions = {row["code"]: row["text"] for row in daemon.status()["health"]}
    assert "process_intervall_s" in conditions["settings.invalid"]
    assert SETTINGS in conditions["settings.invalid"]
    assert daemon.stop() == 0
    machine.at(CURSOR).unlink()
    checked = machine.run([COMMAND, "check"])
    assert checked.returncode == 2
    assert "process_intervall_s" in checked.stderr


@pytest.mark.parametrize(
    ("argv", "said"),
    [
        (["check", "--root", "/nowhere"], "/nowhere"),
        (["check", "--client-version", "two"], "--client-version"),
        (["explain", "no-such-server"], "no-such-server"),
        (["schema", "no-such-document"], "no-such-document"),
        (["status"], "has not run"),
        (["frobnicate"], "frobnicate"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_a_question_that_cannot_be_answered_gets_a_sentence_and_status_two(
    machine: Machine, argv: list[str], said: str
) -> None:
    done = machine.run([COMMAND, *argv])
    assert done.returncode == 2
    assert said in done.stdout + done.stderr
    assert "Traceback" not in done.stderr
