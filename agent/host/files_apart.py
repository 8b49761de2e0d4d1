"""Files on network file systems that the settings let the agent enter: read in a process apart, as the system may never answer.

The local tree refuses such a mount without asking it anything. Only then the question goes to the process apart, which may hang:
the agent waits for so long, says that time ran out, kills that process, and asks nothing of that kind for a while.
"""

import sys
import threading
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any, Protocol

from agent.core.place import Content, Listing, Os, Trouble, Unreadable, User
from agent.host.files import RootedFiles
from agent.ports import Files, Glance

if sys.platform == "linux":
    from agent.host.apart_linux import apart
    from agent.host.line_linux import Line

_ANSWER_S = 5.0
"""One read of one file, or one listing: more than a network file system that lives needs."""
_REST_S = 60.0
_NAME = b"mcp-reader"
_Question = tuple[str, str, str | None, User | None]


class Asked(Protocol):
    """The near end of the process apart."""

    def send(self, value: object) -> None:
        """Send a question; raise EOFError where nobody takes it."""
        ...

    def receive(self, timeout_s: float) -> Any:  # noqa: ANN401 - whatever was sent
        """Return the answer, None where none came in time; raise EOFError where nobody is there."""
        ...

    def abandon(self) -> None:
        """End it, and do not wait for that."""
        ...


class FilesApart:
    """The files of `inner`; what that refuses as foreign is asked of the process that `start` starts, one question at a time."""

    def __init__(
        self,
        inner: RootedFiles,
        start: Callable[[], Asked],
        *,
        answer_s: float = _ANSWER_S,
        rest_s: float = _REST_S,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self.os: Os = inner.os
        self.root = inner.root
        self._inner, self._start, self._monotonic = inner, start, monotonic
        self._answer_s, self._rest_s = answer_s, rest_s
        self._asking = threading.Lock()  # every source looks on a thread of its own, and there is one line
        self._asked: Asked | None = None
        self._rests_until = float("-inf")

    def read(self, path: str, *, within: str | None = None, reader: User | None = None) -> Content:
        """Return the whole file, or why not; `Trouble.TIMED_OUT` where the system did not answer."""
        found = self._inner.read(path, within=within, reader=reader)
        if isinstance(found, Unreadable) and found.trouble is Trouble.FOREIGN:
            answer: Content = self._answer(("read", path, within, reader), found)
            return answer
        return found

    def names(self, path: str, *, within: str | None = None, reader: User | None = None) -> Listing:
        """Return the names in a folder, as `read` reads files."""
        found = self._inner.names(path, within=within, reader=reader)
        if isinstance(found, Unreadable) and found.trouble is Trouble.FOREIGN:
            answer: Listing = self._answer(("names", path, within, reader), found)
            return answer
        return found

    def glance(self) -> AbstractContextManager[Glance]:
        """Return what tells whether earlier answers still hold: it asks local file systems alone."""
        return self._inner.glance()

    def close(self) -> None:
        """End the process apart; the next question starts another. It ends with the agent in any case."""
        with self._asking:
            self._end()

    def _answer(self, question: _Question, refused: Unreadable) -> Any:  # noqa: ANN401 - a content or a listing
        with self._asking:
            answer = self._asked_for(question) if self._monotonic() >= self._rests_until else None
        if answer is not None:
            return answer
        text = f"{question[1]} is on a file system that did not answer within {self._answer_s:g} s"
        return Unreadable(Trouble.TIMED_OUT, text, refused.access)

    def _asked_for(self, question: _Question) -> Content | Listing | None:
        """Ask, and return the answer; None where there was none, and none is asked for during the rest."""
        try:
            self._asked = self._asked or self._start()
            self._asked.send(question)
            answer: Content | Listing | None = self._asked.receive(self._answer_s)
        except (EOFError, OSError):
            answer = None
        if answer is None:
            self._end()
            self._rests_until = self._monotonic() + self._rest_s
        return answer

    def _end(self) -> None:
        asked, self._asked = self._asked, None
        if asked is not None:
            asked.abandon()


def entering(files: RootedFiles, entered: frozenset[str]) -> Files:
    """Return `files` with the network file systems of `entered` (mount points or types) as part of them; on Linux alone."""
    if sys.platform != "linux" or not entered:
        return files
    beyond = files.entering(entered)
    return FilesApart(files, lambda: apart(lambda line: _serve(beyond, line), _NAME))


if sys.platform == "linux":

    def _serve(files: RootedFiles, line: Line) -> None:
        """Answer every question, until nobody asks any more."""
        while True:
            question: _Question | None = line.receive(3600.0)
            if question is not None:
                kind, path, within, reader = question
                ask = files.read if kind == "read" else files.names
                line.send(ask(path, within=within, reader=reader))
