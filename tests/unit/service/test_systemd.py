import socket
import sys
from pathlib import Path

import pytest

from agent.service.systemd import Notifier, notifier

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="Unix sockets")


def test_each_message_arrives_as_one_datagram(tmp_path: Path) -> None:
    address = str(tmp_path / "notify")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd:
        systemd.bind(address)
        service = notifier({"NOTIFY_SOCKET": address})
        service.ready()
        service.alive()
        service.says("two\nlines")
        service.stopping()
        said = [systemd.recv(100) for _ in range(4)]
    assert said == [b"READY=1", b"WATCHDOG=1", b"STATUS=two lines", b"STOPPING=1"]


def test_without_systemd_or_with_one_that_is_gone_nothing_happens(tmp_path: Path) -> None:
    notifier({}).ready()
    Notifier(str(tmp_path / "nobody")).alive()
