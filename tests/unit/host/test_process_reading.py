"""One process at a time, read from the live system."""

import importlib
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from agent.core.recognition.wire import Wired, wire
from agent.host.process_reading import LiveReader

linux_only = pytest.mark.skipif(sys.platform != "linux", reason="descriptors are read on Linux")
IDLE = [sys.executable, "-c", "import sys; print(flush=True); sys.stdin.read()", "an argument", ""]


def idle(environment: dict[str, str] | None = None) -> subprocess.Popen[bytes]:
    """Start a process that waits; it runs its program when this returns (before that, the kernel shows no environment)."""
    started = subprocess.Popen(IDLE, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment)
    assert started.stdout is not None
    started.stdout.readline()
    return started


@pytest.fixture
def child() -> Iterator[subprocess.Popen[bytes]]:
    started = idle()
    yield started
    started.kill()
    started.communicate()


def test_the_cheap_facts_are_the_full_ones(child: subprocess.Popen[bytes]) -> None:
    reader = LiveReader()
    process = reader.read(child.pid)
    assert process is not None
    assert reader.command(child.pid) == process.command
    assert process.command is not None
    assert process.command[1:] == tuple(IDLE[1:])
    assert reader.parent(child.pid) == process.ppid == os.getpid()


def test_a_process_that_is_gone_is_none(child: subprocess.Popen[bytes]) -> None:
    child.kill()
    child.wait()
    reader = LiveReader()
    assert (reader.command(child.pid), reader.parent(child.pid), reader.read(child.pid)) == ((), None, None)


@linux_only
def test_the_wire_still_shows_when_the_host_has_closed_its_ends(child: subprocess.Popen[bytes]) -> None:
    reader = LiveReader()
    process = reader.read(child.pid)
    child.kill()
    child.communicate()
    host = reader.read(os.getpid())
    assert process is not None
    assert host is not None
    assert wire(process, host).wired is Wired.BOTH_WAYS


@linux_only
def test_of_a_process_that_has_given_up_its_descriptors_nothing_is_told_of_its_wire(
    child: subprocess.Popen[bytes],
) -> None:
    reader = LiveReader()
    command = reader.command(child.pid)
    child.kill()
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
    assert reader.read(child.pid, command) is None, "that it holds nothing now would count against a wire"


@linux_only
def test_a_process_that_is_gone_by_the_end_of_its_reading_is_what_was_read_of_it(
    child: subprocess.Popen[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    reader = LiveReader()
    command = reader.command(child.pid)

    def gone(pid: int) -> None:
        raise psutil.NoSuchProcess(pid)

    monkeypatch.setattr(psutil, "Process", gone)
    process = reader.read(child.pid, command)
    assert process is not None
    assert (process.command, process.ppid) == (command, os.getpid())
    assert {0, 1} <= set(process.wires or ())
    assert process.host_wires


def test_of_an_environment_only_paths_of_moved_configuration_are_kept(tmp_path: Path) -> None:
    environment = {
        **os.environ,
        "CLAUDE_CONFIG_DIR": str(tmp_path),
        "NODE_OPTIONS": "--require=evil",
        "TOKEN": "hunter2",
    }
    started = idle(environment)
    try:
        process = LiveReader(moving={"CLAUDE_CONFIG_DIR", "TOKEN"}).read(started.pid)
    finally:
        started.kill()
        started.communicate()
    assert process is not None
    assert dict(process.moves)["CLAUDE_CONFIG_DIR"] == str(tmp_path)
    assert "NODE_OPTIONS" in (process.overrides or ())
    assert not any(word in str(process) + str(process.moves) for word in ("evil", "hunter2"))


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX accounts")
def test_a_directory_that_never_answers_stops_no_look_at_the_processes(monkeypatch: pytest.MonkeyPatch) -> None:
    pwd = importlib.import_module("pwd")

    def hang(*_: object) -> None:
        pytest.fail("the name service was asked, which may wait for a directory for ever")

    for name in ("getpwuid", "getpwnam", "getpwall"):
        monkeypatch.setattr(pwd, name, hang)
    process = LiveReader().read(os.getpid())
    assert process is not None
    assert process.user


@linux_only
def test_a_program_that_was_started_under_another_name_goes_by_its_own() -> None:
    program = os.path.realpath(sys.executable)
    command = ["git", "-c", "import sys; print(flush=True); sys.stdin.read()"]
    with subprocess.Popen(command, executable=program, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as started:
        assert started.stdout is not None
        started.stdout.readline()
        process = LiveReader().read(started.pid)
    assert process is not None
    assert process.command == (program, *command[1:])
