"""Reading below a root on Linux and macOS: every name is opened relative to the descriptor of the folder before it.

No name is ever resolved by the kernel as a path, so no link is followed unless this module follows it, and a path that is
swapped between two steps leads nowhere but to the next name in a folder that is already open.
"""

import errno
import os
import sys
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import partial

from agent.core.place import Content, Data, Facts, Listing, Missing, Names, Trouble, Unreadable
from agent.host.facts import code_units, facts_of
from agent.host.hashing import Take
from agent.host.limits import ReadLimits
from agent.host.mounts import SYSTEM_MOUNTS, Mounts

_NOFOLLOW = os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOCTTY
_WALK = _NOFOLLOW | os.O_DIRECTORY | getattr(os, "O_PATH", os.O_RDONLY)
"""O_PATH needs only the right to search a folder, as a client's own open does; macOS has no such thing."""
_READ = _NOFOLLOW | os.O_RDONLY
_LIST = _READ | os.O_DIRECTORY

_LOOK_CLOSER = frozenset({errno.ENOTDIR, errno.ELOOP, errno.EMLINK, errno.ENOENT})
_MISSING = frozenset({errno.ENOENT, errno.ENAMETOOLONG})
_TROUBLES = {
    errno.EACCES: (Trouble.DENIED, "permission denied"),
    errno.EPERM: (Trouble.DENIED, "permission denied"),
    errno.ELOOP: (Trouble.LINK_LOOP, "too many links"),
    errno.ENOTDIR: (Trouble.NOT_A_FOLDER, "a file stands where a folder should be"),
    errno.EISDIR: (Trouble.NOT_REGULAR, "a folder stands in place of a file"),
    errno.ENXIO: (Trouble.NOT_REGULAR, "a socket or device stands in place of a file"),
    errno.ENODEV: (Trouble.NOT_REGULAR, "a device stands in place of a file"),
    errno.EOPNOTSUPP: (Trouble.NOT_REGULAR, "a socket stands in place of a file"),
    errno.ETIMEDOUT: (Trouble.TIMED_OUT, "the file system did not answer in time"),
}


@dataclass(frozen=True, slots=True)
class _Folder:
    """An open folder on the way, and how the examined system spells its path."""

    fd: int
    facts: Facts


@dataclass(slots=True)
class _Way:
    """How far a walk came: the open folders from the root down, and the facts of everything that was passed."""

    folders: list[_Folder]
    access: list[Facts] = field(default_factory=list)
    links: int = 0
    at_link: int = 0
    """How many of `access` come no later than the first link: what may be told when the link leads out."""

    def note(self, facts: Facts) -> None:
        if not self.links or facts not in self.access:  # only a link can lead past the same folder again
            self.access.append(facts)


class _Stop(Exception):  # noqa: N818 - the end of a walk, not an error
    """The walk ended before the last name."""

    def __init__(self, answer: Missing | Unreadable) -> None:
        self.answer = answer


class _Swapped(Exception):  # noqa: N818 - as above
    """What stood at a name changed its kind between two steps: walk again."""


_Last = Callable[[_Way, str], Content | Listing]
"""What is done with the last name, in the folder that the walk came to."""


