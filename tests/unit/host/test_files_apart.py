"""Homes on network file systems that the settings name: read as any other, and a silent one costs seconds and never the agent."""

import sys
import threading
from contextlib import closing
from pathlib import Path

import psutil
import pytest

from agent.catalog.rows import catalog
from agent.core.observation import CoverageState
from agent.core.place import Content, Data, Names, Trouble, Unreadable, User
from agent.host.files import RootedFiles
from agent.host.files_apart import FilesApart, entering
from agent.host.limits import DEFAULT_LIMITS
from agent.host.mounts import Mounts
from agent.host.users import HomeUsers
from agent.sources.configs import ConfigSource

if sys.platform == "linux":
    from agent.host.apart_linux import apart
    from agent.host.line_linux import Line

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="a process apart on Linux")
STATE = "/home/ann/.claude.json"


@pytest.fixture
def strict(tmp_path: Path) -> RootedFiles:
    """A machine whose homes are on NFS, as its table of mounts says."""
    tmp_path.chmod(0o755)
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc/passwd").write_text("ann:x:1000:1000::/home/ann:/bin/sh\n")
    (tmp_path / "home/ann").mkdir(parents=True)
    (tmp_path / STATE[1:]).write_text('{"mcpServers": {"s": {"command": "run"}}}')
    return RootedFiles(tmp_path, "linux", DEFAULT_LIMITS, Mounts(lambda: {str(tmp_path / "home"): "nfs4"}))


def silent(line: "Line") -> None:
    """Take questions and answer none."""
    line.receive(30.0)
    threading.Event().wait(60.0)


def opened(strict: RootedFiles, *entered: str) -> "closing[FilesApart]":
    files = entering(strict, frozenset(entered))
    assert isinstance(files, FilesApart)
    return closing(files)


def trouble(found: object) -> Trouble | None:
    return found.trouble if isinstance(found, Unreadable) else None


@pytest.mark.parametrize("entered", ["nfs4", "home"])
def test_what_the_settings_name_is_read_as_any_other(strict: RootedFiles, entered: str) -> None:
    point = entered if entered == "nfs4" else str(strict.root / "home")
    assert trouble(strict.read(STATE)) is Trouble.FOREIGN
    with opened(strict, point) as files:
        found = files.read(STATE, within="/home/ann")
        assert isinstance(found, Data)
        assert found.facts.path == STATE
        assert isinstance(files.names("/home/ann"), Names)
        assert trouble(files.read(STATE, reader=User("ben", "/home/ben", 1001))) is None
        (look,) = ConfigSource(files, HomeUsers(files), catalog()).look()
        assert [server.name for server in look.servers] == ["s"]


def test_without_the_setting_nothing_is_started(strict: RootedFiles) -> None:
    assert entering(strict, frozenset()) is strict


def test_another_network_file_system_stays_closed(strict: RootedFiles) -> None:
    with opened(strict, "cifs") as files:
        assert trouble(files.read(STATE)) is Trouble.FOREIGN


def test_a_file_system_that_does_not_answer_costs_one_wait_and_is_left_alone_for_a_while(strict: RootedFiles) -> None:
    now, started = [0.0], list[Line]()

    def start() -> Line:
        started.append(apart(silent, b"mcp-test"))
        return started[-1]

    files = FilesApart(strict, start, answer_s=0.1, rest_s=60.0, monotonic=lambda: now[0])
    assert trouble(files.read(STATE)) is Trouble.TIMED_OUT
    assert [trouble(files.read(STATE)) for _ in range(100)] == [Trouble.TIMED_OUT] * 100
    assert len(started) == 1
    now[0] = 61.0
    assert trouble(files.names("/home/ann")) is Trouble.TIMED_OUT
    assert len(started) == 2


def test_days_of_a_silent_file_system_leave_no_row_of_dead_processes(strict: RootedFiles) -> None:
    now, before = [0.0], set(psutil.Process().children())
    files = FilesApart(strict, lambda: apart(silent, b"mcp-test"), answer_s=0.05, monotonic=lambda: now[0])
    for _ in range(5):
        assert trouble(files.read(STATE)) is Trouble.TIMED_OUT
        now[0] += 61.0
    assert len(set(psutil.Process().children()) - before) <= 1


def test_coverage_says_timed_out_and_the_user_is_there_all_the_same(strict: RootedFiles) -> None:
    files = FilesApart(strict, lambda: apart(silent, b"mcp-test"), answer_s=0.1)
    (look,) = ConfigSource(files, HomeUsers(files), catalog()).look()
    assert look.user.name == "ann"
    assert [row.state for row in look.coverage] == [CoverageState.TIMED_OUT]
    assert "did not answer" in (look.coverage[0].problem or "")


def test_a_reader_that_ends_is_started_again(strict: RootedFiles) -> None:
    now, ends = [0.0], [True]

    def serve(line: "Line") -> None:
        question = line.receive(30.0)
        if not ends[0]:
            line.send(Data(b"", ()) if question else None)

    files = FilesApart(strict, lambda: apart(serve, b"mcp-test"), answer_s=5.0, monotonic=lambda: now[0])
    assert trouble(files.read(STATE)) is Trouble.TIMED_OUT
    ends[0], now[0] = False, 61.0
    assert isinstance(files.read(STATE), Data)
    files.close()


def test_each_of_many_that_ask_at_once_gets_the_own_answer(strict: RootedFiles) -> None:
    """Every source looks on a thread of its own: a policy must not be answered with somebody's configuration."""
    names = [f"/home/ann/{number}" for number in range(8)]
    for name in names:
        (strict.root / name[1:]).write_text(name)
    together, told = threading.Barrier(len(names)), dict[str, list[Content]]()

    def asks(name: str) -> None:
        together.wait(10.0)
        told[name] = [files.read(name) for _ in range(20)]

    with opened(strict, "nfs4") as files:
        asking = [threading.Thread(target=asks, args=(name,), daemon=True) for name in names]
        for thread in asking:
            thread.start()
        for thread in asking:
            thread.join(20.0)
            assert not thread.is_alive(), "it still waits for an answer that another one took"
    for name in names:
        assert {found.raw for found in told[name] if isinstance(found, Data)} == {name.encode()}
        assert all(isinstance(found, Data) for found in told[name])
