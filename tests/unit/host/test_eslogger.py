"""macOS: what eslogger tells, played by a simulator in its place."""

import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

if sys.platform == "win32":
    pytest.skip("eslogger is macOS's; its simulator needs a POSIX system", allow_module_level=True)

from agent.core.observation import Process
from agent.host import process_events_macos as module
from agent.host.environment import Keeping
from agent.host.eslogger_lines import read_line
from agent.host.process_events_macos import EsLogger
from agent.ports import EventsLost, Told
from tests.sim.eslogger import NOT_PERMITTED, exec_line, exit_line, install

TURNS, WAIT_S = 50, 5.0
KEEPING = Keeping({"CLAUDECODE"}, {"CLAUDE_CONFIG_DIR"})
Start = Callable[..., EsLogger]
SERVER = exec_line(
    0,
    501,
    77,
    "npx",
    "-y",
    "@acme/mcp-server",
    path="/opt/homebrew/bin/node",
    cwd="/Users/ann/proj",
    env=["CLAUDECODE=1", "NODE_OPTIONS=--require=evil", "TOKEN=hunter2", "CLAUDE_CONFIG_DIR=/Users/ann/other", "odd"],
)


@pytest.fixture
def start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Start]:
    monkeypatch.setattr(module, "_SETTLE_S", 0.3)
    with ExitStack() as stack:

        def started(*lines: str, **play: object) -> EsLogger:
            events = EsLogger(KEEPING, install(tmp_path, *lines, **play), lambda _: "ann")  # type: ignore[arg-type] # as install takes it
            stack.callback(events.close)
            return events

        yield started


def heard(events: EsLogger, wanted: Callable[[Told], bool]) -> Told:
    for _ in range(TURNS):
        told = events.wait(WAIT_S)
        if wanted(told):
            return told
    pytest.fail("it was never told")


def test_a_program_that_starts_is_told_with_everything_and_no_value_of_its_environment(start: Start) -> None:
    told = heard(start(SERVER), lambda told: bool(told.started))
    assert told.started == (501,)
    assert told.described[501] == Process(
        pid=501,
        create_time=1791101730.123456,
        ppid=77,
        name="node",
        user="ann",
        exe="/opt/homebrew/bin/node",
        command=("npx", "-y", "@acme/mcp-server"),
        cwd="/Users/ann/proj",
        marks=frozenset({"CLAUDECODE"}),
        image=4711,
        overrides=frozenset({"NODE_OPTIONS"}),
        moves=(("CLAUDE_CONFIG_DIR", "/Users/ann/other"),),
    )
    assert "hunter2" not in repr(told)


def test_only_the_end_of_what_is_followed_is_told(start: Start) -> None:
    events = start(SERVER, exit_line(0, 500), exit_line(1, 501))
    events.follow([501])
    assert heard(events, lambda told: bool(told.ended)).ended == (501,)


def test_a_gap_in_the_numbers_of_one_kind_is_an_overrun(start: Start) -> None:
    events = start(SERVER, exit_line(7, 1), exec_line(1, 502, 1, "ls"), exec_line(5, 503, 1, "ls"))
    overrun = False
    seen: set[int] = set()
    while 503 not in seen:
        told = events.wait(WAIT_S)
        overrun |= told.overrun
        seen |= {*told.started}
    assert overrun


def test_numbers_without_a_gap_are_no_overrun(start: Start) -> None:
    events = start(exit_line(3, 1), SERVER, exit_line(4, 1), exec_line(1, 502, 1, "ls"))
    seen: set[int] = set()
    while 502 not in seen:
        told = events.wait(WAIT_S)
        assert not told.overrun
        seen |= {*told.started}


def test_one_that_is_not_permitted_says_why(start: Start) -> None:
    with pytest.raises(OSError, match="Full Disk Access"):
        start(says=NOT_PERMITTED, ends=True)


def test_one_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        EsLogger(program=str(tmp_path / "nothing"))


def test_its_end_is_told_with_its_last_words(start: Start) -> None:
    events = start(SERVER)
    heard(events, lambda told: bool(told.started))
    events._process.kill()
    with pytest.raises(EventsLost, match="has ended"):
        heard(events, lambda _: False)


def test_an_interrupt_ends_the_wait(start: Start) -> None:
    events = start()
    events.interrupt()
    assert events.wait(3600.0) == Told()


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"[]",
        b"{}",
        b'{"event": {}}',
        b'{"event": {"exec": {}}}',
        b'{"event": {"exec": {"target": 1}}}',
        SERVER.replace("501", '"x"').encode(),
        SERVER.replace("2026-10-04T", "then").encode(),
        SERVER[:-20].encode(),
        b"[" * 100_000,
        b"\xff\xfe",
    ],
)
def test_a_line_of_another_shape_says_nothing(text: bytes) -> None:
    assert read_line(text, KEEPING, lambda _: None) is None


def test_a_line_about_something_else_counts_and_says_nothing() -> None:
    line = read_line(b'{"seq_num": 3, "event": {"fork": {}}}', KEEPING, lambda _: None)
    assert line is not None
    assert (line.kind, line.number, line.started, line.ended) == ("fork", 3, None, None)
