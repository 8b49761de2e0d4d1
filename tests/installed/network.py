"""A test host in a network namespace of its own, joined by one cable to a machine that has no other network."""

import contextlib
import ctypes
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

_CLONE_NEWNET = 0x40000000
HOST, MACHINE = "10.77.0.1", "10.77.0.2"


class Cable:
    """Joins a new namespace to that of the process `leader`. The host's end is `HOST`, the machine's `MACHINE`."""

    def __init__(self, name: str, leader: int) -> None:
        self.name = name
        _ip("netns", "add", name)
        _ip("-n", name, "link", "add", "far", "type", "veth", "peer", "name", "cable0", "netns", str(leader))
        _ip("-n", name, "addr", "add", f"{HOST}/24", "dev", "far")
        _ip("-n", name, "link", "set", "far", "up")
        within = ["nsenter", f"--target={leader}", "--net", "ip"]
        subprocess.run([*within, "addr", "add", f"{MACHINE}/24", "dev", "cable0"], check=True)
        subprocess.run([*within, "link", "set", "cable0", "up"], check=True)

    @contextlib.contextmanager
    def far_end(self) -> Iterator[None]:
        """Let this thread be on the test host; a socket that is made there stays there."""
        with Path("/proc/thread-self/ns/net").open() as home, Path("/run/netns", self.name).open() as there:
            _enter(there.fileno())
            try:
                yield
            finally:
                _enter(home.fileno())

    def close(self) -> None:
        """Pull it out; the namespace goes with it."""
        _ip("netns", "delete", self.name)


def _ip(*words: str) -> None:
    subprocess.run(["ip", *words], check=True)


def _enter(descriptor: int) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.setns(descriptor, _CLONE_NEWNET):
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
