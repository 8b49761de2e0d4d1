"""The process that listens for starting programs on Linux: it takes the system's word, reads at once, and tells the daemon.

It goes before all other programs and lives as long as the daemon; so it imports no more than this takes, and what it goes by
is told to it.
"""

import sys
from collections.abc import Sequence
from dataclasses import dataclass

from agent.core.recognition.clients import ClientMarks
from agent.ports import NoEvents
from agent.sources.noticing import Noticing, serve

if sys.platform == "linux":
    import socket

    from agent.host.apart_linux import END, go_first, settle_beside
    from agent.host.line_linux import Line
    from agent.host.process_events import process_events
    from agent.host.process_reading import LiveReader

_TASK_S = 60.0


@dataclass(frozen=True, slots=True)
class Task:
    """The first thing that it is told: `variables` and `moving` as `LiveReader` has them, and how clients show."""

    variables: frozenset[str]
    moving: frozenset[str]
    clients: Sequence[ClientMarks]


if sys.platform == "linux":

    def main() -> int:
        """Listen for whoever started this process, until that is gone."""
        try:
            end = socket.socket(fileno=END)
        except OSError:
            sys.stderr.write("the daemon starts this part of itself; `mcp-compliance run` is what to call\n")
            return 2
        settle_beside(b"mcp-listener")
        try:
            _listen(Line(end))
        except EOFError:
            return 0
        return 0

    def _listen(line: Line) -> None:
        hindered = go_first()
        task: Task | None = line.receive(_TASK_S)
        if task is None:
            return
        events = process_events(beside=line.fileno())
        if isinstance(events, NoEvents):
            line.send(events)
            return
        try:
            serve(Noticing(events, LiveReader(task.variables, task.moving), task.clients, hindered), line)
        finally:
            events.close()
