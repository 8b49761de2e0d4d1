"""fanotify: names in a few folders that change, with the process that changes them.

A mark stands on each folder itself and costs nothing while nobody writes there. Reading is no event. A process that ends at once
may be gone when it is asked for its name; what it opened the file with is an event too, so that there are two occasions.
Source: fanotify(7). The names of entries need Linux 5.9; CAP_SYS_ADMIN is needed to be told the pid.
"""

import ctypes
import errno
import os
import select
import struct
from collections.abc import Collection, Iterator, Mapping
from contextlib import suppress
from pathlib import Path

from agent.core.writer import Writer
from agent.ports import Aimed

_CLOEXEC, _NONBLOCK, _UNLIMITED_MARKS, _REPORT_DFID_NAME = 0x1, 0x2, 0x20, 0x400 | 0x800
"""Marks without a limit are asked for because that alone is refused to those who would not be told pids."""
_MARK_ADD, _MARK_ONLYDIR, _MARK_FLUSH = 0x1, 0x8, 0x80
_MODIFY, _ATTRIB, _CLOSE_WRITE, _MOVED, _CREATE, _DELETE = 0x2, 0x4, 0x8, 0x40 | 0x80, 0x100, 0x200
_ON_CHILD, _ON_FOLDERS = 0x08000000, 0x40000000
_WANTED = _MODIFY | _ATTRIB | _CLOSE_WRITE | _MOVED | _CREATE | _DELETE | _ON_CHILD | _ON_FOLDERS
_AT_FDCWD, _AT_HANDLE_FID = -100, 0x200

_EVENT, _INFO, _FSID, _HANDLE = struct.Struct("=IBBHQii"), struct.Struct("=BBH"), 8, struct.Struct("=Ii")
_NAMED = 2  # FAN_EVENT_INFO_TYPE_DFID_NAME
_BUFFER_BYTES, _HANDLE_BYTES = 64 * 1024, 128
_NO_LOGIN = 0xFFFFFFFF

_Handle = tuple[int, bytes]


class Fanotify:
    """`FileWriters` on Linux. Only `interrupt` may come from another thread."""

    def __init__(self) -> None:
        """Open a group.

        Raises:
            OSError: the kernel does not permit it, or does not know it.
        """
        self._libc = ctypes.CDLL(None, use_errno=True)
        flags = _CLOEXEC | _NONBLOCK | _UNLIMITED_MARKS | _REPORT_DFID_NAME
        self._fd = self._libc.fanotify_init(flags, os.O_RDONLY | os.O_CLOEXEC)
        if self._fd < 0:
            raise _error()
        self._bell = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)
        self._poll = select.poll()
        self._poll.register(self._fd, select.POLLIN)
        self._poll.register(self._bell, select.POLLIN)
        self._folders: dict[_Handle, str] = {}
        self._refused: dict[_Handle, str] = {}

    def aim(self, folders: Collection[str]) -> Aimed:
        """Mark exactly the folders that are there, anew where one was replaced.

        A mark can be taken away by path alone, and a folder that was moved has none that is known: then all are made anew.
        """
        there: dict[_Handle, str] = {}
        deaf: dict[str, str] = {}
        for folder in folders:
            try:
                there[self._handle(folder)] = folder
            except (FileNotFoundError, NotADirectoryError):
                continue
            except OSError as error:
                deaf[folder] = _reason(error)
        if there.keys() != self._folders.keys() | self._refused.keys():
            self._mark_all(there)
        return Aimed(
            frozenset(self._folders.values()), {**deaf, **{there[one]: why for one, why in self._refused.items()}}
        )

    def wait(self, timeout_s: float) -> tuple[tuple[str, Writer], ...]:
        """Return the paths that were changed since the last call and by whom, in order, after at most `timeout_s`."""
        found: list[tuple[str, Writer]] = []
        for fd, _ in self._poll.poll(max(0, int(timeout_s * 1000))):
            with suppress(BlockingIOError):
                if fd == self._bell:
                    os.eventfd_read(self._bell)
                else:
                    found += self._told(os.read(self._fd, _BUFFER_BYTES))
        return tuple(found)

    def interrupt(self) -> None:
        """Ring the bell that `wait` listens to."""
        os.eventfd_write(self._bell, 1)

    def close(self) -> None:
        """Close both descriptors; the marks go with them."""
        os.close(self._fd)
        os.close(self._bell)

    def _mark_all(self, there: Mapping[_Handle, str]) -> None:
        self._mark(_MARK_FLUSH, "/")
        self._folders, self._refused = {}, {}
        for handle, folder in there.items():
            try:
                self._mark(_MARK_ADD, folder)
                self._folders[handle] = folder
            except OSError as error:
                self._refused[handle] = _reason(error)

    def _mark(self, what: int, folder: str) -> None:
        only, mask = (0, 0) if what == _MARK_FLUSH else (_MARK_ONLYDIR, _WANTED)
        path = os.fsencode(folder)
        if self._libc.fanotify_mark(self._fd, what | only, ctypes.c_uint64(mask), _AT_FDCWD, path) != 0:
            raise _error()

    def _handle(self, folder: str) -> _Handle:
        """Return by what the kernel names the folder in events.

        Overlay file systems have names for events alone (Linux 6.5), as nothing can be opened by them.
        """
        path, mount = os.fsencode(folder), ctypes.c_int()
        for how in (0, _AT_HANDLE_FID):
            buffer = ctypes.create_string_buffer(_HANDLE.pack(_HANDLE_BYTES, 0), _HANDLE.size + _HANDLE_BYTES)
            if self._libc.name_to_handle_at(_AT_FDCWD, path, buffer, ctypes.byref(mount), how) == 0:
                size, kind = _HANDLE.unpack_from(buffer.raw)
                return kind, buffer.raw[_HANDLE.size : _HANDLE.size + size]
            error = _error()
            if error.errno != errno.EOPNOTSUPP:
                raise error
        raise OSError(errno.EOPNOTSUPP, os.strerror(errno.EOPNOTSUPP))

    def _told(self, raw: bytes) -> Iterator[tuple[str, Writer]]:
        """Yield path and writer of each event; of a process that is named in several the writer is read once."""
        known: dict[int, Writer] = {}
        at = 0
        while at < len(raw):
            length, _, _, header, _, _, pid = _EVENT.unpack_from(raw, at)
            place = _place(raw[at + header : at + length])
            at += length
            folder = self._folders.get(place[0]) if place else None
            if place is None or folder is None or pid in (0, os.getpid()):
                continue
            if pid not in known:
                known[pid] = read_writer(pid)
            yield f"{folder.rstrip('/')}/{place[1]}", known[pid]


