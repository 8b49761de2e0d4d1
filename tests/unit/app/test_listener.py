"""The process that listens for starting programs: what it says first, who it is, how little it holds, how it ends."""

import os
import pwd
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import psutil
import pytest

if sys.platform != "linux":
    pytest.skip("only on Linux is there a process apart", allow_module_level=True)

from agent.app.listener import Task
from agent.app.listening import launches
from agent.core.recognition import ClientMarks
from agent.host.apart_linux import beside
from agent.host.line_linux import Line
from agent.host.process_events import process_events
from agent.ports import Hearing, NoEvents, Noticed, Orders

PATIENCE_S = 30.0
TASK = Task(frozenset({"CLAUDECODE"}), frozenset(), (ClientMarks("claude-code", frozenset({"claude"})),))
HEAVY = ("pydantic", "requests", "ssl", "hashlib", "sqlite3", "email", "argparse", "agent.catalog", "agent.core.policy")


@pytest.fixture
def line() -> Iterator[Line]:
    with closing(beside("listener")) as line:
        yield line


@pytest.fixture
def heard(line: Line) -> Hearing:
    line.send(TASK)
    first = line.receive(PATIENCE_S)
    if isinstance(first, NoEvents):
        pytest.skip(first.reason)
    assert isinstance(first, Hearing)
    return first


def listener() -> psutil.Process:
    (found,) = (child for child in psutil.Process().children() if child.name() == "mcp-listener")
    return found


def test_it_says_first_how_it_listens_or_why_it_cannot(line: Line) -> None:
    line.send(TASK)
    first = line.receive(PATIENCE_S)
    own = process_events()
    if isinstance(own, NoEvents):
        assert first == own
    else:
        own.close()
        assert isinstance(first, Hearing)
        assert first.name == own.name


@pytest.mark.usefixtures("heard")
def test_it_answers_orders_and_shows_under_its_name_with_one_thread(line: Line) -> None:
    line.send(Orders())
    assert isinstance(line.receive(PATIENCE_S), Noticed)
    assert listener().num_threads() == 1


@pytest.mark.usefixtures("heard")
def test_it_ends_with_the_line(line: Line) -> None:
    process = listener()
    line.close()
    assert not process.is_running()


@pytest.mark.usefixtures("heard")
def test_a_program_that_it_reads_is_told_with_the_name_of_its_user(tmp_path: Path) -> None:
    found = launches()
    with closing(found):
        server = tmp_path / "mcp-server-named"
        server.symlink_to("/bin/sleep")
        with subprocess.Popen([server, "60"], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as started:
            until = time.monotonic() + PATIENCE_S
            seen = found.take().processes
            while started.pid not in seen and time.monotonic() < until:
                assert found.turn(1.0)
                seen = found.take().processes
            started.kill()
        assert seen[started.pid].user == pwd.getpwuid(os.getuid()).pw_name


def test_it_holds_nothing_that_it_does_not_need() -> None:
    code = "import sys, agent.__main__, agent.app.listener; print(*sys.modules)"
    loaded = subprocess.run(
        [sys.executable, "-I", "-c", code], capture_output=True, text=True, check=True
    ).stdout.split()
    assert "agent.sources.noticing" in loaded
    assert [name for name in loaded if name.startswith(HEAVY)] == []


def test_called_by_a_person_it_says_what_to_call() -> None:
    done = subprocess.run(
        [sys.executable, "-I", "-m", "agent", "listener"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert "`mcp-compliance run`" in done.stderr


def test_the_program_is_also_the_module() -> None:
    done = subprocess.run(
        [sys.executable, "-I", "-m", "agent", "--version"], capture_output=True, text=True, check=True
    )
    assert done.stdout.startswith("mcp-compliance ")


_UNGRANTED = """
import os, resource
from agent.host.apart_linux import go_first
def refuse(*_):
    raise PermissionError(1, "Operation not permitted")
os.sched_setscheduler = refuse
print(go_first(), os.getpriority(os.PRIO_PROCESS, 0))
os.setpriority = refuse
print(go_first())
"""


@pytest.mark.skipif(os.getuid() != 0, reason="only root is granted niceness")
def test_without_real_time_priority_niceness_does_and_without_both_it_is_said() -> None:
    done = subprocess.run([sys.executable, "-c", _UNGRANTED], capture_output=True, text=True, check=True)
    first, second = done.stdout.splitlines()
    assert first == "None -10"
    assert second.startswith("neither real-time priority nor niceness -10 is granted")
