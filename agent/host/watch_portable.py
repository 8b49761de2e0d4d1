"""watchdog's observers behind `FolderWatcher`: FSEvents on macOS, ReadDirectoryChangesW on Windows.

Two of its traps are met here: a handler that raises ends the dispatcher for good, so this one only notes a name; and a folder
that is deleted and made again leaves a dead emitter behind a living observer, so `aim` looks at both.
"""

import os
import threading
from collections.abc import Collection
from pathlib import Path

from watchdog.events import FileSystemEvent, FileSystemEventHandler
from watchdog.observers import Observer
from watchdog.observers.api import BaseObserver, EventEmitter, ObservedWatch

from agent.host.watch import Change

_IGNORED = frozenset({"opened", "closed_no_write"})
_JOIN_S = 5.0


class _Noting(FileSystemEventHandler):
    """Notes which names changed in one folder; never raises."""

    def __init__(self, folder: str, note: "WatchdogWatcher") -> None:
        self._folder, self._note = folder, note

    def on_any_event(self, event: FileSystemEvent) -> None:
        if event.event_type in _IGNORED:
            return
        for path in filter(None, (os.fsdecode(event.src_path), os.fsdecode(event.dest_path))):
            parts = Path(os.path.relpath(path, self._folder)).parts
            self._note.note((self._folder, parts[0] if parts and parts[0] != ".." else ""))


class WatchdogWatcher:
    """`FolderWatcher` by watchdog. Each folder costs a thread, so the caller's limit should be low."""

    def __init__(self) -> None:
        self._changes: set[Change] = set()
        self._lock = threading.Lock()
        self._rung = threading.Event()
        self._observer: BaseObserver = self._started()
        self._watches: dict[str, tuple[ObservedWatch, tuple[int, int]]] = {}

    def aim(self, folders: Collection[str]) -> frozenset[str]:
        """Schedule what is new, replaced or dead, and unschedule what is no longer wanted."""
        if not self._observer.is_alive():
            self._observer = self._started()
            self._watches.clear()
        living = {emitter.watch for emitter in self._emitters() if emitter.is_alive()}
        for folder, (watch, identity) in list(self._watches.items()):
            if folder not in folders or watch not in living or _identity(folder) != identity:
                del self._watches[folder]
                self._observer.unschedule(watch)
        for folder in folders:
            found = _identity(folder)
            if folder not in self._watches and found is not None:
                self._schedule(folder, found)
        return frozenset(self._watches)

    def wait(self, timeout_s: float) -> frozenset[Change]:
        """Return the names that changed."""
        self._rung.wait(timeout_s)
        with self._lock:
            self._rung.clear()
            changes, self._changes = frozenset(self._changes), set()
        return changes

    def note(self, change: Change) -> None:
        """Take a change from the dispatcher's thread."""
        with self._lock:
            self._changes.add(change)
            self._rung.set()

    def interrupt(self) -> None:
        """Let `wait` return."""
        self._rung.set()

    def close(self) -> None:
        """End the observer's threads."""
        self._observer.stop()
        self._observer.join(_JOIN_S)

    def _schedule(self, folder: str, identity: tuple[int, int]) -> None:
        try:
            watch = self._observer.schedule(_Noting(folder, self), folder, recursive=False)
        except OSError:
            return  # gone again, not permitted, or the system's limit: the caller sees that it is not watched
        self._watches[folder] = (watch, identity)

    def _emitters(self) -> set[EventEmitter]:
        return self._observer.emitters

    @staticmethod
    def _started() -> BaseObserver:
        observer = Observer()
        observer.start()
        return observer


def _identity(folder: str) -> tuple[int, int] | None:
    try:
        found = Path(folder).stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino
