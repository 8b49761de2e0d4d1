"""The kernel's process connector, where this kernel speaks it to this process; and its filter, run here."""

import socket
import struct
import subprocess
import sys
from collections.abc import Callable, Iterator

import pytest

from agent.host.process_events import process_events
from agent.ports import NoEvents, ProcessEvents, Told

if sys.platform != "linux":
    pytest.skip("the process connector is Linux's", allow_module_level=True)

from agent.host import process_events_linux as module
from agent.host.process_events_linux import _ACCEPT, _EXEC, _EXIT, _NONE, FOLLOWED_MAX, _program

_FORK, _PATIENCE = 0x1, 500


@pytest.fixture
def events() -> Iterator[ProcessEvents]:
    found = process_events()
    if isinstance(found, NoEvents):
        pytest.skip(found.reason)
    yield found
    found.close()


def until(events: ProcessEvents, wanted: Callable[[Told], bool]) -> bool:
    return any(wanted(events.wait(5.0)) for _ in range(_PATIENCE))


def test_a_program_that_starts_is_told(events: ProcessEvents) -> None:
    started = subprocess.Popen([sys.executable, "-c", ""])
    started.wait()
    assert until(events, lambda told: started.pid in told.started)


def test_only_the_end_of_what_is_followed_is_told(events: ProcessEvents) -> None:
    one, other = (subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) for _ in range(2))
    events.follow([other.pid])
    ended: set[int] = set()
    one.communicate()
    other.communicate()

    def told(told: Told) -> bool:
        ended.update(told.ended)
        return other.pid in ended

    assert until(events, told)
    assert one.pid not in ended


def test_an_interrupt_ends_the_wait(events: ProcessEvents) -> None:
    events.interrupt()
    for _ in range(_PATIENCE):
        if events.wait(3600.0) == Told():
            return
    pytest.fail("only events came")


def test_a_kernel_that_refuses_is_a_reason_and_not_a_crash(monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(*_: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(socket, "socket", refused)
    found = process_events()
    assert isinstance(found, NoEvents)
    assert "root" in found.reason


def passes(program: list[tuple[int, int, int, int]], what: int, pid: int) -> bool:
    """Run the filter as the kernel does: numbers are loaded in network order."""
    message = bytes(module._EVENT_AT) + struct.pack("=IIQII", what, 0, 0, pid, pid)
    value = line = 0
    while True:
        code, yes, no, constant = program[line]
        if code == module._RETURN:
            return (code, yes, no, constant) == _ACCEPT
        if code == module._LOAD:
            (value,) = struct.unpack_from("!I", message, constant)
        else:
            line += yes if value == constant else no
        line += 1


@pytest.mark.parametrize("count", [0, 1, 2, FOLLOWED_MAX])
def test_the_filter_lets_pass_what_is_wanted_and_nothing_else(count: int) -> None:
    pids = list(range(100, 100 + count))
    program = _program(pids)
    assert all(max(yes, no) < 256 for _, yes, no, _ in program)
    assert passes(program, _EXEC, 7)
    assert passes(program, _NONE, 0)
    assert all(passes(program, _EXIT, pid) for pid in pids)
    assert not passes(program, _EXIT, 99)
    assert not passes(program, _EXIT, 100 + count)
    assert not passes(program, _FORK, 100)
    assert socket.htonl(_EXEC) != _EXEC or sys.byteorder == "big"
