"""Reading a user's files: each path once per look, nothing below a folder that is not there, each content parsed once ever.

While it reads, a visit notes what was wanted and what the answers rest on (`agent.sources.recall` uses both).
"""

import hashlib
import re
import unicodedata
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from agent.catalog.paths import folders_above
from agent.core.basis import Footing
from agent.core.place import Content, Data, Facts, Listing, Missing, Names, Os, Trouble, Unreadable, User, pure_path
from agent.ports import Files, Nearby

MAX_MATCHES = 1000
"""Files that one `*` of a path may stand for."""

MAX_DEPTH = 5
MAX_FOLDERS = 300
"""How deep, and into how many folders, one `**` of a path goes."""

_T = TypeVar("_T")
_DIGEST_BYTES = 16
_LASTING = frozenset({Trouble.NOT_REGULAR, Trouble.NOT_A_FOLDER, Trouble.TOO_LARGE})
"""What keeps a path from being read for as long as the same thing stands there."""


@dataclass(slots=True)
class Notes:
    """What a part of a visit wanted to know. `watched` are the paths whose change would matter."""

    watched: dict[str, None] = field(default_factory=dict)
    nearby: list[Nearby] = field(default_factory=list)
    truncated: dict[str, None] = field(default_factory=dict)
    footing: Footing = field(default_factory=Footing)


@dataclass(frozen=True, slots=True)
class _Gap:
    """What is not there, under the path that the links on the way lead to; `access` is the way."""

    path: str
    access: tuple[Facts, ...]


