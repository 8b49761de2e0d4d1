"""`mcp-compliance run` as a real child process on a laptop, and what it leaves behind."""

import json
import os
import re
import signal
import sqlite3
import subprocess
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar

from tests.e2e.machine import CHECKOUT, COMMAND, Machine

STATE = "/var/lib/mcp-compliance-agent"
SETTINGS = "/etc/mcp-compliance-agent/agent.toml"
SHUTDOWN_S = 15.0
"""What the project promises."""

_PATIENCE_S = 60.0
_EVERY_S = 0.05
_UNIT = CHECKOUT / "packaging/linux/mcp-compliance-agent.service"
_ACTIVITY = {1: "opened", 2: "updated", 3: "closed"}
T = TypeVar("T")


def until(what: str, ask: Callable[[], T | None], patience_s: float = _PATIENCE_S) -> T:
    """Ask until the answer is true, and return it; fail with `what` was waited for when patience ends."""
    deadline = time.monotonic() + patience_s
    while True:
        answer = ask()
        if answer:
            return answer
        assert time.monotonic() < deadline, f"waited {patience_s:.0f} s in vain for: {what}"
        time.sleep(_EVERY_S)


class Daemon:
    """The running program. What it prints goes to `output`, so that it never blocks on a reader.

    `within` are the words before its command, such as `as_the_service`; `program` is another build of it, such as the frozen one.
    """

    def __init__(
        self, machine: Machine, *, online: bool = False, within: Sequence[str] = (), program: str = COMMAND
    ) -> None:
        self._machine = machine
        self._state = machine.at(STATE)
        self._born = time.time()
        self.output = machine.root.parent / "daemon.txt"
        with self.output.open("ab") as stream:
            command = machine.command([*within, program, "run"], online=online)
            self._process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=stream, stderr=subprocess.STDOUT)
        self.pid = machine.pid_of(self._process)

    def status(self) -> dict[str, Any]:
        """Return the status document that this process wrote, empty before the first one."""
        assert self._process.poll() is None, f"the daemon ended: {self.printed()[-4000:]}"
        try:
            document: dict[str, Any] = json.loads((self._state / "status.json").read_bytes())
        except FileNotFoundError:
            return {}
        return document if document["started_at"] >= self._born else {}

    def check(self) -> dict[str, Any]:
        """Return the newest look, empty before the first one."""
        found: dict[str, Any] = self.status().get("check", {})
        return found

    def until_looked(self) -> dict[str, Any]:
        """Wait for the first complete look."""
        return until("the first look", self.check)

    def until_open(self, control: str, about: str) -> dict[str, Any]:
        """Wait for a deviation of `control` whose subject or text speaks of `about`."""
        return until(
            f"{control} about {about}",
            lambda: next(
                (
                    row
                    for row in self.check().get("deviations", [])
                    if row["control"] == control and about in f"{row['subject']} {row['text']}"
                ),
                None,
            ),
        )

    def until_gone(self, uid: str) -> None:
        """Wait until the deviation is open no more."""
        until(
            f"the end of {uid}",
            lambda: (found := self.check()) and all(row["uid"] != uid for row in found["deviations"]),
        )

    def stop(self, by: signal.Signals = signal.SIGTERM) -> int:
        """Ask it to end and return its exit status."""
        os.kill(self.pid, by)
        return self._process.wait(SHUTDOWN_S)

    def kill(self) -> None:
        """End it as a power cut would."""
        if self._process.poll() is None:
            os.kill(self.pid, signal.SIGKILL)
        self._process.wait()

    def printed(self) -> str:
        """Return what it wrote to the terminal."""
        return self.output.read_text()


def as_the_service() -> list[str]:
    """Return the words that leave a program of root's the capabilities that the packaged service has, and no way to more."""
    (kept,) = re.findall(r"^CapabilityBoundingSet=(.+)$", _UNIT.read_text(), re.MULTILINE)
    names = [name.removeprefix("CAP_").lower() for name in kept.split()]
    return ["setpriv", "--no-new-privs", "--inh-caps=-all", f"--bounding-set=-all,+{',+'.join(names)}"]


def reports(machine: Machine) -> list[dict[str, Any]]:
    """Return the events of the local JSONL file."""
    path = machine.at(f"{STATE}/reports.jsonl")
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def until_reported(machine: Machine, uid: str, *wanted: str) -> None:
    """Wait until the local JSONL file tells `wanted` of one finding; updates do not count."""
    until(
        f"{wanted} of {uid} in the JSONL file",
        lambda: [word for word in told(reports(machine), uid) if word != "updated"] == list(wanted),
    )


def told(events: Sequence[dict[str, Any]], uid: str) -> list[str]:
    """Return what was told of one finding, in order: opened, updated, closed."""
    return [
        _ACTIVITY[event["activity_id"]]
        for event in events
        if event["class_uid"] == 2003 and event["finding_info"]["uid"] == uid
    ]


def journal(machine: Machine) -> Path:
    """Return where the daemon's journal is."""
    return machine.at(f"{STATE}/journal.sqlite3")


def open_in_journal(machine: Machine) -> set[tuple[str, str]]:
    """Return (control, subject) of every deviation that the journal holds open."""
    connection = sqlite3.connect(f"file:{journal(machine)}?mode=ro", uri=True)
    try:
        return set(connection.execute("SELECT control, subject FROM deviations WHERE closed_at IS NULL"))
    finally:
        connection.close()


def open_in_reports(events: Sequence[dict[str, Any]]) -> set[tuple[str, str]]:
    """Return (control, subject) of every finding that was opened and not closed."""
    still: set[tuple[str, str]] = set()
    for event in events:
        if event["class_uid"] != 2003:
            continue
        key = (event["compliance"]["control"], event["resources"][0]["uid"])
        if event["activity_id"] == 3:
            still.remove(key)
        else:
            still.add(key)
    return still
