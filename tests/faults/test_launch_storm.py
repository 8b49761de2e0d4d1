"""Servers that live for 20 ms while 500 other programs start per second: every one is seen, with the wire to its host.

The storm keeps step with the servers: between any two of them ten other programs start, however slow the machine is. What the
kernel told is held against what was started, and what was too much for its buffer against the sweep that answers.
"""

import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import pytest

from agent.app.listening import launches
from agent.catalog.rows import catalog
from agent.core.recognition import recognise
from agent.host.process_reading import LiveReader
from agent.host.processes import PsutilProcessTable
from agent.ports import NoEvents
from agent.sources.launches import Launches
from agent.sources.noticing import Noticing
from agent.sources.processes import ProcessSource

SERVERS, OTHERS_EACH, PER_S = 60, 10, 500
LIFE_S = "0.02"
HEARD_WITHIN_S = 5.0
_STORM = f"""
import os, sys, time
started, begun = 0, time.monotonic()
while True:
    time.sleep(max(0.0, begun + started / {PER_S} - time.monotonic()))
    for _ in range({OTHERS_EACH}):
        os.waitpid(os.posix_spawn("/bin/true", ["true"], {{}}), 0)
    started += {OTHERS_EACH}
    os.write(1, b".")
"""
_LINUX = pytest.mark.skipif(
    sys.platform != "linux" or not Path("/bin/sleep").exists(), reason="process events are Linux's"
)


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
def storm() -> Iterator[IO[bytes]]:
    """Yields one byte for each ten programs that have started and ended."""
    with subprocess.Popen([sys.executable, "-c", _STORM], stdout=subprocess.PIPE, bufsize=0) as started:
        assert started.stdout is not None
        yield started.stdout
        started.kill()


@pytest.fixture
def server(tmp_path: Path) -> Path:
    program = tmp_path / "mcp-server-brief"
    shutil.copy("/bin/sleep", program)
    return program


@_LINUX
def test_every_short_lived_server_in_a_storm_is_seen(listening: Launches, storm: IO[bytes], server: Path) -> None:
    source = ProcessSource(PsutilProcessTable(), 5.0, listening)
    source.look()
    before = listening.counts.started
    wanted, seen = set(), set()
    for number in range(SERVERS):
        assert storm.read(1)
        wanted.add(_lived(server))
        if number % 20 == 19:
            seen |= _servers(source, server)
    _until(lambda: not wanted - seen, lambda: seen.update(_servers(source, server)))  # what was read is on its way
    told = listening.counts
    assert told.started - before >= SERVERS * (1 + OTHERS_EACH), "the kernel did not tell of every launch"
    assert told.overruns == 0
    lost = wanted - seen
    assert len(lost) <= told.missed, "a server is missed, and not counted as such"
    if listening.hindered is None:  # else whoever else runs may go before the reading, and the health says so
        assert lost == set()


@_LINUX
def test_what_the_kernel_could_not_hold_is_counted_and_answered_by_a_sweep(server: Path) -> None:
    if sys.platform != "linux":
        return
    from agent.host.process_events_linux import ProcConnector  # noqa: PLC0415 - it is there on Linux alone

    marks = catalog().marks

    def listen(_ended: threading.Event) -> Noticing | NoEvents:
        try:
            return Noticing(ProcConnector(buffer_bytes=4096), LiveReader(), marks)
        except OSError as error:
            return NoEvents(str(error))

    found = Launches(listen, marks)
    if found.problem is not None:
        pytest.skip(found.problem)
    woken: list[bool] = []
    found.subscribe(lambda: woken.append(True))
    source = ProcessSource(PsutilProcessTable(), 5.0, found)
    source.look()
    with _lasting(server) as pid:
        for _ in range(100):  # and nobody takes what is told
            subprocess.run(["/bin/true"], check=True)
        _until(lambda: found.counts.overruns > 0, lambda: found.turn(0.1))
        assert (found.counts.overruns, woken) == (1, [True])
        assert _servers(source, server) == {pid}
    seen: set[int] = set()
    with _lasting(server) as pid:  # behind what was held it goes on to tell
        _until(lambda: pid in seen, lambda: seen.update(_servers(source, server) if found.turn(0.1) else ()))
        assert pid in seen
    assert found.counts.overruns == 1
    found.close()


@contextmanager
def _lasting(server: Path) -> Iterator[int]:
    with subprocess.Popen([server, "60"], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as started:
        yield started.pid
        started.kill()


def _lived(server: Path) -> int:
    """Start a server, wait for its end, and return its pid; whoever has closed a pipe before would be no host."""
    with subprocess.Popen([server, LIFE_S], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as started:
        started.wait()
    return started.pid


def _until(done: Callable[[], bool], step: Callable[[], object]) -> None:
    deadline = time.monotonic() + HEARD_WITHIN_S
    while not done() and time.monotonic() < deadline:
        step()
        time.sleep(0.01)


def _servers(source: ProcessSource, program: Path) -> set[int]:
    (look,) = source.look()
    found = recognise((*look.processes, *look.ended), (), ())
    return {item.process.pid for item in found if item.command[0] == str(program)}
