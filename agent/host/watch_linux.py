"""inotify, with one descriptor and no thread of its own.

watchdog takes a thread per watched folder, which costs about half a megabyte each; an agent that watches the folders of twenty
users would pay more for its hints than for all its other work.
"""

import ctypes
import errno
import os
import select
import struct
from collections.abc import Collection
from contextlib import suppress

from agent.host.watch import Change

_EVENT = struct.Struct("iIII")
_BUFFER_BYTES = 64 * 1024

_CLOSE_WRITE, _ATTRIB, _MOVED_FROM, _MOVED_TO, _CREATE, _DELETE = 0x8, 0x4, 0x40, 0x80, 0x100, 0x200
_DELETE_SELF, _MOVE_SELF, _UNMOUNT, _OVERFLOW, _IGNORED = 0x400, 0x800, 0x2000, 0x4000, 0x8000
_ONLY_FOLDERS = 0x01000000
_WANTED = (
    _CLOSE_WRITE | _ATTRIB | _MOVED_FROM | _MOVED_TO | _CREATE | _DELETE | _DELETE_SELF | _MOVE_SELF | _ONLY_FOLDERS
)
"""Opening and reading are left out, so that the agent's own looks are no events."""
_ALL = _DELETE_SELF | _MOVE_SELF | _UNMOUNT | _IGNORED


class InotifyWatcher:
    """`FolderWatcher` on Linux."""

    def __init__(self) -> None:
        self._libc = ctypes.CDLL(None, use_errno=True)
        self._fd = self._libc.inotify_init1(os.O_NONBLOCK | os.O_CLOEXEC)
        if self._fd < 0:
            raise OSError(ctypes.get_errno(), "inotify is not available")
        self._bell = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)
        self._poll = select.poll()
        self._poll.register(self._fd, select.POLLIN)
        self._poll.register(self._bell, select.POLLIN)
        self._folders: dict[int, set[str]] = {}

    def aim(self, folders: Collection[str]) -> frozenset[str]:
        """Add every folder again: the kernel keeps the watch where it is still the same folder, and makes one where not."""
        aimed: dict[int, set[str]] = {}
        for folder in folders:
            watch = self._libc.inotify_add_watch(self._fd, os.fsencode(folder), _WANTED)
            if watch >= 0:
                aimed.setdefault(watch, set()).add(folder)
            elif ctypes.get_errno() == errno.ENOSPC:
                break  # the system's limit; further folders would fail just so
        for watch in self._folders.keys() - aimed.keys():
            self._libc.inotify_rm_watch(self._fd, watch)
        self._folders = aimed
        return frozenset(folder for group in aimed.values() for folder in group)

    def wait(self, timeout_s: float) -> frozenset[Change]:
        """Return the names that changed."""
        changes: set[Change] = set()
        for fd, _ in self._poll.poll(max(0, int(timeout_s * 1000))):
            if fd == self._bell:
                with suppress(BlockingIOError):
                    os.eventfd_read(self._bell)
            else:
                with suppress(BlockingIOError):
                    changes |= self._changes(os.read(self._fd, _BUFFER_BYTES))
        return frozenset(changes)

    def interrupt(self) -> None:
        """Ring the bell that `wait` listens to."""
        os.eventfd_write(self._bell, 1)

    def close(self) -> None:
        """Close both descriptors."""
        os.close(self._fd)
        os.close(self._bell)

    def _changes(self, raw: bytes) -> set[Change]:
        found: set[Change] = set()
        at = 0
        while at < len(raw):
            watch, mask, _, length = _EVENT.unpack_from(raw, at)
            at += _EVENT.size
            name = os.fsdecode(raw[at : at + length].rstrip(b"\0"))
            at += length
            if mask & _OVERFLOW:
                found |= {(folder, "") for group in self._folders.values() for folder in group}
            for folder in self._folders.get(watch, ()):
                found.add((folder, "" if mask & _ALL else name))
            if mask & _IGNORED:
                self._folders.pop(watch, None)
        return found