def _error() -> OSError:
    code = ctypes.get_errno()
    return OSError(code, os.strerror(code))


def _reason(error: OSError) -> str:
    if error.errno in (errno.EOPNOTSUPP, errno.ENODEV, errno.EXDEV, errno.EINVAL):
        return "its file system has no names for fanotify's events"
    return f"fanotify: {error.strerror}"


def _place(info: bytes) -> tuple[_Handle, str] | None:
    """Return folder and name from the records that follow an event."""
    at = 0
    while at + _INFO.size <= len(info):
        kind, _, length = _INFO.unpack_from(info, at)
        if kind == _NAMED:
            start = at + _INFO.size + _FSID
            size, handle = _HANDLE.unpack_from(info, start)
            start += _HANDLE.size
            name = info[start + size : at + length].split(b"\0", 1)[0]
            return (handle, info[start : start + size]), os.fsdecode(name)
        at += max(length, _INFO.size)
    return None


def read_writer(pid: int) -> Writer:
    """Return what `/proc` says of a process; all but the pid is unknown where it is gone."""
    own = Path(f"/proc/{pid}")
    program = _program(own)
    status = _fields(own)
    uid, parent = status.get("Uid", "").split(), status.get("PPid", "0")
    return Writer(
        pid,
        program or status.get("Name"),
        int(uid[1]) if len(uid) > 1 else None,
        _login(own),
        _program(Path(f"/proc/{parent}")) if parent not in ("0", str(pid)) else None,
    )


def _program(process: Path) -> str | None:
    try:
        return str((process / "exe").readlink()).removesuffix(" (deleted)")
    except OSError:
        return None


def _fields(process: Path) -> dict[str, str]:
    try:
        lines = (process / "status").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return {}
    return {name: value.strip() for name, _, value in (line.partition(":") for line in lines)}


def _login(process: Path) -> int | None:
    try:
        found = int((process / "loginuid").read_text(encoding="ascii"))
    except (OSError, ValueError):
        return None
    return None if found == _NO_LOGIN else found
