import ast
import shutil
import socket
import struct
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from agent.host import event_log_windows
from agent.ports import Accepted, RetryLater
from agent.sinks import system_log
from agent.sinks.system_log import SystemLogSink, entry, journald
from tests.sim.batches import batch_of
from tests.unit.sinks.test_destinations import event


def test_alerts_alone_are_written_and_everything_is_taken() -> None:
    written: list[Mapping[str, str]] = []
    batch = batch_of("b", 1, 2, (event(1), event(2, is_alert=False)))
    assert SystemLogSink(written.append).send(batch) == Accepted()
    assert [row["MCP_CONTROL"] for row in written] == ["server.denied.running"]
    assert written[0]["PRIORITY"] == "2"


def test_a_log_that_cannot_be_written_is_tried_again() -> None:
    def fails(_: Mapping[str, str]) -> None:
        raise PermissionError(13, "Permission denied")

    assert SystemLogSink(fails).send(batch_of("b", 1, 1, (event(1),))) == RetryLater(
        "the system's log cannot be written: Permission denied"
    )


_LISTENS = """
import socket
with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as system:
    system.bind("/dev/log")
    from agent.sinks.system_log import entry, posix_syslog
    from tests.unit.sinks.test_destinations import event
    posix_syslog(entry(event(1, message="two\\nlines")))
    print(system.recv(65_536))
"""


@pytest.mark.skipif(sys.platform != "linux" or shutil.which("unshare") is None, reason="a /dev of its own, on Linux")
def test_syslog_gets_one_line_with_what_a_rule_may_select_by() -> None:
    alone = ["unshare", "--mount", "--map-root-user", "sh", "-c", 'mount -t tmpfs none /dev && exec "$0" -c "$1"']
    command = [*alone, sys.executable, _LISTENS]
    done = subprocess.run(
        command, cwd=Path(__file__).parents[3], capture_output=True, text=True, check=False, timeout=60
    )
    if "not permitted" in done.stderr or "denied" in done.stderr:
        pytest.skip("this system gives nobody a mount namespace")
    line = ast.literal_eval(done.stdout).decode()
    assert line.startswith("<34>")  # LOG_AUTH, critical
    assert "mcp-compliance-agent: " in line
    assert " A server: two lines [MCP_CONTROL=server.denied.running MCP_FINDING_UID=f1 " in line


def test_windows_gets_an_error_for_what_is_grave_and_a_warning_for_the_rest(monkeypatch: pytest.MonkeyPatch) -> None:
    written: list[tuple[str, int, str]] = []
    monkeypatch.setattr(event_log_windows, "report", lambda *given: written.append(given))
    for severity in (5, 4, 3, 1):
        system_log.event_log(entry(event(1, severity_id=severity)))
    assert [kind for _, kind, _ in written] == [1, 1, 2, 4]
    assert {source for source, _, _ in written} == {"mcp-compliance-agent"}
    assert "MCP_CONTROL: server.denied.running" in written[0][2].splitlines()


@pytest.mark.skipif(sys.platform == "win32", reason="Unix sockets")
def test_journald_gets_each_field_and_no_value_can_forge_another(tmp_path: Path) -> None:
    address = tmp_path / "journal"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as system:
        system.bind(str(address))
        journald(entry(event(1, message="two\nPRIORITY=0")), address)
        datagram = system.recv(65_536)
    text = b" A server: two\nPRIORITY=0"
    assert datagram.startswith(b"MESSAGE\n" + struct.pack("<Q", len(text)) + text + b"\nPRIORITY=2\n")
    assert b"\nSYSLOG_IDENTIFIER=mcp-compliance-agent\n" in datagram
