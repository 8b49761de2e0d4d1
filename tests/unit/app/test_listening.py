"""An agent that ends does not wait for a process that was just started to listen."""

import sys
import threading

import pytest

from agent.app import listening
from agent.sources.launches import Launches

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="only on Linux does a process of its own listen")


class Silent:
    """The line to a process that never says whether it listens; the third time that it is asked, `ending` is told to end."""

    def __init__(self) -> None:
        self.asked = self.closed = 0
        self.stop = threading.Event()
        self.ending: Launches | None = None

    def send(self, value: object) -> None:
        """Take the task."""

    def receive(self, _timeout_s: float) -> None:
        self.asked += 1
        if self.ending is not None and self.asked == 3:
            self.stop.set()
            self.ending.wake()

    def close(self) -> None:
        self.closed += 1


def test_who_ends_waits_no_longer_for_the_process_that_is_to_listen(monkeypatch: pytest.MonkeyPatch) -> None:
    line = Silent()
    monkeypatch.setattr(listening, "beside", lambda _part: line)
    monkeypatch.setattr("agent.sources.launches.RETRY_FIRST_S", 0.01)
    launches = listening.launches()
    assert (launches.problem, line.closed) == ("the process that listens did not start", 1)
    assert line.asked > 3
    line.asked, line.ending = 0, launches
    launches.run(line.stop, lambda: None)
    assert (line.asked, line.closed) == (3, 2)
