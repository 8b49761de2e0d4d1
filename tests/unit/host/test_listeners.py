"""On which addresses a real process listens, in this network namespace and in another."""

import os
import socket
import subprocess
import sys

import pytest

from agent.host.listeners import address, listens


def test_a_process_that_listens_is_found_with_its_addresses_and_ports() -> None:
    with (
        socket.create_server(("127.0.0.1", 0)) as door,
        socket.create_server(("::", 0), family=socket.AF_INET6) as wide,
        socket.create_connection(door.getsockname()),  # a connection is no door
    ):
        ports = [door.getsockname()[1], wide.getsockname()[1]]
        assert set(listens([os.getpid()])[os.getpid()]) >= {f"127.0.0.1:{ports[0]}", f"[::]:{ports[1]}"}


def test_a_process_that_is_gone_or_listens_nowhere_has_no_address() -> None:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as child:
        assert listens([child.pid]) == {}
        child.communicate()
    assert listens([child.pid]) == {}


@pytest.mark.skipif(sys.platform != "linux" or os.geteuid() != 0, reason="takes root on Linux: a namespace of its own")
def test_the_door_of_a_process_in_another_network_namespace_is_found() -> None:
    serve = "import socket, sys; s = socket.create_server(('0.0.0.0', 8123)); print(flush=True); sys.stdin.read()"
    command = ["unshare", "-n", sys.executable, "-c", serve]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as child:
        assert child.stdout is not None
        child.stdout.readline()
        assert listens([os.getpid(), child.pid])[child.pid] == ("0.0.0.0:8123 in another network namespace",)
        child.communicate()


@pytest.mark.skipif(sys.byteorder != "little", reason="written as a little-endian kernel writes it")
@pytest.mark.parametrize(
    ("kernel", "shown"),
    [
        ("0100007F:1F90", "127.0.0.1:8080"),
        ("00000000000000000000000001000000:0050", "[::1]:80"),
        ("0000000000000000FFFF00000100007F:0050", "127.0.0.1:80"),
    ],
)
def test_an_address_as_the_kernel_writes_it(kernel: str, shown: str) -> None:
    assert address(kernel) == shown
