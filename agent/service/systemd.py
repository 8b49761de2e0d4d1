"""Tells systemd how the daemon stands, by the datagram protocol of sd_notify(3): READY, WATCHDOG, STATUS, STOPPING.

Without `NOTIFY_SOCKET` in the environment every call does nothing. A message that cannot be sent is not worth failing for.
"""

import contextlib
import os
import socket
from collections.abc import Mapping


class Notifier:
    """`address` is the value of `NOTIFY_SOCKET`: a path, or `@name` for an abstract socket; None without systemd."""

    def __init__(self, address: str | None) -> None:
        self._address = address

    def ready(self) -> None:
        """Say that the daemon has started and judged everything once."""
        self._send("READY=1")

    def alive(self) -> None:
        """Feed the watchdog: every worker beats."""
        self._send("WATCHDOG=1")

    def says(self, text: str) -> None:
        """Show one line in `systemctl status`."""
        self._send("STATUS=" + " ".join(text.split()))

    def stopping(self) -> None:
        """Say that the daemon ends."""
        self._send("STOPPING=1")

    def _send(self, message: str) -> None:
        family = getattr(socket, "AF_UNIX", None)
        if not self._address or family is None:
            return
        name = "\0" + self._address[1:] if self._address.startswith("@") else self._address
        with contextlib.suppress(OSError), socket.socket(family, socket.SOCK_DGRAM) as sender:
            sender.setblocking(False)
            sender.sendto(message.encode(), name)


def notifier(environment: Mapping[str, str] = os.environ) -> Notifier:
    """Return what talks to the service manager that started this process."""
    return Notifier(environment.get("NOTIFY_SOCKET"))
