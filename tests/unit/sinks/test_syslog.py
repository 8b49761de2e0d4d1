"""Syslog over TLS, against a peer that reads the framing to the letter, and against rsyslog itself where it is installed."""

import json
import re
import shutil
import socket
import ssl
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import trustme

from agent.ports import Accepted, RetryLater
from agent.sinks.syslog import SyslogSink, SyslogTarget, framed, message
from tests.sim.batches import batch_of
from tests.unit.sinks.test_destinations import BATCH, event

RFC5424 = re.compile(
    rb"<(?P<pri>\d{1,3})>1 (?P<time>\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z) (?P<host>[!-~]{1,255}) (?P<app>[!-~]{1,48})"
    rb" (?P<pid>[!-~]{1,128}) (?P<id>[!-~]{1,32}) (?P<data>(\[[^\]\\]*\])+) (?P<text>.*)",
    re.DOTALL,
)


class Receiver:
    """Takes connections one after the other. `manners`: how each of them ends."""

    def __init__(self, *manners: str) -> None:
        self.ca = trustme.CA()
        self.messages: list[bytes] = []
        self._manners = list(manners)
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.ca.issue_cert("127.0.0.1").configure_cert(self._context)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()

    def _serve(self) -> None:
        for manner in self._manners:
            plain, _ = self._listener.accept()
            plain.settimeout(10)
            if manner == "resets":
                plain.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, bytes((1, 0, 0, 0, 0, 0, 0, 0)))
                plain.recv(1)
                plain.close()
                continue
            try:
                with self._context.wrap_socket(plain, server_side=True) as connection:
                    self._read(connection, manner)
            except OSError:
                plain.close()

    def _read(self, connection: ssl.SSLSocket, manner: str) -> None:
        stream = b""
        while piece := connection.recv(4_096):
            stream += piece
        while stream:
            length, _, stream = stream.partition(b" ")
            text, stream = stream[: int(length)], stream[int(length) :]
            assert len(text) == int(length)
            self.messages.append(text)
        if manner == "polite":
            connection.unwrap().close()

    def close(self) -> None:
        self._thread.join()
        self._listener.close()


def sink(receiver: Receiver, folder: Path, **given: object) -> SyslogSink:
    ca = folder / "ca.pem"
    receiver.ca.cert_pem.write_to_path(str(ca))
    return SyslogSink(SyslogTarget(**({"host": "127.0.0.1", "port": receiver.port, "ca_file": ca} | given)))


@pytest.mark.parametrize("manner", ["polite", "just closes"])
def test_every_event_is_one_message_framed_by_its_length(tmp_path: Path, manner: str) -> None:
    receiver = Receiver(manner)
    assert sink(receiver, tmp_path).send(BATCH) == Accepted()
    receiver.close()
    parsed = [RFC5424.fullmatch(text) for text in receiver.messages]
    assert [json.loads(match["text"]) for match in parsed if match] == list(BATCH.events)


def test_a_receiver_that_hangs_up_took_nothing(tmp_path: Path) -> None:
    receiver = Receiver("resets", "polite")
    one = sink(receiver, tmp_path)
    assert isinstance(one.send(BATCH), RetryLater)
    assert one.send(BATCH) == Accepted()
    receiver.close()
    assert len(receiver.messages) == 3


def test_a_certificate_that_nobody_trusts_is_never_accepted(tmp_path: Path) -> None:
    receiver = Receiver("polite")
    stranger = tmp_path / "stranger.pem"
    trustme.CA().cert_pem.write_to_path(str(stranger))
    outcome = sink(receiver, tmp_path, ca_file=stranger).send(BATCH)
    receiver.close()
    assert isinstance(outcome, RetryLater)
    assert "certificate is not trusted" in outcome.reason


def test_priority_names_the_severity_and_alerts_stand_above_all() -> None:
    def severity(**given: object) -> int:
        match = RFC5424.fullmatch(message(event(1, **given)))
        assert match is not None
        return int(match["pri"]) - 13 * 8

    assert severity() == 1
    assert [severity(is_alert=False, severity_id=n) for n in (5, 4, 3, 2, 1)] == [2, 3, 4, 5, 6]


def test_what_a_header_cannot_hold_does_not_break_the_message() -> None:
    odd = event(1, device={"hostname": "a b\n]é"}, metadata={"sequence": 1, "product": {"version": '1"]\\'}})
    text = message(odd)
    assert re.match(rb"<105>1 \S+ ab\] mcp-compliance-agent - OCSF2004 ", text)
    assert rb'swVersion="1\"\]\\"' in text
    assert framed(b"abc") == b"3 abc"


@pytest.fixture
def rsyslog(tmp_path: Path) -> Iterator[tuple[int, Path, Path]]:
    """A real rsyslog that takes syslog over TLS on loopback and appends the raw messages to a file."""
    program = shutil.which("rsyslogd", path="/usr/sbin:/usr/bin")
    if program is None or not any(Path("/usr/lib").rglob("rsyslog/lmnsd_gtls.so")):
        pytest.skip("rsyslog with TLS is not installed")
    ca = trustme.CA()
    server = ca.issue_cert("127.0.0.1")
    ca_file, cert_file, key_file, out = (tmp_path / name for name in ("ca.pem", "cert.pem", "key.pem", "out.log"))
    ca.cert_pem.write_to_path(str(ca_file))
    server.cert_chain_pems[0].write_to_path(str(cert_file))
    server.private_key_pem.write_to_path(str(key_file))
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    (tmp_path / "rsyslog.conf").write_text(f"""
global(workDirectory="{tmp_path}" maxMessageSize="64k" defaultNetstreamDriver="gtls" defaultNetstreamDriverCAFile="{ca_file}"
  defaultNetstreamDriverCertFile="{cert_file}" defaultNetstreamDriverKeyFile="{key_file}")
module(load="imtcp" StreamDriver.Name="gtls" StreamDriver.Mode="1" StreamDriver.AuthMode="anon")
input(type="imtcp" port="{port}" address="127.0.0.1" ruleset="all")
template(name="parsed" type="string" string="%pri% %app-name% %hostname% %msgid% %structured-data% %msg%\\n")
ruleset(name="all") {{ action(type="omfile" file="{out}" template="parsed") }}
""")
    command = [program, "-n", "-f", str(tmp_path / "rsyslog.conf"), "-i", str(tmp_path / "pid")]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as running:
        try:
            _until(lambda: _listens(port))
            yield port, ca_file, out
        finally:
            running.terminate()
            running.wait(10)


def test_rsyslog_reads_every_message_as_it_was_meant(rsyslog: tuple[int, Path, Path]) -> None:
    port, ca_file, out = rsyslog
    many = batch_of("b", 1, 200, tuple(event(number, message="x" * 2_000) for number in range(1, 201)))
    assert SyslogSink(SyslogTarget(host="127.0.0.1", port=port, ca_file=ca_file)).send(many) == Accepted()
    _until(lambda: out.exists() and out.read_bytes().count(b"\n") == 200)
    first = out.read_text().splitlines()[0]
    assert first.startswith("105 mcp-compliance-agent laptop-7 OCSF2004 [origin ")
    texts = [line[line.index(" {") :] for line in out.read_text().splitlines()]
    assert [json.loads(text)["metadata"]["sequence"] for text in texts] == list(range(1, 201))


def _listens(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True


def _until(condition: object) -> None:
    deadline = time.monotonic() + 20
    while not condition():  # type: ignore[operator]
        assert time.monotonic() < deadline, "it did not come to pass"
        threading.Event().wait(0.02)
