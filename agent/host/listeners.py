"""On which TCP addresses processes listen. Linux tells by /proc (proc_net_tcp), a table for each network namespace."""

import contextlib
import ipaddress
import os
import sys
from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from pathlib import Path
from typing import Any

import psutil

MOST_LINES, MOST_ADDRESSES = 65_536, 16
_LISTEN = "0A"
_ELSEWHERE = " in another network namespace"


def listens(pids: Iterable[int]) -> Mapping[int, tuple[str, ...]]:
    """Return `address:port` of every TCP socket on which each process listens, in order.

    A process that may not be seen is left out. What another network namespace reaches is said to be there.
    """
    found: dict[int, set[str]] = {}
    for pid, at in _listening(tuple(pids)):
        found.setdefault(pid, set()).add(at)
    return {pid: tuple(islice(sorted(addresses), MOST_ADDRESSES)) for pid, addresses in found.items()}


def _listening(pids: tuple[int, ...]) -> Iterator[tuple[int, str]]:
    if sys.platform == "linux":
        yield from _of_proc(pids)
    elif sys.platform == "win32":
        wanted = frozenset(pids)
        with contextlib.suppress(OSError, psutil.Error):
            found = psutil.net_connections(kind="tcp") if wanted else []
            yield from ((row.pid, at) for row in found if row.pid in wanted and (at := _door(row)))
    else:
        for pid in pids:
            with contextlib.suppress(OSError, ValueError, psutil.Error):
                yield from ((pid, at) for row in psutil.Process(pid).net_connections(kind="tcp") if (at := _door(row)))


def _of_proc(pids: Iterable[int]) -> Iterator[tuple[int, str]]:
    """Read the table of a network namespace once, through one of the processes in it."""
    own = ""
    with contextlib.suppress(OSError):
        own = _space("self")
    tables: dict[str, Mapping[str, str]] = {}
    for pid in pids:
        held = set(_sockets(pid))
        if not held:
            continue
        with contextlib.suppress(OSError):
            space = _space(pid)
            if space not in tables:
                tables[space] = dict(_doors(pid))
            where = "" if space == own else _ELSEWHERE
            yield from ((pid, at + where) for inode, at in tables[space].items() if inode in held)


def _space(pid: int | str) -> str:
    return os.readlink(f"/proc/{pid}/ns/net")  # noqa: PTH115 - no file that a path could lead to


def _doors(pid: int) -> Iterator[tuple[str, str]]:
    """Yield the inode and the address of every listening socket in the namespace of the process."""
    for table in ("tcp", "tcp6"):
        with contextlib.suppress(OSError), Path(f"/proc/{pid}/net/{table}").open(encoding="ascii") as lines:
            for line in islice(lines, 1, MOST_LINES):
                fields = line.split()
                if fields[3] == _LISTEN:
                    yield fields[9], address(fields[1])


def _sockets(pid: int) -> Iterator[str]:
    with contextlib.suppress(OSError):
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


def _door(row: Any) -> str | None:  # noqa: ANN401 - a connection of psutil, whose types are private
    if row.status != psutil.CONN_LISTEN or not row.laddr:
        return None
    return _shown(row.laddr[0].partition("%")[0], row.laddr[1])


def _shown(host: str | bytes, port: int) -> str:
    found = ipaddress.ip_address(host)
    found = getattr(found, "ipv4_mapped", None) or found
    return f"[{found}]:{port}" if found.version == 6 else f"{found}:{port}"  # noqa: PLR2004 - IPv6
