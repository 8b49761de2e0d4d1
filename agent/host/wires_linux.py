"""The descriptors of a process that lead to another process, read from /proc/PID/fd (proc(5))."""

import os
import sys
from collections.abc import Callable, Iterable, Mapping

if sys.platform == "linux":
    from agent.host.pulse_linux import readable_as
    from agent.host.socket_namespaces_linux import pairs_elsewhere
    from agent.host.socket_peers_linux import unix_socket_peers

assert sys.platform == "linux"  # noqa: S101 - tells the type checker too

MAX_DESCRIPTORS = 4096
_PIPE, _SOCKET = "pipe:[", "socket:["

Wires = Mapping[int, str]


def read_wires(
    pids: Iterable[int], peers: Callable[[], dict[int, int] | None] = unix_socket_peers
) -> dict[int, Wires | None]:
    """Return pid → descriptor → a name that both ends share; None for a process whose descriptors may not be read.

    A pipe is named by its inode, a pair of Unix sockets by the smaller of its two inodes. Sockets without a peer on this
    machine are left out; where the kernel does not tell peers, sockets go by their own inode. In another network namespace
    what is a pair is inferred.
    """
    links = {pid: _links(pid) or _links(readable_as(pid)) for pid in pids}
    if not any(link.startswith(_SOCKET) for held in links.values() if held for link in held.values()):
        return {pid: None if held is None else _named(held, {}) for pid, held in links.items()}
    pairs = peers()
    if pairs is not None:
        pairs = pairs_elsewhere(pid for pid, held in links.items() if held and _unpaired(held, pairs)) | pairs
    return {pid: None if held is None else _named(held, pairs) for pid, held in links.items()}


def _links(pid: int) -> dict[int, str] | None:
    folder = f"/proc/{pid}/fd"
    held: dict[int, str] = {}
    try:
        with os.scandir(folder) as entries:
            for _, entry in zip(range(MAX_DESCRIPTORS), entries, strict=False):
                try:
                    link = os.readlink(entry.path)  # noqa: PTH115 - some ten thousand times at the first sweep
                except OSError:
                    continue  # closed in the meantime
                if link.startswith((_PIPE, _SOCKET)):
                    held[int(entry.name)] = link
    except OSError:
        return None
    return held


def _unpaired(held: Mapping[int, str], pairs: Mapping[int, int]) -> bool:
    return any(link.startswith(_SOCKET) and int(link[len(_SOCKET) : -1]) not in pairs for link in held.values())


def _named(held: Mapping[int, str], pairs: Mapping[int, int] | None) -> Wires:
    named: dict[int, str] = {}
    for descriptor, link in held.items():
        kind, _, inode = link.rstrip("]").partition(":[")
        if kind == "pipe" or pairs is None:
            named[descriptor] = f"{kind}:{inode}"
        elif (peer := pairs.get(int(inode))) is not None:
            named[descriptor] = f"{kind}:{min(int(inode), peer)}"
    return named
