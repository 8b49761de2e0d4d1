"""Reading below a root on Windows itself.

Windows gives Python no way to open a name relative to a folder, so the resolved path is checked before the file is opened and
once more while it is open: a file whose path has changed in between is not used.
"""

import errno
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from agent.core.place import Content, Data, Facts, Listing, Missing, Names, Trouble, Unreadable
from agent.host.facts import code_units, facts_of
from agent.host.hashing import Take
from agent.host.limits import ReadLimits
from agent.host.mounts import SYSTEM_MOUNTS, Mounts

_FLAGS = os.O_RDONLY | getattr(os, "O_BINARY", 0) | getattr(os, "O_NOINHERIT", 0)
_DEVICES = frozenset({"CON", "PRN", "AUX", "NUL", *(f"{port}{n}" for port in ("COM", "LPT") for n in range(10))})
_ERROR_CANT_RESOLVE_FILENAME = 1921  # a loop of reparse points


@dataclass(frozen=True, slots=True)
class Tree:
    """Reads below the folder `root`; `fold` and `mounts` are the system's own business here."""

    root: str
    top: str
    separator: str
    limits: ReadLimits
    fold: bool
    mounts: Mounts = SYSTEM_MOUNTS

    def digest(self, parts: Sequence[str], take: Take) -> Content:
        """Return what `take` makes of the regular file at `parts`, in place of its bytes."""
        return self.read(parts, (), take)

    def read(self, parts: Sequence[str], within: Sequence[str], take: Take | None = None) -> Content:
        """Return the regular file at `parts`."""
        found = self._resolve(parts, within)
        if not isinstance(found, tuple):
            return found
        real, access = found
        if access[-1].kind != "file":  # Windows would answer "permission denied" for a folder
            return Unreadable(Trouble.NOT_REGULAR, f"{self._spell(parts)} is not a regular file", access)
        try:
            descriptor = os.open(real, _FLAGS)
        except OSError as error:
            return _failure(error, self._spell(parts), access)
        try:
            return self._read_open(descriptor, real, access, take)
        except OSError as error:
            return _failure(error, self._spell(parts), access)
        finally:
            os.close(descriptor)

    def names(self, parts: Sequence[str], within: Sequence[str]) -> Listing:
        """Return the names in the folder at `parts`."""
        found = self._resolve(parts, within)
        if not isinstance(found, tuple):
            return found
        real, access = found
        if access[-1].kind != "folder":
            return Unreadable(Trouble.NOT_A_FOLDER, f"{self._spell(parts)} is not a folder", access)
        names: list[str] = []
        try:
            with os.scandir(real) as entries:
                for entry in entries:
                    if len(names) == self.limits.names:
                        return Names(tuple(sorted(names, key=code_units)), access, truncated=True)
                    names.append(entry.name)
        except OSError as error:
            return _failure(error, self._spell(parts), access)
        return Names(tuple(sorted(names, key=code_units)), access)

    def _read_open(self, descriptor: int, real: str, access: tuple[Facts, ...], take: Take | None) -> Content:
        before = os.fstat(descriptor)
        facts = facts_of(before, access[-1].path, posix=False)
        if facts.kind != "file":
            return Unreadable(Trouble.NOT_REGULAR, f"{facts.path} is not a regular file", access)
        if os.path.realpath(real) != real or not os.path.samestat(Path(real).stat(), before):
            return Unreadable(Trouble.IO_ERROR, f"{facts.path} was replaced while it was read", access)
        raw = (take or self._slurp)(descriptor, facts)
        if raw is None:
            text = f"{facts.path} is larger than {self.limits.file_bytes} bytes"
            return Unreadable(Trouble.TOO_LARGE, text, access)
        return Data(raw, (*access[:-1], facts))

    def _slurp(self, descriptor: int, facts: Facts) -> bytes | None:
        limit = self.limits.file_bytes
        chunks: list[bytes] = []
        left = limit + 1 if facts.size <= limit else 0
        while left > 0 and (chunk := os.read(descriptor, min(self.limits.chunk_bytes, left))):
            chunks.append(chunk)
            left -= len(chunk)
        return b"".join(chunks) if left > 0 else None

    def _resolve(
        self, parts: Sequence[str], within: Sequence[str]
    ) -> tuple[str, tuple[Facts, ...]] | Missing | Unreadable:
        """Return the real path and the facts of everything on the way, or why there is none."""
        if any(part.split(".")[0].rstrip().upper() in _DEVICES for part in parts):
            return Unreadable(Trouble.NOT_REGULAR, f"{self._spell(parts)} is the name of a device")
        plain = os.path.normpath(Path(self.root, *parts))
        try:
            real = os.path.realpath(plain, strict=True)
            allowed = os.path.realpath(Path(self.root, *within), strict=True)
            access = self._access(plain)
            linked = os.path.normcase(real) != os.path.normcase(plain)
            if linked and not _below(real, allowed):
                told = tuple(facts for facts in access if facts.kind != "file")
                text = f"{self._spell(parts)} is a link out of the folder that may be read"
                return Unreadable(Trouble.LINK_ESCAPES, text, told)
            return real, (*access[:-1], facts_of(Path(real).stat(), self._spell(parts), posix=False))
        except OSError as error:
            return _failure(error, self._spell(parts), ())

    def _access(self, plain: str) -> tuple[Facts, ...]:
        names = Path(os.path.relpath(plain, self.root)).parts
        ways = [names[:count] for count in range(len(names) + 1)]
        return tuple(facts_of(Path(self.root, *way).lstat(), self._spell(way), posix=False) for way in ways)

    def _spell(self, parts: Sequence[str]) -> str:
        return self.top + self.separator.join(parts)


def _below(real: str, allowed: str) -> bool:
    real, allowed = os.path.normcase(real), os.path.normcase(allowed)
    return real == allowed or real.startswith(allowed.rstrip("\\/") + os.sep)


def _failure(error: OSError, path: str, access: tuple[Facts, ...]) -> Missing | Unreadable:
    if getattr(error, "winerror", None) == _ERROR_CANT_RESOLVE_FILENAME or error.errno == errno.ELOOP:
        return Unreadable(Trouble.LINK_LOOP, f"{path}: too many links", access)
    if error.errno in (errno.ENOENT, errno.EINVAL, errno.ENAMETOOLONG):
        return Missing(access)
    if error.errno == errno.ENOTDIR:
        return Unreadable(Trouble.NOT_A_FOLDER, f"{path}: a file stands where a folder should be", access)
    if error.errno in (errno.EACCES, errno.EPERM):
        return Unreadable(Trouble.DENIED, f"{path}: permission denied", access)
    return Unreadable(Trouble.IO_ERROR, f"{path}: {error.strerror or 'input/output error'}", access)
