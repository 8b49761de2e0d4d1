"""On which TCP addresses a process listens. Linux tells by /proc (proc_net_tcp), read in the network namespace of the process."""

import contextlib
import ipaddress
import sys
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import psutil

MOST_LINES, MOST_ADDRESSES = 65_536, 16
_LISTEN = "0A"


def listens(pid: int) -> tuple[str, ...]:
    """Return `address:port` of every TCP socket on which the process listens, in order; nothing where it may not be seen."""
    with contextlib.suppress(OSError, ValueError, psutil.Error):
        found = _of_proc(pid) if sys.platform == "linux" else _of_psutil(pid)
        return tuple(islice(sorted(set(found)), MOST_ADDRESSES))
    return ()


def _of_proc(pid: int) -> Iterator[str]:
    held = set(_sockets(pid))
    for table in ("tcp", "tcp6") if held else ():
        with Path(f"/proc/{pid}/net/{table}").open(encoding="ascii") as lines:
            for line in islice(lines, 1, MOST_LINES):
                fields = line.split()
                if fields[3] == _LISTEN and fields[9] in held:
                    yield address(fields[1])


def _sockets(pid: int) -> Iterator[str]:
    for descriptor in islice(Path(f"/proc/{pid}/fd").iterdir(), MOST_LINES):
        with contextlib.suppress(OSError):  # closed in the meantime
            link = str(descriptor.readlink())
            if link.startswith("socket:["):
                yield link[len("socket:[") : -1]


def address(text: str) -> str:
    """Return the address in words of the kernel's `0100007F:1F90`: groups of four bytes in the byte order of the machine."""
    host, _, port = text.partition(":")
    packed = bytes.fromhex(host)
    if sys.byteorder == "little":
        packed = b"".join(packed[start : start + 4][::-1] for start in range(0, len(packed), 4))
    return _shown(packed, int(port, 16))


def _of_psutil(pid: int) -> Iterator[str]:
    for connection in psutil.Process(pid).net_connections(kind="tcp"):
        if connection.status == psutil.CONN_LISTEN and connection.laddr:
            yield _shown(connection.laddr[0].partition("%")[0], connection.laddr[1])


def _shown(host: str | bytes, port: int) -> str:
    found = ipaddress.ip_address(host)
    found = getattr(found, "ipv4_mapped", None) or found
    return f"[{found}]:{port}" if found.version == 6 else f"{found}:{port}"  # noqa: PLR2004 - IPv6
