"""Who wrote in the managed folders: the worker that hears it, and what it remembers of the last writer of each file.

It is never needed for truth: a change is found by the look, and who made it is told if the system told.
"""

import threading
from collections.abc import Callable, Mapping, Sequence

from agent.core.writer import Writer
from agent.ports import Clock, FileWriters, NoEvents

KEPT_MAX = 500
"""Files whose last writer is remembered, the latest ones."""

_TURN_S, _AIM_EVERY_S = 5.0, 15.0
_IDLE_S = 30.0


class Writing:
    """The worker. `folders` says which folders are meant, also those that do not exist yet."""

    name = "file-writers"

    def __init__(self, listen: Callable[[], FileWriters | NoEvents], clock: Clock) -> None:
        self._clock = clock
        found = listen()
        self._writers = None if isinstance(found, NoEvents) else found
        self._refusal = found.reason if isinstance(found, NoEvents) else None
        self._deaf: Mapping[str, str] = {}
        self._lock = threading.Lock()
        self._last: dict[str, Writer] = {}
        self._folders: Sequence[str] = ()
        self._due = 0.0

    @property
    def problem(self) -> str | None:
        """Why it is not told who writes, anywhere or in some folder; None: it is."""
        return self._refusal or "; ".join(f"in {folder}: {why}" for folder, why in self._deaf.items()) or None

    def watch(self, folders: Sequence[str]) -> None:
        """Listen in these folders from now on."""
        if folders != self._folders:
            self._folders, self._due = tuple(folders), 0.0
            self.wake()

    def last(self) -> Mapping[str, Writer]:
        """Return the last writer of each path, as far as it was told. Whoever asks has seen a change: folders may be new."""
        self._due = 0.0
        self.wake()
        with self._lock:
            return dict(self._last)

    def run(self, stop: threading.Event, beat: Callable[[], None]) -> None:
        """Listen until `stop` is set; where the system tells nothing, only wait."""
        while not stop.is_set():
            beat()
            if self._writers is None:
                stop.wait(_IDLE_S)
            else:
                self.turn(self._writers, _TURN_S)

    def turn(self, writers: FileWriters, timeout_s: float) -> None:
        """Mend the marks where that is due, and hear what was written."""
        if self._clock.monotonic() >= self._due:
            self._deaf = writers.aim(self._folders).deaf
            self._due = self._clock.monotonic() + _AIM_EVERY_S
        for path, writer in writers.wait(timeout_s):
            self._note(path, writer)

    def _note(self, path: str, writer: Writer) -> None:
        with self._lock:
            before = self._last.pop(path, None)
            if before is not None and before.pid == writer.pid and writer.program is None:
                writer = before  # it was asked while it lived
            self._last[path] = writer
            while len(self._last) > KEPT_MAX:
                del self._last[next(iter(self._last))]

    def wake(self) -> None:
        """Let `run` go on."""
        if self._writers is not None:
            self._writers.interrupt()

    def close(self) -> None:
        """Give the marks back."""
        if self._writers is not None:
            self._writers.close()
