"""The agent's own settings and state, attacked on a real machine: who could change them is told, what was changed is noticed."""

import os
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.conftest import StartDaemon
from tests.e2e.daemon import SETTINGS, STATE, Daemon, journal, until
from tests.e2e.machine import ANN, COMMAND, PRIVILEGED, Machine
from tests.e2e.policies import MANAGED_SETTINGS, TIME_ONLY, deploy

pytestmark = [pytest.mark.e2e, pytest.mark.skipif(not PRIVILEGED, reason="needs the files of root to be another's")]

NONE = 0xFFFFFFFF
_ENTRIES = [(0x01, 6, NONE), (0x02, 6, ANN), (0x04, 0, NONE), (0x10, 6, NONE), (0x20, 0, NONE)]
LETS_ANN_WRITE = struct.pack("<I", 2) + b"".join(struct.pack("<HHI", *entry) for entry in _ENTRIES)
"""An access control list as the kernel keeps it (acl(5), version 2)."""


@pytest.fixture
def machine(tmp_path: Path) -> Iterator[Machine]:
    laptop = Machine(tmp_path / "laptop", {})
    deploy(laptop, MANAGED_SETTINGS, TIME_ONLY)
    yield laptop
    laptop.close()


def condition(daemon: Daemon, code: str) -> dict[str, Any]:
    return until(code, lambda: next((row for row in daemon.status().get("health", ()) if row["code"] == code), None))


def test_settings_and_state_that_a_user_can_write_are_critical_and_doctor_shows_them(
    machine: Machine, start_daemon: StartDaemon
) -> None:
    machine.write(SETTINGS, "[looks]\nmanaged_interval_s = 5\n").chmod(0o666)
    daemon = start_daemon()
    found = daemon.until_open("agent.exposed", SETTINGS)
    assert found["severity"] == "critical"
    assert "can be written by everyone" in found["text"]
    machine.at(STATE).chmod(0o777)
    os.setxattr(journal(machine), "system.posix_acl_access", LETS_ANN_WRITE)
    shown = machine.run([COMMAND, "doctor"]).stdout
    (row,) = [line for line in shown.splitlines() if " own files " in line]
    assert row.startswith("FAILING")
    assert "can be written by everyone" in row
    daemon.until_open("agent.exposed", f"The folder {STATE} can be written by everyone")
    assert f"{ANN}), by its access control list" in daemon.until_open("agent.exposed", "journal.sqlite3")["text"]


def test_a_state_folder_that_was_open_to_others_before_the_start_is_closed_and_that_is_reported(
    machine: Machine, start_daemon: StartDaemon
) -> None:
    machine.at(STATE).mkdir(parents=True, exist_ok=True)
    machine.at(STATE).chmod(0o777)
    daemon = start_daemon()
    assert "could be written by others (mode 0777" in condition(daemon, "state.exposed")["text"]
    daemon.until_open("agent.degraded", "had rights to the agent's state folder")
    assert machine.at(STATE).stat().st_mode & 0o066 == 0


def test_an_older_copy_of_the_journal_put_back_is_noticed(machine: Machine, start_daemon: StartDaemon) -> None:
    first = start_daemon()
    first.until_looked()
    assert first.stop() == 0
    files = [journal(machine).with_name(journal(machine).name + end) for end in ("", "-wal", "-shm")]
    older = {file: file.read_bytes() for file in files if file.exists()}
    second = start_daemon()
    second.until_looked()
    assert second.stop() == 0
    for file in files:
        file.unlink(missing_ok=True)
    for file, raw in older.items():
        file.write_bytes(raw)
    third = start_daemon()
    assert "is an older copy" in condition(third, "journal.tampered")["text"]
    third.until_open("agent.degraded", "journal was changed by something else")


def test_a_journal_that_is_gone_is_noticed(machine: Machine, start_daemon: StartDaemon) -> None:
    first = start_daemon()
    first.until_looked()
    assert first.stop() == 0
    for file in machine.at(STATE).glob("journal.sqlite3*"):
        file.unlink()
    assert "is gone" in condition(start_daemon(), "journal.tampered")["text"]
