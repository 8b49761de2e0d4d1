"""An in-memory file tree behind the `Files` port: what a test says stands there, with owners, modes, links and FIFOs.

    tree = Tree({"/home/ann/.claude.json": "{}", "/home/ann/x": Node.link("/etc/passwd"), "/root": Node.folder(mode=0o700)})

Folders above a path exist by themselves, owned by root with mode 0755. It follows the rules of `agent.ports.Files`; the real
implementation and this one are held to the same tests (tests/contract/test_files.py).
"""

import hashlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Literal

from agent.core.access import may_read
from agent.core.basis import Basis
from agent.core.place import Content, Data, Facts, Listing, Missing, Names, Os, Trouble, Unreadable, User

_LINKS = 40
_Parts = tuple[str, ...]
_Found = tuple[_Parts, tuple[Facts, ...]]
_OTHERWISE = {"file": (Trouble.NOT_REGULAR, "a regular file"), "folder": (Trouble.NOT_A_FOLDER, "a folder")}


@dataclass(frozen=True, slots=True)
class Node:
    """One thing in the tree. `trouble` makes reading it fail in that way."""

    kind: Literal["file", "folder", "link", "other"] = "file"
    raw: bytes = b""
    mode: int = 0o644
    uid: int = 0
    gid: int = 0
    trouble: Trouble | None = None
    stamp: int = 0

    @staticmethod
    def link(target: str) -> "Node":
        return Node("link", target.encode(), 0o777)

    @staticmethod
    def fifo() -> "Node":
        return Node("other")

    @staticmethod
    def folder(mode: int = 0o755, uid: int = 0, gid: int = 0) -> "Node":
        return Node("folder", mode=mode, uid=uid, gid=gid)


