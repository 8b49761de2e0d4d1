"""Hosts in other network namespaces: their socket pairs lead to their children all the same."""

import os
import subprocess
import sys
from collections.abc import Iterator

import pytest

from agent.core.observation import Process
from agent.core.recognition.wire import Wired, wire
from agent.host.process_reading import read_wires

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="network namespaces are Linux's")

# A host as Node and bun are: a socket pair for each descriptor of a child. The last child has nothing of the host's.
_HOST = """
import socket, subprocess, sys
pairs = [[socket.socketpair() for _ in range(3)] for _ in range(3)]
children = [
    subprocess.Popen(["cat"], stdin=three[0][1].fileno(), stdout=three[1][1].fileno(), stderr=three[2][1].fileno())
    for three in pairs
]
for three in pairs:
    for _, theirs in three:
        theirs.close()
null = subprocess.DEVNULL
children.append(subprocess.Popen(["sleep", "60"], stdin=null, stdout=null, stderr=null))
sys.stdout.write(" ".join(str(child.pid) for child in children) + "\\n")
sys.stdout.flush()
children[-1].wait()
"""


@pytest.fixture
def family() -> Iterator[list[int]]:
    """Return the pids of a host in a network namespace of its own, and of its children."""
    unshare = ["unshare", "--net", *([] if os.geteuid() == 0 else ["--map-root-user"])]
    host = subprocess.Popen([*unshare, sys.executable, "-c", _HOST], stdout=subprocess.PIPE, text=True)
    assert host.stdout is not None
    children = host.stdout.readline().split()
    if not children:
        host.communicate()
        pytest.skip("this user may not make network namespaces")
    yield [host.pid, *map(int, children)]
    subprocess.run(["kill", *children], check=False)
    host.communicate()


def test_children_of_a_host_in_another_network_namespace_are_wired_to_it(family: list[int]) -> None:
    wires = read_wires(family)
    host, *wired, apart = (Process(pid, 1.0, family[0], "x", wires=wires[pid]) for pid in family)
    assert [wire(child, host).wired for child in wired] == [Wired.BOTH_WAYS] * 3
    assert wire(apart, host).wired is Wired.NO
    names = [name for child in wired for name in wire(child, host).names]
    assert len(names) == len(set(names))
