"""Reading a user's files: each path once per look, nothing below a folder that is not there, each content parsed once ever.

A look that finds every file as it was reads the bytes again, compares their digests, and parses nothing.
"""

import hashlib
import re
import unicodedata
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from agent.catalog.paths import folders_above
from agent.core.place import Content, Data, Facts, Listing, Missing, Names, Os, Trouble, Unreadable, User, pure_path
from agent.ports import Files, Nearby

MAX_MATCHES = 1000
"""Files that one `*` of a path may stand for."""

MAX_DEPTH = 5
MAX_FOLDERS = 300
"""How deep, and into how many folders, one `**` of a path goes."""

_T = TypeVar("_T")
_DIGEST_BYTES = 16


@dataclass(slots=True)
class Visit:
    """One look at the files of one user, on their behalf. `watched` collects the paths whose change would matter."""

    files: Files
    user: User
    watched: dict[str, None] = field(default_factory=dict)
    nearby: list[Nearby] = field(default_factory=list)
    truncated: dict[str, None] = field(default_factory=dict)
    _contents: dict[str, Content] = field(default_factory=dict)
    _absent: set[str] = field(default_factory=set)
    _anchors: set[str] = field(default_factory=set)
    _children: dict[str, frozenset[str] | None] = field(default_factory=dict)
    _standing: dict[str, bool] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._anchors.add(self.user.home)

    @property
    def os(self) -> Os:
        """The examined system."""
        return self.files.os

    def read(self, path: str, fence: str | None = None) -> Content:
        """Return the content of `path`; links may lead anywhere in the home and in `fence`, and nowhere else."""
        self.watched.setdefault(path)
        known = self._contents.get(path)
        if known is not None:
            return known
        found: Content = Missing() if self._cannot_exist(path) else self._read(path, fence)
        if isinstance(found, Missing) and not found.link:
            self._remember_absence(path, found.access)
        self._contents[path] = found
        return found

    def names(self, path: str, fence: str | None = None) -> Listing:
        """Return the names in the folder `path`, as `read` reads files."""
        if self._cannot_exist(path):
            return Missing()
        found = self.files.names(path, within=fence or self.user.home, reader=self.user)
        if isinstance(found, Missing) and not found.link:
            self._remember_absence(path, found.access)
        return found

    def exists(self, path: str, fence: str | None = None) -> bool:
        """Say whether anything stands at `path`. Reading a folder as a file tells that without listing it."""
        if path not in self._standing:
            gone = self._cannot_exist(path) or isinstance(self._read(path, fence), Missing)
            self._standing[path] = not gone
        return self._standing[path]

    def children(self, folder: str, fence: str | None = None) -> frozenset[str] | None:
        """Return the names in `folder`, folded as the system compares them, None where they are not all known.

        Listing a folder once spares the look hundreds of walks to files that are not there.
        """
        if folder not in self._children:
            found = self.files.names(folder, within=fence or self.user.home, reader=self.user)
            known = isinstance(found, Names) and not found.truncated
            self._children[folder] = (
                frozenset(map(self.folded, found.names)) if known and isinstance(found, Names) else None
            )
        return self._children[folder]

    def anchor(self, folder: str) -> None:
        """Note that many files are asked for at and below `folder`."""
        self._anchors.add(folder)

    def folded(self, name: str) -> str:
        """Return `name` as the examined system compares it with others."""
        return name if self.os == "linux" else unicodedata.normalize("NFC", name).casefold()

    def matches(self, path: str, below: str | None = None) -> Iterator[str]:
        """Yield the paths that `path` with its `*` stands for; a path without one is yielded whether it exists or not.

        In the folder `below`, and above it, a `*` is only a character of a name.
        """
        parts = pure_path(self.os, path).parts if "*" in path else ()
        fixed = len(pure_path(self.os, below).parts) if below is not None else 0
        at = next((number for number, part in enumerate(parts) if number >= fixed and "*" in part), None)
        if at is None:
            yield path
            return
        folder = str(pure_path(self.os, parts[0]).joinpath(*parts[1:at]))
        if parts[at] == "**":
            yield from self._deep_matches(folder, parts[at + 1 :])
            return
        self.watched.setdefault(folder + ("\\" if self.os == "windows" else "/"))
        listing = self.names(folder)
        if not isinstance(listing, Names):
            return
        wanted = re.compile(re.escape(parts[at]).replace(r"\*", ".*"), 0 if self.os == "linux" else re.IGNORECASE)
        names = [name for name in listing.names if wanted.fullmatch(name)]
        if listing.truncated or len(names) > MAX_MATCHES:
            self.truncated.setdefault(folder)
        for name in names[:MAX_MATCHES]:
            here = str(pure_path(self.os, folder) / name)
            yield from self.matches(str(pure_path(self.os, here).joinpath(*parts[at + 1 :])), here)

    def _deep_matches(self, top: str, rest: tuple[str, ...]) -> Iterator[str]:
        """Yield what `rest` stands for in `top` and the folders below it, as far as one `**` goes."""
        level, seen = [top], 0
        for depth in range(MAX_DEPTH + 1):
            below: list[str] = []
            for folder in level:
                seen += 1
                if seen > MAX_FOLDERS:
                    self.truncated.setdefault(top)
                    return
                listing = self.names(folder)
                if not isinstance(listing, Names):
                    continue
                self.watched.setdefault(folder + ("\\" if self.os == "windows" else "/"))
                yield from self.matches(str(pure_path(self.os, folder).joinpath(*rest)), folder)
                below += [str(pure_path(self.os, folder) / name) for name in listing.names if name != "node_modules"]
            level = below if depth < MAX_DEPTH else []

    def _read(self, path: str, fence: str | None) -> Content:
        """Try the home as the fence first, so that links between a project and the rest of the home are followed."""
        home = self.user.home
        at_home = home in folders_above(self.os, path)
        found: Content = Missing()
        for within in (home, fence) if fence is not None and at_home else (fence or home,):
            found = self.files.read(path, within=within, reader=self.user)
            if not (isinstance(found, Unreadable) and found.trouble is Trouble.LINK_ESCAPES):
                break
        return found

    def _cannot_exist(self, path: str) -> bool:
        """Say that nothing stands at `path`, as far as listings of the folders above it tell."""
        way = (path, *folders_above(self.os, path))
        if not self._absent.isdisjoint(way):
            return True
        start = next((number for number, folder in enumerate(way) if folder in self._anchors), 0)
        for number in range(start, 0, -1):
            names = self.children(way[number], way[start])
            if names is None:
                return False
            if self.folded(pure_path(self.os, way[number - 1]).name) not in names:
                self._absent.add(way[number - 1])
                return True
        return False

    def _remember_absence(self, path: str, access: tuple[Facts, ...]) -> None:
        """Remember the first folder on the way to `path` that is not there. A way with links tells nothing of this spelling."""
        if not access or any(facts.kind == "link" for facts in access):
            return
        way = (path, *folders_above(self.os, path))
        if access[-1].path in way[1:]:
            self._absent.add(way[way.index(access[-1].path) - 1])


class Memory(Generic[_T]):
    """What was made of contents, kept from one look to the next by the digest of their bytes; unused entries are let go."""

    def __init__(self) -> None:
        self._old: dict[object, tuple[bytes, _T]] = {}
        self._new: dict[object, tuple[bytes, _T]] = {}

    def made(self, key: object, data: Data, make: Callable[[bytes], _T]) -> _T:
        """Return what `make` makes of the bytes, without calling it where it was called on the same bytes before."""
        digest = hashlib.blake2b(data.raw, digest_size=_DIGEST_BYTES).digest()
        known = self._new.get(key) or self._old.get(key)
        if known is None or known[0] != digest:
            known = (digest, make(data.raw))
        self._new[key] = known
        return known[1]

    def turn(self) -> None:
        """A whole look is over: forget what it did not ask for."""
        self._old, self._new = self._new, {}
