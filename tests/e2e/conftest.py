"""The laptop of each test, what runs on it, and the programs that are installed once for all."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.e2e.client import ClaudeCode
from tests.e2e.daemon import Daemon
from tests.e2e.hosting import Host
from tests.e2e.machine import Machine
from tests.e2e.programs import Programs, install

StartDaemon = Callable[..., Daemon]
StartHost = Callable[..., Host]


@pytest.fixture(scope="session")
def programs() -> Programs:
    return install()


@pytest.fixture
def machine(programs: Programs, tmp_path: Path) -> Iterator[Machine]:
    laptop = programs.laptop(tmp_path / "laptop")
    yield laptop
    laptop.close()


@pytest.fixture
def client(machine: Machine) -> ClaudeCode:
    return ClaudeCode(machine)


@pytest.fixture
def running() -> Iterator[ExitStack]:
    """Ends whatever a test left running."""
    with ExitStack() as stack:
        yield stack


@pytest.fixture
def start_daemon(machine: Machine, running: ExitStack) -> StartDaemon:
    def start(*, online: bool = False) -> Daemon:
        daemon = Daemon(machine, online=online)
        running.callback(daemon.kill)
        return daemon

    return start


@pytest.fixture
def start_host(machine: Machine, running: ExitStack, programs: Programs) -> StartHost:
    programs.give_npx_cache(machine)

    def start(**servers: tuple[str, ...]) -> Host:
        host = Host(machine, servers)
        running.callback(host.close)
        return host

    return start
