"""The system's own log, for alerts alone: journald or syslog on Linux, the unified log on macOS, the Event Log on Windows.

Anything that is no alert is taken without being written: the other destinations have it. The log of the system is not durable
in our sense; what it took is out of our hands.
"""

import socket
import struct
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from agent.host import event_log_windows
from agent.ports import Accepted, Batch, Outcome, RetryLater

JOURNALD = Path("/run/systemd/journal/socket")
_IDENTIFIER = "mcp-compliance-agent"
_PRIORITY = {5: 2, 4: 3, 3: 4}
"""OCSF `severity_id` → syslog priority."""

_KIND = {"2": event_log_windows.ERROR, "3": event_log_windows.ERROR, "4": event_log_windows.WARNING}
"""Priority → type of entry in Windows' Event Log."""

Write = Callable[[Mapping[str, str]], None]
"""Writes one entry; raises `OSError` where it cannot."""


@dataclass(eq=False)
class SystemLogSink:
    """The log of this machine."""

    write: Write
    name: str = "system_log"

    def send(self, batch: Batch) -> Outcome:
        """Write the alerts of `batch`."""
        try:
            for event in batch.events:
                if event.get("is_alert") is True:
                    self.write(entry(event))
        except OSError as error:
            return RetryLater(f"the system's log cannot be written: {error.strerror or type(error).__name__}")
        return Accepted()

    def probe(self) -> str | None:
        """Nothing can be known of the system's log but by writing into it."""

    def abort(self) -> None:
        """Nothing lasts: an entry is handed over within moments."""

    def close(self) -> None:
        """Nothing is held open between two entries."""


def entry(event: Mapping[str, Any]) -> dict[str, str]:
    """Return what stands in the log: the sentence, and what a rule may select by."""
    info = event.get("finding_info", {})
    return {
        "MESSAGE": f"{event.get('activity_name', '')} {info.get('title', '')}: {event.get('message', '')}",
        "PRIORITY": str(_PRIORITY.get(int(event.get("severity_id", 1)), 5)),
        "SYSLOG_IDENTIFIER": _IDENTIFIER,
        "MCP_CONTROL": str(next(iter(info.get("types", ())), "")),
        "MCP_FINDING_UID": str(info.get("uid", "")),
        "MCP_ACTIVITY": str(event.get("activity_name", "")),
        "MCP_SEVERITY": str(event.get("severity", "")),
    }


def system_log() -> Write:
    """Return what writes into the log of the running system."""
    if sys.platform == "win32":
        return event_log
    return journald if JOURNALD.exists() else posix_syslog


def journald(fields: Mapping[str, str], address: Path = JOURNALD) -> None:
    """Write one entry by journald's native protocol (systemd's JOURNAL_NATIVE_PROTOCOL)."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
        sender.sendto(b"".join(_field(name, value) for name, value in fields.items()), str(address))


def _field(name: str, value: str) -> bytes:
    raw = value.encode("utf-8", "replace")
    if b"\n" not in raw:
        return b"%s=%s\n" % (name.encode("ascii"), raw)
    return b"%s\n%s%s\n" % (name.encode("ascii"), struct.pack("<Q", len(raw)), raw)


def event_log(fields: Mapping[str, str]) -> None:
    """Write one entry into Windows' Event Log, as an error, a warning or information by its priority."""
    text = "\n".join(f"{name}: {value}" for name, value in fields.items())
    event_log_windows.report(_IDENTIFIER, _KIND.get(fields["PRIORITY"], event_log_windows.INFORMATION), text)


def posix_syslog(fields: Mapping[str, str]) -> None:
    """Write one line by syslog(3): into the unified log on macOS, to whatever listens at /dev/log elsewhere."""
    if sys.platform != "win32":
        import syslog  # noqa: PLC0415 - POSIX only

        syslog.openlog(_IDENTIFIER, facility=syslog.LOG_AUTH)
        line = " ".join(f"{name}={value}" for name, value in fields.items() if name.startswith("MCP_"))
        syslog.syslog(int(fields["PRIORITY"]), _flat(f"{fields['MESSAGE']} [{line}]"))


def _flat(text: str) -> str:
    """Return `text` as one line: what follows a line break would look like another entry."""
    return "".join(character if character.isprintable() else " " for character in text)
