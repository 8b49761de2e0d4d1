"""The live process table, on processes that the test starts itself."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator, Mapping

import psutil
import pytest

from agent.core.observation import Process
from agent.host.process_reading import LiveReader, read_pulse
from agent.host.processes import YOUNG_S, PsutilProcessTable
from tests.sim.wine import WITHOUT_PROCESS_IMAGES

linux_only = pytest.mark.skipif(sys.platform != "linux", reason="descriptors are read on Linux")
IDLE = [sys.executable, "-c", "import sys; sys.stdin.read()", "an argument"]


@pytest.fixture
def child() -> Iterator[subprocess.Popen[bytes]]:
    started = subprocess.Popen(
        IDLE, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env={**os.environ, "CLAUDECODE": "1", "SECRET": "hunter2"}
    )
    yield started
    started.kill()
    started.communicate()


def find(table: PsutilProcessTable, pid: int) -> Process | None:
    return next((process for process in table.snapshot().processes if process.pid == pid), None)


def test_a_started_process_shows_with_its_facts_and_no_value_of_its_environment(child: subprocess.Popen[bytes]) -> None:
    found = find(PsutilProcessTable({"CLAUDECODE", "GEMINI_CLI"}), child.pid)
    assert found is not None
    assert found.ppid == os.getpid()
    assert found.command is not None
    assert found.command[1:] == tuple(IDLE[1:])
    assert found.marks == frozenset({"CLAUDECODE"})
    assert "hunter2" not in repr(found)


@WITHOUT_PROCESS_IMAGES
def test_a_settled_process_is_not_opened_again_and_an_ended_one_is_gone(
    child: subprocess.Popen[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[int] = []
    real = psutil.Process

    class Counting(real):  # type: ignore[misc,valid-type] # a subclass of what psutil offers
        def cmdline(self) -> list[str]:
            opened.append(self.pid)
            return real.cmdline(self)

    at = [0.0]
    table = PsutilProcessTable(monotonic=lambda: at[0])
    monkeypatch.setattr(psutil, "Process", Counting)
    assert find(table, child.pid) is not None
    at[0] = YOUNG_S / 2
    table.snapshot()
    assert opened.count(child.pid) == 2, "a young process is read again: it may have changed by exec"
    at[0] = YOUNG_S + 1
    before = find(table, child.pid)
    assert find(table, child.pid) is before
    assert opened.count(child.pid) == 2
    child.kill()
    child.wait()
    assert find(table, child.pid) is None


@linux_only
def test_an_exec_in_a_settled_process_is_seen() -> None:
    code = "import sys, os; print(flush=True); sys.stdin.readline(); os.execv(sys.executable, sys.argv[1:])"
    then = [sys.executable, "-c", "import sys; print(flush=True); sys.stdin.read()", "after"]
    started = subprocess.Popen([sys.executable, "-c", code, *then], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    try:
        assert started.stdout is not None
        assert started.stdin is not None
        started.stdout.readline()
        at = [0.0]
        table = PsutilProcessTable(monotonic=lambda: at[0])
        table.snapshot()
        at[0] = 100.0
        before = find(table, started.pid)
        started.stdin.write(b"\n")
        started.stdin.flush()
        started.stdout.readline()
        after = find(table, started.pid)
    finally:
        started.kill()
        started.communicate()
    assert before is not None
    assert after is not None
    assert after.identity == before.identity
    assert after.command is not None
    assert after.command[-1] == "after"
    assert len(after.command) < len(before.command or ())


@linux_only
def test_a_zombie_is_left_out() -> None:
    started = subprocess.Popen([sys.executable, "-c", ""], stdout=subprocess.PIPE)
    assert started.stdout is not None
    started.stdout.read()
    os.waitid(os.P_PID, started.pid, os.WEXITED | os.WNOWAIT)
    assert find(PsutilProcessTable(), started.pid) is None
    started.communicate()


@linux_only
def test_a_process_that_ends_while_it_is_read_is_not_taken_for_one_without_a_command_line(
    child: subprocess.Popen[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    real = psutil.Process

    class Ending(real):  # type: ignore[misc,valid-type] # a subclass of what psutil offers
        def cmdline(self) -> list[str]:
            if self.pid != child.pid:
                return real.cmdline(self)
            child.kill()
            os.waitid(os.P_PID, self.pid, os.WEXITED | os.WNOWAIT)
            return []  # as in the moment after it gave up its memory, and before it is a zombie

    monkeypatch.setattr(psutil, "Process", Ending)
    assert find(PsutilProcessTable(), child.pid) is None


@linux_only
def test_both_ends_of_a_pipe_and_of_a_socket_pair_have_one_name() -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        started = subprocess.Popen(IDLE, stdin=theirs.fileno(), stdout=subprocess.PIPE)
        theirs.close()
        try:
            table = PsutilProcessTable()
            view = {process.pid: process for process in table.snapshot().processes}
        finally:
            started.kill()
            started.communicate()
        host, child = view[os.getpid()].wires, view[started.pid].wires
        assert host is not None
        assert child is not None
        assert child[1] in host.values()
        if _peers_are_told():
            assert host[ours.fileno()] == child[0]


def _peers_are_told() -> bool:
    from agent.host.socket_peers_linux import unix_socket_peers  # noqa: PLC0415 - exists on Linux only

    return bool(unix_socket_peers())


@linux_only
def test_without_the_kernel_s_word_on_peers_sockets_go_by_their_own_inode() -> None:
    from agent.host.wires_linux import read_wires  # noqa: PLC0415 - exists on Linux only

    ours, theirs = socket.socketpair()
    with ours, theirs:
        wires = read_wires([os.getpid()], peers=lambda: None)[os.getpid()]
        paired = read_wires(
            [os.getpid()], peers=lambda: {os.fstat(ours.fileno()).st_ino: 1, os.fstat(theirs.fileno()).st_ino: 1}
        )[os.getpid()]
        assert wires is not None
        assert paired is not None
        assert wires[ours.fileno()] == f"socket:{os.fstat(ours.fileno()).st_ino}"
        assert paired[ours.fileno()] == paired[theirs.fileno()] == "socket:1"


@linux_only
def test_a_process_that_is_gone_has_no_wires() -> None:
    from agent.host.wires_linux import read_wires  # noqa: PLC0415 - exists on Linux only

    assert read_wires([2**22 + 1]) == {2**22 + 1: None}


@pytest.mark.parametrize("error", [psutil.AccessDenied(), OSError(87, "as psutil passes it on on Windows")], ids=repr)
def test_a_command_line_that_may_not_be_read_is_counted_and_named(
    child: subprocess.Popen[bytes], monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    real = psutil.Process

    class Closed(real):  # type: ignore[misc,valid-type] # a subclass of what psutil offers
        def cmdline(self) -> list[str]:
            if self.pid == child.pid:
                raise error
            return real.cmdline(self)

    monkeypatch.setattr(psutil, "Process", Closed)
    view = PsutilProcessTable().snapshot()
    assert view.hidden >= 1
    assert "administrator" in (view.problem or "")
    assert next(process for process in view.processes if process.pid == child.pid).command is None


def test_an_unexpected_error_of_the_table_is_not_swallowed(monkeypatch: pytest.MonkeyPatch) -> None:
    class Broken:
        def __init__(self, pid: int) -> None:
            raise RuntimeError(f"a fault about {pid}")

    monkeypatch.setattr(psutil, "Process", Broken)
    with pytest.raises(RuntimeError):
        PsutilProcessTable().snapshot()


@linux_only
def test_a_table_that_lacks_the_first_process_says_that_others_are_hidden(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(psutil, "pids", lambda: [os.getpid()])
    view = PsutilProcessTable().snapshot()
    assert "hidepid" in (view.problem or "")


def test_an_update_reads_the_named_processes_and_leaves_the_rest(child: subprocess.Popen[bytes]) -> None:
    table = PsutilProcessTable()
    before = {process.pid: process for process in table.snapshot().processes}
    late = subprocess.Popen(IDLE, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    try:
        after = {process.pid: process for process in table.update([], [late.pid]).processes}
    finally:
        late.kill()
        late.communicate()
    assert after[late.pid].command is not None
    assert after[child.pid] is before[child.pid]
    assert late.pid not in {process.pid for process in table.update([], [late.pid]).processes}
    assert child.pid in {process.pid for process in table.update([], [child.pid, child.pid]).processes}


def test_an_update_adds_the_parent_that_the_snapshot_lacked(child: subprocess.Popen[bytes]) -> None:
    table = PsutilProcessTable()
    assert {process.pid for process in table.update([], [child.pid]).processes} >= {child.pid, os.getpid()}


@linux_only
def test_a_process_that_ends_while_it_is_read_is_no_process_without_wires(
    child: subprocess.Popen[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    def too_late(pids: Iterable[int]) -> Mapping[int, Mapping[int, str] | None]:
        child.kill()
        os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)  # ended, and not yet taken leave of
        return dict.fromkeys(pids)

    monkeypatch.setattr("agent.host.processes.read_wires", too_late)
    assert find(PsutilProcessTable(), child.pid) is None


@linux_only
def test_a_rewritten_title_does_not_hide_what_was_executed() -> None:
    # The words of the command line stand in the memory of the process, which may write over them.
    retitle = "f = open('/proc/self/mem', 'r+b', 0); f.seek({}); f.write(b'npm exec x')"
    start = "int(open('/proc/self/stat').read().rsplit(')', 1)[1].split()[45])"
    wait = "print(flush=True); sys.stdin.readline()"
    program = f"import sys; {wait}; {retitle.format(start)}; {wait}"
    started = subprocess.Popen([sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    try:
        assert started.stdin is not None
        assert started.stdout is not None
        started.stdout.readline()
        at = [0.0]
        table = PsutilProcessTable(monotonic=lambda: at[0])
        launched = find(table, started.pid)
        started.stdin.write(b"\n")
        started.stdin.flush()
        started.stdout.readline()
        fresh = find(PsutilProcessTable(), started.pid)
        kept = find(table, started.pid)
        told = {p.pid: p for p in PsutilProcessTable().update([launched] if launched else [], []).processes}
    finally:
        started.kill()
        started.communicate()
    assert launched is not None
    assert fresh is not None
    assert kept is not None
    assert (fresh.command or ("",))[0].startswith("npm exec x")
    assert kept.command == told[started.pid].command == launched.command


_HEADLESS = (
    "import ctypes, os, threading; threading.Thread(target=lambda: [None for _ in iter(lambda: os.read(0, 1), b'')]).start();"
    "print(flush=True); ctypes.CDLL(None).pthread_exit(None)"
)
HEADLESS = (sys.executable, "-c", _HEADLESS)


def headless() -> subprocess.Popen[bytes]:
    """Start a process whose first thread has ended: it looks like a zombie, without a command line, program and descriptors."""
    started = subprocess.Popen(HEADLESS, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert started.stdout is not None
    started.stdout.readline()
    deadline = time.monotonic() + 10
    while psutil.Process(started.pid).status() != psutil.STATUS_ZOMBIE and time.monotonic() < deadline:
        time.sleep(0.01)
    return started


@linux_only
def test_a_server_whose_first_thread_has_ended_is_seen_as_before() -> None:
    with headless() as started:
        process = find(PsutilProcessTable(), started.pid)
    assert process is not None
    assert (process.command, process.exe) == (HEADLESS, os.path.realpath(f"/proc/{os.getpid()}/exe"))
    assert process.wires is not None
    assert {0, 1} <= process.wires.keys()


@linux_only
def test_a_thread_that_ends_before_it_is_read_does_not_hide_its_process() -> None:
    with subprocess.Popen(("true",)) as ended:
        ended.wait()
    with headless() as started:
        pulse = read_pulse(started.pid)
        assert pulse is not None
        assert pulse.thread
        process = LiveReader().facts(psutil.Process(started.pid), pulse._replace(thread=ended.pid))
    assert process.command == HEADLESS