@dataclass(slots=True)
class Tree:
    """The simulated tree; `reads` records the paths whose content was taken, in order.

    Each change is a nanosecond later than the one before, or at `clock_ns` where that is set: file systems' clocks move in steps.
    """

    given: Mapping[str, "str | bytes | Node"]
    os: Os = "linux"
    cap: int = 32 * 1024 * 1024
    reads: list[str] = field(default_factory=list)
    clock_ns: int | None = None
    _nodes: dict[tuple[str, ...], Node] = field(default_factory=dict)
    _stamp: int = 0

    def __post_init__(self) -> None:
        self._nodes[()] = Node.folder()
        for path, what in self.given.items():
            self.put(path, what)

    def put(self, path: str, what: "str | bytes | Node") -> None:
        """Write a file, or place a node; the folders above come by themselves."""
        parts = self._split(path)
        node = what if isinstance(what, Node) else Node(raw=what.encode() if isinstance(what, str) else what)
        self._tick()
        for depth in range(1, len(parts) + 1):
            if parts[:depth] not in self._nodes:
                self._nodes[parts[:depth]] = Node.folder()
                self._touch(parts[: depth - 1])
        self._nodes[parts] = replace(node, stamp=self._stamp)

    def remove(self, path: str) -> None:
        """Take away what stands at `path`, and everything below it."""
        gone = self._split(path)
        self._tick()
        if gone in self._nodes:
            self._touch(gone[:-1])
        self._nodes = {parts: node for parts, node in self._nodes.items() if parts[: len(gone)] != gone}

    def nodes(self) -> Mapping[tuple[str, ...], Node]:
        """Return every node by the parts of its path."""
        return self._nodes

    def read(self, path: str, *, within: str | None = None, reader: User | None = None) -> Content:
        found = self._opened(path, within, reader, "file")
        if not isinstance(found, tuple):
            return found
        parts, access = found
        node = self._nodes[parts]
        if len(node.raw) > self.cap:
            return Unreadable(Trouble.TOO_LARGE, f"{path} is too large", access)
        self.reads.append(path)
        return Data(node.raw, access)

    def digest(self, path: str, *, reader: User, wanted: Callable[[Facts], bool]) -> Content:
        cap, self.cap = self.cap, 1 << 40
        kept = list(self.reads)
        found = self.read(path, reader=reader)
        self.cap = cap
        if isinstance(found, Data):
            hashed = wanted(found.facts)
            self.reads = [*kept, path] if hashed else kept
            return replace(found, raw=hashlib.sha256(found.raw).digest() if hashed else b"")
        return found

    def names(self, path: str, *, within: str | None = None, reader: User | None = None) -> Listing:
        found = self._opened(path, within, reader, "folder")
        if not isinstance(found, tuple):
            return found
        parts, access = found
        depth = len(parts) + 1
        below = [p[-1] for p in self._nodes if len(p) == depth and p[:-1] == parts]
        return Names(tuple(sorted(below, key=lambda name: name.encode("utf-16-be"))), access)

    @contextmanager
    def glance(self) -> Iterator["Tree"]:
        yield self

    def holds(self, basis: Basis) -> bool:
        """Say whether everything stands as it did, whatever links lead there."""
        for path, identity, fingerprint in basis.steps:
            parts = self._split(path)
            facts = self._facts(parts) if parts in self._nodes else None
            if (facts.identity if facts else None) != identity:
                return False
            if facts and fingerprint not in (None, facts.fingerprint):
                return False
        return True

    def _tick(self) -> None:
        self._stamp = self._stamp + 1 if self.clock_ns is None else self.clock_ns

    def _touch(self, parts: "_Parts") -> None:
        """Names in the folder `parts` come or go."""
        self._nodes[parts] = replace(self._nodes[parts], stamp=self._stamp)

    def _opened(
        self, path: str, within: str | None, reader: User | None, kind: Literal["file", "folder"]
    ) -> "_Found | Missing | Unreadable":
        found = self._walk(path, within)
        if not isinstance(found, tuple):
            return found
        parts, access = found
        node = self._nodes[parts]
        if node.trouble is not None:
            return Unreadable(node.trouble, f"{path}: {node.trouble}", access)
        if node.kind != kind:
            trouble, what = _OTHERWISE[kind]
            return Unreadable(trouble, f"{path} is not {what}", access)
        if reader is not None and not may_read(access, reader):
            return Unreadable(Trouble.DENIED, f"{reader.name} may not read {path}", access)
        return found

    def _walk(self, path: str, within: str | None) -> "_Found | Missing | Unreadable":
        at, links, answer = self._follow(path)
        if within is not None and links and not self._is_below(at, within):
            return Unreadable(Trouble.LINK_ESCAPES, f"{path} is a link out of {within}")
        return answer

    def _follow(self, path: str) -> "tuple[_Parts, int, _Found | Missing | Unreadable]":
        """Return the deepest place that the walk came to, how many links it followed, and what it found."""
        todo, links = list(reversed(self._split(path))), 0
        at: _Parts = ()
        access = [self._facts(())]
        while todo:
            name = todo.pop()
            if name == "..":
                at = at[:-1]
                continue
            if self._nodes[at].kind != "folder":
                text = f"{path}: a file stands in place of a folder"
                return at, links, Unreadable(Trouble.NOT_A_FOLDER, text, tuple(access))
            below = self._spelt((*at, name))
            if below not in self._nodes:
                return at, links, Missing(tuple(access), link=links > 0)
            if (facts := self._facts(below)) not in access:
                access.append(facts)
            node = self._nodes[below]
            if node.kind != "link":
                at = below
                continue
            links += 1
            if links > _LINKS:
                return at, links, Unreadable(Trouble.LINK_LOOP, f"{path}: too many links", tuple(access))
            target = node.raw.decode()
            at = () if target.startswith("/") else at
            todo += reversed(self._split(target))
        return at, links, (at, tuple(access))

    def _is_below(self, parts: "_Parts", within: str) -> bool:
        fence, _, found = self._follow(within)
        return isinstance(found, tuple) and parts[: len(fence)] == fence

    def _spelt(self, parts: tuple[str, ...]) -> tuple[str, ...]:
        if self.os == "linux" or parts in self._nodes:
            return parts
        folded = [part.casefold() for part in parts]
        return next((p for p in self._nodes if [part.casefold() for part in p] == folded), parts)

    def _split(self, path: str) -> tuple[str, ...]:
        if self.os == "windows":
            path = path.removeprefix("C:").removeprefix("c:").replace("\\", "/")
        return tuple(part for part in path.split("/") if part not in ("", "."))

    def _facts(self, parts: tuple[str, ...]) -> Facts:
        node = self._nodes[parts]
        top, separator = ("C:\\", "\\") if self.os == "windows" else ("/", "/")
        return Facts(
            path=top + separator.join(parts),
            kind=node.kind,
            mode=node.mode,
            uid=node.uid,
            gid=node.gid,
            size=len(node.raw),
            mtime_ns=node.stamp,
            ctime_ns=node.stamp,
            inode=hash(parts) & 0xFFFFFFFF,
        )