@dataclass(slots=True)
class Visit:
    """One look at the files of one user, on their behalf. `notes` are those of the part that is under way."""

    files: Files
    user: User
    notes: Notes = field(default_factory=Notes)
    _contents: dict[str, Content] = field(default_factory=dict)
    _absent: dict[str, _Gap] = field(default_factory=dict)
    _gaps: dict[str, _Gap] = field(default_factory=dict)
    _anchors: set[str] = field(default_factory=set)
    _listings: dict[str, Listing] = field(default_factory=dict)
    _children: dict[str, frozenset[str] | None] = field(default_factory=dict)
    _standing: dict[str, Content] = field(default_factory=dict)
    _outside: dict[str, Content] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._anchors.add(self.user.home)

    @property
    def os(self) -> Os:
        """The examined system."""
        return self.files.os

    def read(self, path: str, fence: str | None = None) -> Content:
        """Return the content of `path`; links may lead anywhere in the home and in `fence`, and nowhere else."""
        self.notes.watched.setdefault(path)
        found = self._contents.get(path)
        if found is None:
            found = Missing() if self._cannot_exist(path) else self._read(path, fence)
            self._contents[path] = found
        self._note(path, found)
        return found

    def aside(self, path: str, fence: str | None = None) -> Content:
        """Return the content of `path` as `read` does, without waking anybody when it changes: a log changes all the time."""
        found = Missing() if self._cannot_exist(path) else self._read(path, fence)
        self._note(path, found)
        return found

    def names(self, path: str, fence: str | None = None) -> Listing:
        """Return the names in the folder `path`, as `read` reads files."""
        found = Missing() if self._cannot_exist(path) else self._names(path, fence)
        self._note(path, found)
        return found

    def exists(self, path: str, fence: str | None = None) -> bool:
        """Say whether anything stands at `path`. Reading a folder as a file tells that without listing it."""
        found = self._standing.get(path)
        if found is None:
            found = Missing() if self._cannot_exist(path) else self._read(path, fence)
            self._standing[path] = found
        self._note(path, found)
        return not isinstance(found, Missing)

    def outside(self, path: str, reader: User | None = None) -> Content:
        """Return the content of `path`, wherever in the examined system links lead: for `reader`, or for the agent itself."""
        found = self._outside.get(path) if reader is not None else None
        if found is None:
            found = self.files.read(path, reader=reader)
            if reader is not None:
                self._outside[path] = found
        self._note(path, found)
        return found

    def children(self, folder: str, fence: str | None = None) -> frozenset[str] | None:
        """Return the names in `folder`, folded as the system compares them, None where they are not all known.

        Listing a folder once spares the look hundreds of walks to files that are not there.
        """
        known = self._known_children(folder, fence)
        self._note(folder, self._listings[folder])
        return known

    def anchor(self, folder: str) -> None:
        """Note that many files are asked for at and below `folder`."""
        self._anchors.add(folder)

    def folded(self, name: str) -> str:
        """Return `name` as the least exact file system compares it with others: on Linux too, a stick or a folder can be such.

        Names that are taken for one here are asked for, and the file system tells.
        """
        return unicodedata.normalize("NFC", name).casefold()

    def matches(self, path: str, below: str | None = None) -> Iterator[str]:
        """Yield the paths that `path` with its `*` stands for; a path without one is yielded whether it exists or not.

        In the folder `below`, and above it, a `*` is only a character of a name.
        """
        if "*" not in path:
            yield path
            return
        parts = pure_path(self.os, path).parts
        fixed = len(pure_path(self.os, below).parts) if below is not None else 0
        at = next((number for number, part in enumerate(parts) if number >= fixed and "*" in part), None)
        if at is None:
            yield path
            return
        folder = str(pure_path(self.os, parts[0]).joinpath(*parts[1:at]))
        if parts[at] == "**":
            yield from self._deep_matches(folder, parts[at + 1 :])
            return
        self.notes.watched.setdefault(folder + ("\\" if self.os == "windows" else "/"))
        listing = self.names(folder)
        if not isinstance(listing, Names):
            return
        wanted = re.compile(re.escape(parts[at]).replace(r"\*", ".*"), 0 if self.os == "linux" else re.IGNORECASE)
        names = [name for name in listing.names if wanted.fullmatch(name)]
        if listing.truncated or len(names) > MAX_MATCHES:
            self.notes.truncated.setdefault(folder)
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
                    self.notes.truncated.setdefault(top)
                    return
                listing = self.names(folder)
                if not isinstance(listing, Names):
                    continue
                self.notes.watched.setdefault(folder + ("\\" if self.os == "windows" else "/"))
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

    def _names(self, path: str, fence: str | None) -> Listing:
        return self.files.names(path, within=fence or self.user.home, reader=self.user)

    def _known_children(self, folder: str, fence: str | None) -> frozenset[str] | None:
        if folder not in self._children:
            found = self._listings[folder] = self._names(folder, fence)
            known = isinstance(found, Names) and not found.truncated
            self._children[folder] = (
                frozenset(map(self.folded, found.names)) if known and isinstance(found, Names) else None
            )
        return self._children[folder]

    def _cannot_exist(self, path: str) -> bool:
        """Say that nothing stands at `path`, as far as listings of the folders above it tell."""
        way = (path, *folders_above(self.os, path))
        gap = next((self._absent[place] for place in way if place in self._absent), None)
        if gap is not None:
            self._gaps[path] = gap
            return True
        start = next((number for number, folder in enumerate(way) if folder in self._anchors), 0)
        for number in range(start, 0, -1):
            names = self._known_children(way[number], way[start])
            if names is None:
                return False
            name = way[number - 1].removeprefix(way[number]).strip("/\\")
            if self.folded(name) not in names:
                access = self._listings[way[number]].access
                real = str(pure_path(self.os, access[-1].path) / name)
                self._gaps[path] = self._absent[way[number - 1]] = _Gap(real, access)
                return True
        return False

    def _note(self, path: str, found: Content | Listing) -> None:
        """Note what the answer `found` rests on."""
        footing = self.notes.footing
        if isinstance(found, Missing):
            gap = self._gap(path, found)
            if gap is None:
                footing.whole(found.access)
                return
            footing.passed(gap.access)
            footing.absent(gap.path)
        elif isinstance(found, Data | Names):
            footing.passed(found.access[:-1])
            footing.whole(found.access[-1:])
        elif found.trouble in _LASTING and found.access:
            footing.passed(found.access)
            if found.trouble is Trouble.TOO_LARGE:
                footing.whole(found.access[-1:])
        else:
            footing.shaky()

    def _gap(self, path: str, found: Missing) -> _Gap | None:
        """Return the first thing on the way to `path` that is not there; None where a way with links tells nothing of it."""
        if found.link or any(facts.kind == "link" for facts in found.access):
            return None
        if path not in self._gaps and found.access:
            way = (path, *folders_above(self.os, path))
            last = found.access[-1].path
            if last not in way[1:]:
                return None
            name = way[way.index(last) - 1]
            self._gaps[path] = self._absent[name] = _Gap(name, found.access)
        return self._gaps.get(path)


class Parses(Generic[_T]):
    """What was made of contents, kept by the digest of their bytes: the same bytes are parsed once."""

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
        """Everything was asked for once: forget what was not."""
        self._old, self._new = self._new, {}
