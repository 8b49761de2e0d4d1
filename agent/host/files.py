"""The `Files` port over an examined root: `/` of this machine, a mounted disk, or a test tree.

The rules, each held by a named test in tests/unit/host/test_files.py: links are resolved inside the root only, as after a
chroot, and may not lead out of `within`; only regular files are read, up to a size cap; nothing blocks; what was checked
is what is read, because both happen on the same descriptor; what `reader` could not read is not read for them.
"""

import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from string import ascii_uppercase
from types import MappingProxyType
from typing import TypeVar

from agent.core.access import may_read
from agent.core.place import Content, Data, Facts, Listing, Missing, Names, Os, Trouble, Unreadable, User, top_of
from agent.host.glance import NoGlance, TreeGlance
from agent.host.hashing import hashing
from agent.host.limits import DEFAULT_LIMITS, ReadLimits
from agent.host.mounts import SYSTEM_MOUNTS, Mounts
from agent.ports import Glance

if sys.platform == "win32":
    from agent.host import files_windows as backend
else:
    from agent.host import files_posix as backend


_LETTERS = frozenset(ascii_uppercase)

_Found = TypeVar("_Found", Data, Names)


def _unwanted(_facts: Facts) -> bool:
    return False


class RootedFiles:
    r"""The files of the system `os` whose root folder is `root`; for Windows `root` stands for `C:\`, `drives` for other drives.

    `drives` maps letters to the folders that hold what lies there. A drive that is in neither may be a share, and is not entered.
    """

    def __init__(
        self,
        root: Path,
        os: Os,
        limits: ReadLimits = DEFAULT_LIMITS,
        mounts: Mounts = SYSTEM_MOUNTS,
        drives: Mapping[str, Path] = MappingProxyType({}),
    ) -> None:
        self.os: Os = os
        self.root = root
        self._limits, self._mounts, self._drives = limits, mounts, drives
        tops = {f"{letter}:\\": folder for letter, folder in drives.items()} if os == "windows" else {}
        self._trees = {
            top: backend.Tree(
                str(folder), top=top, separator=separator_of(os), limits=limits, fold=os != "linux", mounts=mounts
            )
            for top, folder in {**tops, top_of(os): root}.items()
        }

    def read(self, path: str, *, within: str | None = None, reader: User | None = None) -> Content:
        """Return the whole file, or why not."""
        found = self._found(path, within)
        if not isinstance(found, tuple):
            return found
        tree, parts, allowed = found
        content = tree.read(parts, allowed)
        return _denied(content, path, reader) if isinstance(content, Data) else content

    def digest(self, path: str, *, reader: User, wanted: Callable[[Facts], bool]) -> Content:
        """Return the file with its SHA-256 (32 bytes) in place of its bytes, or with nothing where that is not wanted."""
        found = self._found(path, None)
        if not isinstance(found, tuple):
            return found
        tree, parts, _ = found
        # What the reader may not read is not gone through either.
        facts = self._allowed(tree.digest(parts, hashing(_unwanted)), path, reader)
        if not isinstance(facts, Data) or not wanted(facts.facts):
            return facts
        return self._allowed(tree.digest(parts, hashing(wanted)), path, reader)

    def _allowed(self, content: Content, path: str, reader: User) -> Content:
        return _denied(content, path, reader) if isinstance(content, Data) else content

    def names(self, path: str, *, within: str | None = None, reader: User | None = None) -> Listing:
        """Return the names in a folder, in code-unit order as JavaScript sorts them, or why not."""
        found = self._found(path, within)
        if not isinstance(found, tuple):
            return found
        tree, parts, allowed = found
        listing = tree.names(parts, allowed)
        return _denied(listing, path, reader) if isinstance(listing, Names) else listing

    def _found(
        self, path: str, within: str | None
    ) -> tuple[backend.Tree, tuple[str, ...], tuple[str, ...]] | Missing | Unreadable:
        """Return the tree that `path` lies in, with its names there, and those of the folder that no link may leave."""
        parts, allowed = split(self.os, path), () if within is None else split(self.os, within)
        if parts is None or allowed is None:
            return Missing()
        top, other = self._top(path), within is not None and self._top(within) != self._top(path)
        tree = self._trees.get(top)
        if tree is None:
            return Unreadable(Trouble.FOREIGN, f"{path} is on another drive, which may be a share and is not entered")
        return tree, parts, parts[:1] if other else allowed

    def _top(self, path: str) -> str:
        return f"{path[0].upper()}:\\" if self.os == "windows" else "/"

    def entering(self, entered: frozenset[str]) -> "RootedFiles":
        """Return the same tree, where these mount points and types are entered though they may never answer."""
        return RootedFiles(self.root, self.os, self._limits, self._mounts.entering(entered), self._drives)

    @contextmanager
    def glance(self) -> Iterator[Glance]:
        """Return what tells whether earlier answers still hold.

        Windows keeps no time that the owner of a file cannot set, as far as Python is told; in the tree of a system that does not
        tell `A` from `a`, a name says nothing of what is not there.
        """
        if sys.platform == "win32" or (self.os != "linux" and sys.platform != "darwin"):
            yield NoGlance()
            return
        glance = TreeGlance(str(self.root), self._mounts)
        try:
            yield glance
        finally:
            glance.close()


def separator_of(os: Os) -> str:
    """Return what stands between the names of a path on `os`."""
    return "\\" if os == "windows" else "/"


def split(os: Os, path: str) -> tuple[str, ...] | None:
    """Return the names of an absolute path below the root or a drive; None where it stands below none, as one on a server.

    `..` is kept: it is resolved by the walk, against the folders that are really there.
    """
    if "\0" in path:
        return None
    if os == "windows":
        path = path.replace("/", "\\")
        drive, colon, rest = path[:1], path[1:2], path[2:]
        if drive.upper() not in _LETTERS or colon != ":" or not rest.startswith("\\") or ":" in rest:
            return None
        return tuple(part for part in rest.split("\\") if part not in ("", "."))
    if not path.startswith("/"):
        return None
    return tuple(part for part in path.split("/") if part not in ("", "."))


def _denied(found: _Found, path: str, reader: User | None) -> _Found | Unreadable:
    if reader is None or may_read(found.access, reader):
        return found
    return Unreadable(
        Trouble.DENIED, f"{reader.name} may not read {path}, so it is not read on their behalf", found.access
    )
