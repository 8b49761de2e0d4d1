"""Syslog: RFC 5424 messages over TLS (RFC 5425), framed by octet counting.

Syslog has no acknowledgement. A batch is one connection: every message is written, our side is closed, and the batch counts
as taken only when the receiver, having read to the end, closes its own side in order. A connection that is reset or that
stays open beyond the time limit is tried again, whole; a repeat is recognised by journal and sequence of the events.
"""

import contextlib
import socket
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import truststore

from agent.core.canonical import canonical
from agent.ports import Accepted, Batch, Outcome, RetryLater
from agent.sinks.causes import cause_of
from agent.sinks.exchange import Exchange

_FACILITY_AUDIT = 13
_ALERT = 1
_SEVERITY = {1: 6, 2: 5, 3: 4, 4: 3, 5: 2}
"""OCSF `severity_id` → syslog severity."""
_APP = "mcp-compliance-agent"
_PRINTABLE = range(33, 127)
_SEQUENCE_MOST = 2_147_483_647


@dataclass(frozen=True, slots=True, kw_only=True)
class SyslogTarget:
    """Where to send to. The port of syslog over TLS is 6514."""

    host: str
    port: int = 6514
    ca_file: Path | None = None
    cert_file: Path | None = None
    key_file: Path | None = None
    total_s: float = 30.0


class SyslogSink:
    """One receiver. `send` is called by one thread at a time; `abort` by any."""

    def __init__(self, target: SyslogTarget, *, name: str = "syslog") -> None:
        self.name = name
        self._target = target
        self._exchange = Exchange()

    def send(self, batch: Batch) -> Outcome:
        """Write `batch` once, within the time limit."""
        return self._tried(b"".join(framed(message(event)) for event in batch.events))

    def probe(self) -> str | None:
        """Connect, let the receiver prove who it is, and send nothing; return what kept it from that."""
        outcome = self._tried(b"")
        return outcome.reason if isinstance(outcome, RetryLater) else None

    def abort(self) -> None:
        """End an attempt that is under way, and refuse every later one."""
        self._exchange.abort()

    def close(self) -> None:
        """Nothing is held open: every batch has a connection of its own."""

    def _tried(self, frames: bytes) -> Accepted | RetryLater:
        self._exchange.begin(self._target.total_s)
        try:
            self._written(frames)
        except (OSError, ValueError) as error:  # ssl.SSLError is an OSError
            return RetryLater(f"{self._target.host}:{self._target.port}: {cause_of(error)}")
        finally:
            self._exchange.holds(None)
        return Accepted()

    def _written(self, frames: bytes) -> None:
        target = self._target
        with socket.create_connection((target.host, target.port), timeout=target.total_s) as plain:
            self._exchange.limit(plain)
            with self._context().wrap_socket(plain, server_hostname=target.host) as wrapped:
                self._exchange.holds(wrapped)
                for at in range(0, len(frames), 16_384):
                    self._exchange.limit(wrapped)
                    wrapped.sendall(frames[at : at + 16_384])
                self._exchange.limit(wrapped)
                self._ended(wrapped)

    def _ended(self, wrapped: ssl.SSLSocket) -> None:
        """Close our side and read until the receiver has closed its own; raise where it did not do so in order."""
        with contextlib.suppress(ssl.SSLEOFError, ssl.SSLZeroReturnError):
            try:
                wrapped.unwrap()
            except OSError as error:
                if isinstance(error, ssl.SSLError) or error.errno:  # else the other side just closed, as many do
                    raise

    def _context(self) -> ssl.SSLContext:
        context = truststore.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        if self._target.ca_file is not None:
            context.load_verify_locations(cafile=self._target.ca_file)
        if self._target.cert_file is not None:
            context.load_cert_chain(self._target.cert_file, self._target.key_file)
        return context


def message(event: Mapping[str, Any]) -> bytes:
    """Return `event` as one RFC 5424 message; the event is the message text, in JSON."""
    severity = _ALERT if event.get("is_alert") is True else _SEVERITY.get(int(event.get("severity_id", 1)), 6)
    at = datetime.fromtimestamp(int(event.get("time", 0)) / 1000, UTC).isoformat(timespec="milliseconds")
    metadata = event.get("metadata", {})
    sequence = (int(metadata.get("sequence", 0)) - 1) % _SEQUENCE_MOST + 1
    version = _quoted(str(metadata.get("product", {}).get("version", "")))
    head = " ".join(
        (
            f"<{_FACILITY_AUDIT * 8 + severity}>1",
            at.replace("+00:00", "Z"),
            _token(str(event.get("device", {}).get("hostname", "")), 255),
            _APP,
            "-",
            _token(f"OCSF{event.get('class_uid', '')}", 32),
            f'[origin software="{_APP}" swVersion="{version}"][meta sequenceId="{sequence}"]',
        )
    )
    return f"{head} {canonical(dict(event))}".encode("ascii", "replace")


def framed(text: bytes) -> bytes:
    """Return one message with its length in front (RFC 6587, octet counting)."""
    return b"%d %s" % (len(text), text)


def _token(text: str, most: int) -> str:
    return "".join(character for character in text if ord(character) in _PRINTABLE)[:most] or "-"


def _quoted(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("]", "\\]")[:32]