@dataclass(frozen=True, slots=True)
class Tree:
    """Reads below the folder `root`; `fold` says that the examined system does not tell `A` from `a` in names."""

    root: str
    top: str
    separator: str
    limits: ReadLimits
    fold: bool
    mounts: Mounts = SYSTEM_MOUNTS

    def read(self, parts: Sequence[str], within: Sequence[str]) -> Content:
        """Return the regular file at `parts`."""
        answer = self._walk(parts, within, self._read_last, keep_last=True)
        assert not isinstance(answer, Names)  # noqa: S101 - `_read_last` returns none
        return answer

    def digest(self, parts: Sequence[str], take: Take) -> Content:
        """Return what `take` makes of the regular file at `parts`, in place of its bytes."""
        answer = self._walk(parts, (), partial(self._read_last, take=take), keep_last=True)
        assert not isinstance(answer, Names)  # noqa: S101 - `_read_last` returns none
        return answer

    def names(self, parts: Sequence[str], within: Sequence[str]) -> Listing:
        """Return the names in the folder at `parts`."""
        answer = self._walk(parts, within, self._list_last, keep_last=False)
        assert not isinstance(answer, Data)  # noqa: S101 - `_list_last` returns none
        return answer

    def _walk(self, parts: Sequence[str], within: Sequence[str], last: _Last, *, keep_last: bool) -> Content | Listing:
        for _ in range(self.limits.attempts):
            with suppress(_Swapped), self._open_root() as way:
                if isinstance(way, Unreadable):
                    return way
                answer = self._answer(way, parts, last, keep_last=keep_last)
                return answer if self._stays(way, within) else self._escape(way, parts)
        return Unreadable(Trouble.IO_ERROR, f"{self._spell(parts)} kept changing while it was read")

    @contextmanager
    def _open_root(self) -> Iterator[_Way | Unreadable]:
        try:
            fd = os.open(self.root, _WALK & ~os.O_NOFOLLOW)
        except OSError as error:
            yield _unreadable(error, self.root)
            return
        way = _Way([_Folder(fd, facts_of(os.fstat(fd), self.top))])
        way.note(way.folders[0].facts)
        try:
            yield way
        finally:
            for folder in way.folders:
                os.close(folder.fd)

    def _answer(self, way: _Way, parts: Sequence[str], last: _Last, *, keep_last: bool) -> Content | Listing:
        try:
            return last(way, self._descend(way, list(parts), keep_last=keep_last))
        except _Stop as stop:
            return stop.answer
        except OSError as error:
            return self._failure(error, way, self._spell(parts))
        except ValueError:  # a name that no file system can hold, such as one with a lone surrogate
            return Missing(tuple(way.access))

    def _descend(self, way: _Way, todo: list[str], *, keep_last: bool) -> str:
        """Walk down to the last folder; return the name in it that is left (empty: that folder itself)."""
        todo.reverse()
        steps = 0
        while todo:
            steps += 1
            if steps > self.limits.components:
                raise OSError(errno.ENAMETOOLONG, "too many components")
            name = todo.pop()
            if name == "..":
                if len(way.folders) > 1:
                    os.close(way.folders.pop().fd)
                continue
            if keep_last and not todo:
                name, facts = self._look(way, name)
                if facts.kind != "link":
                    return name
                self._follow(way, name, facts, todo)
                continue
            try:
                self._enter(way, name)
            except OSError as error:
                if error.errno not in _LOOK_CLOSER:
                    self._note_closed(way, name)
                    raise
                self._pass(way, name, todo)
        return ""

    def _note_closed(self, way: _Way, name: str) -> None:
        """Note the facts of a folder that could not be opened: who owns it is known all the same."""
        with suppress(OSError, ValueError, _Stop):
            _, facts = self._look(way, name)
            way.note(facts)

    def _pass(self, way: _Way, name: str, todo: list[str]) -> None:
        """Go on at `name`, which is no folder of that very spelling: a link, another spelling, or nothing."""
        name, facts = self._look(way, name)
        if facts.kind == "link":
            self._follow(way, name, facts, todo)
        elif facts.kind == "folder":
            self._enter(way, name)
        else:
            way.note(facts)
            raise NotADirectoryError(errno.ENOTDIR, "not a folder")

    def _enter(self, way: _Way, name: str) -> None:
        parent = way.folders[-1]
        self._refuse_mount(way, name)
        fd = os.open(name, _WALK, dir_fd=parent.fd)
        folder = _Folder(fd, facts_of(os.fstat(fd), self._join(parent.facts.path, name)))
        way.folders.append(folder)
        way.note(folder.facts)

    def _refuse_mount(self, way: _Way, name: str) -> None:
        """Stop before `name` where a file system is mounted that may never answer; even its owner is not asked for."""
        path = self._join(way.folders[-1].facts.path, name)
        kind = self.mounts.foreign(path if self.root == "/" else self.root + path)
        if kind is not None:
            text = f"{path} is on a network or a program's own file system ({kind}), which is not entered as it may never answer"
            raise _Stop(Unreadable(Trouble.FOREIGN, text, tuple(way.access)))

    def _look(self, way: _Way, name: str) -> tuple[str, Facts]:
        """Return the facts of `name` itself, and the name as it is really spelt there."""
        parent = way.folders[-1]
        for spelt in self._spellings(way, name):
            self._refuse_mount(way, spelt)
            with suppress(FileNotFoundError):
                found = os.stat(spelt, dir_fd=parent.fd, follow_symlinks=False)
                return spelt, facts_of(found, self._join(parent.facts.path, spelt))
        raise _Stop(Missing(tuple(way.access), link=way.links > 0))

    def _spellings(self, way: _Way, name: str) -> Iterator[str]:
        yield name
        if not self.fold or sys.platform == "darwin":
            return
        folded = _fold(name)
        try:
            names, _ = self._listdir(way.folders[-1].fd, ".")
        except OSError:
            return
        yield from (other for other in names if _fold(other) == folded)

    def _follow(self, way: _Way, name: str, facts: Facts, todo: list[str]) -> None:
        parent = way.folders[-1]
        way.note(facts)
        way.at_link = way.at_link or len(way.access)
        way.links += 1
        if way.links > self.limits.links:
            raise OSError(errno.ELOOP, "too many links")
        try:
            target = os.readlink(name, dir_fd=parent.fd)
        except OSError as error:
            if error.errno == errno.EINVAL:
                raise _Swapped from None
            raise
        if target.startswith("/"):
            while len(way.folders) > 1:
                os.close(way.folders.pop().fd)
        todo.extend(reversed([part for part in target.split("/") if part not in ("", ".")]))

    def _read_last(self, way: _Way, name: str, take: Take | None = None) -> Content:
        parent = way.folders[-1]
        if not name:
            return Unreadable(Trouble.NOT_REGULAR, f"{parent.facts.path} is a folder", tuple(way.access))
        name, facts = self._look(way, name)
        if facts.kind == "link":
            raise _Swapped
        for _ in range(self.limits.attempts):
            if facts.kind != "file":
                return self._irregular(way, facts)
            fd = os.open(name, _READ, dir_fd=parent.fd)
            try:
                facts = facts_of(os.fstat(fd), facts.path)
                raw = (take or self._slurp)(fd, facts) if facts.kind == "file" else None
                after = facts_of(os.fstat(fd), facts.path)
            finally:
                os.close(fd)
            if facts.kind != "file":
                continue
            if raw is None:
                way.note(facts)
                text = f"{facts.path} is larger than {self.limits.file_bytes} bytes, which is the most that is read"
                return Unreadable(Trouble.TOO_LARGE, text, tuple(way.access))
            if after.fingerprint == facts.fingerprint:
                return Data(raw, (*way.access, facts))
        return Unreadable(Trouble.IO_ERROR, f"{facts.path} kept changing while it was read", tuple(way.access))

    def _slurp(self, fd: int, facts: Facts) -> bytes | None:
        """Return all bytes; None where there are more than the cap, however many more."""
        limit = self.limits.file_bytes
        if facts.size > limit:
            return None
        chunks: list[bytes] = []
        left = limit + 1
        while left > 0 and (chunk := os.read(fd, min(self.limits.chunk_bytes, left))):
            chunks.append(chunk)
            left -= len(chunk)
        return b"".join(chunks) if left > 0 else None

    def _list_last(self, way: _Way, name: str) -> Listing:
        del name  # the walk has entered the folder itself
        names, truncated = self._listdir(way.folders[-1].fd, ".")
        return Names(names, tuple(way.access), truncated)

    def _listdir(self, at: int, name: str) -> tuple[tuple[str, ...], bool]:
        fd = os.open(name, _LIST, dir_fd=at)
        try:
            names: list[str] = []
            with os.scandir(fd) as entries:
                for entry in entries:
                    if len(names) == self.limits.names:
                        return tuple(sorted(names, key=code_units)), True
                    names.append(entry.name)
            return tuple(sorted(names, key=code_units)), False
        finally:
            os.close(fd)

    def _stays(self, way: _Way, within: Sequence[str]) -> bool:
        """Say whether the walk ended below the folder `within`, told by identity and not by spelling.

        A walk that followed no link cannot have left the path that the caller named.
        """
        if not within or not way.links:
            return True
        with self._open_root() as other:
            if isinstance(other, Unreadable):
                return False
            try:
                self._descend(other, list(within), keep_last=False)
            except (_Stop, OSError, ValueError, _Swapped):
                return False
            home = other.folders[-1].facts
        passed = [*(folder.facts for folder in way.folders), way.access[-1]]
        return any((facts.device, facts.inode) == (home.device, home.inode) for facts in passed)

    def _escape(self, way: _Way, parts: Sequence[str]) -> Unreadable:
        """Tell nothing about what stands outside, not even whether it is there."""
        told = tuple(way.access[: way.at_link])
        return Unreadable(
            Trouble.LINK_ESCAPES, f"{self._spell(parts)} is a link out of the folder that may be read", told
        )

    def _irregular(self, way: _Way, facts: Facts) -> Unreadable:
        way.note(facts)
        what = "a folder" if facts.kind == "folder" else "a FIFO, socket or device"
        return Unreadable(Trouble.NOT_REGULAR, f"{facts.path} is {what}, not a regular file", tuple(way.access))

    def _failure(self, error: OSError, way: _Way, path: str) -> Missing | Unreadable:
        if error.errno in _MISSING:
            return Missing(tuple(way.access), link=way.links > 0)
        return _unreadable(error, path, tuple(way.access))

    def _join(self, folder: str, name: str) -> str:
        return folder + name if folder == self.top else folder + self.separator + name

    def _spell(self, parts: Sequence[str]) -> str:
        return self.top + self.separator.join(parts)


def _unreadable(error: OSError, path: str, access: tuple[Facts, ...] = ()) -> Unreadable:
    trouble, text = _TROUBLES.get(error.errno or 0, (Trouble.IO_ERROR, error.strerror or "input/output error"))
    return Unreadable(trouble, f"{path}: {text}", access)


def _fold(name: str) -> str:
    return unicodedata.normalize("NFC", name).casefold()
