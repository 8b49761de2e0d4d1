"""Socket pairs in other network namespaces: containers, `unshare --net`, sandboxes of browsers.

The kernel tells which Unix socket is connected with which only within one's own namespace, and to enter another takes
CAP_SYS_ADMIN. Which sockets there are can be read (/proc/PID/net/unix, proc_pid_net(5)), and both ends of a pair are made by one
system call, which takes the next two inodes (socketpair in net/socket.c): of neighbours, two by two are taken for a pair.
"""

import os
import sys
from collections.abc import Iterable, Iterator
from itertools import pairwise
from pathlib import Path

from agent.host.pulse_linux import read_pulse

assert sys.platform == "linux"  # noqa: S101 - tells the type checker too

_CONNECTED = "03"
_INODE, _STATE, _WITHOUT_PATH = 6, 5, 7
MAX_BYTES = 4 << 20
"""Read of one namespace's list: some sixty thousand sockets."""


def pairs_elsewhere(pids: Iterable[int]) -> dict[int, int]:
    """Return inode → inode of what is taken for its other end, of the namespaces that these processes and their parents are in.

    One's own namespace is left out. What cannot be read is left out too.
    """
    seen, pairs = {_namespace("self")}, dict[int, int]()
    for pid in pids:
        pulse = read_pulse(pid)
        for member in (pid, *([pulse.ppid] if pulse is not None and pulse.ppid else [])):
            namespace = _namespace(member)
            if namespace is not None and namespace not in seen:
                seen.add(namespace)
                pairs |= _paired(sorted(_connected(member)))
    return pairs


def _namespace(pid: int | str) -> int | None:
    try:
        return os.stat(f"/proc/{pid}/ns/net").st_ino  # noqa: PTH116 - often
    except OSError:
        return None


def _connected(pid: int) -> Iterator[int]:
    """Yield the inodes of connected Unix sockets without a path."""
    try:
        with Path(f"/proc/{pid}/net/unix").open("rb") as stream:
            lines = stream.read(MAX_BYTES).decode("ascii", "replace").splitlines()[1:]
    except OSError:
        return
    for line in lines:
        words = line.split()
        if len(words) == _WITHOUT_PATH and words[_STATE] == _CONNECTED and words[_INODE].isdigit():
            yield int(words[_INODE])


def _paired(inodes: list[int]) -> dict[int, int]:
    """Return the ends of pairs, both ways; the inodes come in order."""
    pairs: dict[int, int] = {}
    for inode, following in pairwise(inodes):
        if following == inode + 1 and inode not in pairs:
            pairs |= {inode: following, following: inode}
    return pairs
