"""How this agent listens for starting programs: on Linux in a process of its own, which goes before all; else in a thread."""

import sys
import threading
from dataclasses import dataclass
from functools import partial

from agent.catalog.rows import Catalog, catalog
from agent.host.environment import Keeping
from agent.host.file_writers import file_writers
from agent.host.process_events import process_events
from agent.host.process_reading import LiveReader
from agent.host.users import AccountNames
from agent.ports import Channel, Hearing, NoEvents, Noticer
from agent.runtime.clock import SystemClock
from agent.runtime.waiting import Worker
from agent.sources.launches import Launches
from agent.sources.noticing import Noticing, NoticingApart
from agent.sources.writing import Writing

if sys.platform == "linux":
    from agent.app.listener import Task
    from agent.host.apart_linux import beside

_ANSWER_S, _SLICE_S = 10.0, 0.25


@dataclass(frozen=True, slots=True)
class Listening:
    """What is heard of as it happens: programs that start, processes that write managed files."""

    launches: Launches
    writing: Writing

    @property
    def workers(self) -> tuple[Worker, ...]:
        """The workers that hear."""
        return (self.launches, self.writing)

    def close(self) -> None:
        """Give everything back to the system."""
        self.launches.close()
        self.writing.close()


def listening() -> Listening:
    """Listen to what this system tells, as far as it does. Call it before there are threads."""
    return Listening(launches(), Writing(file_writers, SystemClock()))


def launches() -> Launches:
    """Listen to what this system tells of starting programs, as far as it does. Call it before there are threads."""
    known = catalog()
    return Launches(partial(_listen, known), known.marks)


def set_by_clients(known: Catalog) -> frozenset[str]:
    """Return the names of variables that clients set for what they start."""
    return frozenset().union(*(mark.variables for mark in known.marks))


if sys.platform == "linux":

    def _listen(known: Catalog, ended: threading.Event) -> Noticer | NoEvents:
        try:
            line = beside("listener")
        except OSError as error:
            return NoEvents(f"the system gives no process to listen in: {error.strerror}")
        try:
            line.send(Task(set_by_clients(known), known.moving, known.marks))
            first = _answer(line, ended)
        except EOFError:
            first = None
        if isinstance(first, Hearing):
            return NoticingApart(line, first, AccountNames())
        line.close()
        return first if isinstance(first, NoEvents) else NoEvents("the process that listens did not start")

    def _answer(line: Channel, ended: threading.Event) -> object:
        """Return what the other end says first, None where it says nothing or nobody wants to know any more."""
        for _ in range(int(_ANSWER_S / _SLICE_S)):
            first: object = line.receive(_SLICE_S)
            if first is not None or ended.is_set():
                return first
        return None

else:

    def _listen(known: Catalog, _ended: threading.Event) -> Noticer | NoEvents:
        events = process_events(Keeping(set_by_clients(known), known.moving))
        if isinstance(events, NoEvents):
            return events
        return Noticing(events, LiveReader(set_by_clients(known), known.moving, AccountNames()), known.marks)
