"""A piece of the program in a process of its own: values go both ways, and neither end outlives the other."""

import os
import signal
import subprocess
import sys
from contextlib import closing

import pytest

if sys.platform != "linux":
    pytest.skip("only on Linux is there a process apart", allow_module_level=True)

from agent.host.apart_linux import apart
from agent.host.line_linux import Line

PATIENCE_S = 20.0
NAME = b"mcp-test"


def echo(line: Line) -> None:
    while True:
        value = line.receive(PATIENCE_S)
        line.send((os.getpid(), value))


def test_values_of_any_size_go_both_ways() -> None:
    with closing(apart(echo, NAME)) as line:
        for value in ("word", b"x" * 3_000_000):
            line.send(value)
            answer = line.receive(PATIENCE_S)
            assert isinstance(answer, tuple)
            assert answer[0] != os.getpid()
            assert answer[1] == value


def test_nothing_comes_in_time_where_nothing_was_sent() -> None:
    with closing(apart(echo, NAME)) as line:
        assert line.receive(0.01) is None


def test_the_signals_of_the_agent_do_not_end_it() -> None:
    with closing(apart(echo, NAME)) as line:
        line.send("who?")
        process, _ = line.receive(PATIENCE_S)
        os.kill(process, signal.SIGTERM)
        os.kill(process, signal.SIGINT)
        line.send("still there")
        assert line.receive(PATIENCE_S) == (process, "still there")


def test_closing_the_line_ends_the_process() -> None:
    line = apart(echo, NAME)
    line.send("who?")
    process, _ = line.receive(PATIENCE_S)
    line.close()
    with pytest.raises(ProcessLookupError):
        os.kill(process, 0)


def test_the_end_of_the_process_is_noticed() -> None:
    with closing(apart(lambda line: line.send("last words"), NAME)) as line:
        assert line.receive(PATIENCE_S) == "last words"
        with pytest.raises(EOFError):
            line.receive(PATIENCE_S)


def test_it_keeps_no_descriptor_of_the_agent() -> None:
    read, write = os.pipe()
    with closing(apart(echo, NAME)) as line:
        line.send("who?")
        line.receive(PATIENCE_S)
        os.close(write)
        assert os.read(read, 1) == b"", "the only other end is closed"
    os.close(read)


_KILLED = """
import os, signal
from agent.host.apart_linux import apart
def serve(line):
    line.send(os.getpid())
    line.receive(60)
line = apart(serve, b"mcp-test")
print(line.receive(20), flush=True)
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_it_does_not_outlive_an_agent_that_is_killed() -> None:
    # Standard output stays open in the process apart: that it ends is what ends the reading.
    done = subprocess.run([sys.executable, "-c", _KILLED], capture_output=True, timeout=PATIENCE_S, check=False)
    assert done.returncode == -signal.SIGKILL
    assert int(done.stdout) > 0
