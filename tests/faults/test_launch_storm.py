"""Servers that live for 20 ms while 500 other programs start per second: every one is seen, with the wire to its host."""

import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from agent.app.listening import launches
from agent.core.recognition import recognise
from agent.host.processes import PsutilProcessTable
from agent.sources.launches import Launches
from agent.sources.processes import ProcessSource
from tests.sim.storm import STORM

SERVERS = 60
LIFE_S = "0.02"
HEARD_WITHIN_S = 5.0


@pytest.fixture
def listening() -> Iterator[Launches]:
    found = launches()
    if found.problem is not None:
        pytest.skip(found.problem)
    stop = threading.Event()
    worker = threading.Thread(target=found.run, args=(stop, lambda: None))
    worker.start()
    yield found
    stop.set()
    found.wake()
    worker.join()
    found.close()


@pytest.fixture
def storm() -> Iterator[None]:
    started = subprocess.Popen([sys.executable, "-c", STORM, "500"])
    yield
    started.kill()
    started.wait()


@pytest.mark.skipif(sys.platform != "linux" or not Path("/bin/sleep").exists(), reason="process events are Linux's")
@pytest.mark.usefixtures("storm")
def test_every_short_lived_server_in_a_storm_is_seen(listening: Launches, tmp_path: Path) -> None:
    server = tmp_path / "mcp-server-brief"
    shutil.copy("/bin/sleep", server)
    source = ProcessSource(PsutilProcessTable(), 5.0, listening)
    source.look()
    assert _missed(server, source) == set(), listening.counts
    assert listening.counts.overruns == 0


def _missed(server: Path, source: ProcessSource) -> set[int]:
    """Start the servers; return the pids of those that no look held."""
    wanted, seen = set(), set()
    for number in range(SERVERS):
        started = subprocess.Popen([server, LIFE_S], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        wanted.add(started.pid)
        started.wait()  # with both pipes open: a host that has closed one is no host
        started.communicate()
        time.sleep(0.01)
        if number % 20 == 19:
            seen |= _servers(source, server)
    deadline = time.monotonic() + HEARD_WITHIN_S
    while wanted - seen and time.monotonic() < deadline:  # what was read is on its way
        seen |= _servers(source, server)
        time.sleep(0.05)
    return wanted - seen


def _servers(source: ProcessSource, program: Path) -> set[int]:
    (look,) = source.look()
    found = recognise((*look.processes, *look.ended), (), ())
    return {item.process.pid for item in found if item.command[0] == str(program)}
