import socket
import struct
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from agent.ports import Accepted, Batch, RetryLater
from agent.sinks.system_log import SystemLogSink, entry, journald
from tests.unit.sinks.test_destinations import event


def test_alerts_alone_are_written_and_everything_is_taken() -> None:
    written: list[Mapping[str, str]] = []
    batch = Batch("b", 1, 2, (event(1), event(2, is_alert=False)))
    assert SystemLogSink(written.append).send(batch) == Accepted()
    assert [row["MCP_CONTROL"] for row in written] == ["server.denied.running"]
    assert written[0]["PRIORITY"] == "2"


def test_a_log_that_cannot_be_written_is_tried_again() -> None:
    def fails(_: Mapping[str, str]) -> None:
        raise PermissionError(13, "Permission denied")

    assert SystemLogSink(fails).send(Batch("b", 1, 1, (event(1),))) == RetryLater(
        "the system's log cannot be written: Permission denied"
    )


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
