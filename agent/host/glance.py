"""Asking a tree below an open folder whether things are as they were: nothing is read, no link followed, no mount asked."""

import errno
import os
import stat

from agent.core.basis import Basis, Fingerprint, Identity
from agent.host.mounts import Mounts

_FOLLOW = os.O_RDONLY
for _name in ("O_CLOEXEC", "O_NONBLOCK", "O_NOCTTY", "O_DIRECTORY", "O_PATH"):
    _FOLLOW |= getattr(os, _name, 0)  # Windows has none of them, and no glance
_WALK = _FOLLOW | getattr(os, "O_NOFOLLOW", 0)
_KINDS = {stat.S_IFREG: "file", stat.S_IFDIR: "folder", stat.S_IFLNK: "link"}

_Now = tuple[Identity, Fingerprint] | None
_OTHERWISE: _Now = ((-1, -1, "other", -1, -1, -1), (-1, -1, -1, -1, -1))
"""What stands at a path that leads elsewhere now, or nowhere that may be asked: the same as nothing that was seen before."""


class TreeGlance:
    """One moment of the tree `root`, whose paths are spelt with `/`. It keeps open the folders above the last question."""

    def __init__(self, root: str, mounts: Mounts) -> None:
        self._root, self._mounts = root, mounts
        self._prefix = "" if root == "/" else root
        self._seen: dict[str, _Now] = {}
        self._way: list[tuple[str, int]] = []

    def holds(self, basis: Basis) -> bool:
        """Say whether everything in `basis` is as it was; each path is asked about once, however many rest on it."""
        seen = self._seen
        for path, identity, fingerprint in basis.steps:
            now = seen[path] if path in seen else self._ask(path)
            if now is None or identity is None:
                if now is not None or identity is not None:
                    return False
            elif now[0] != identity or (fingerprint is not None and now[1] != fingerprint):
                return False
        return True

    def close(self) -> None:
        """Close the folders."""
        while self._way:
            os.close(self._way.pop()[1])

    def _ask(self, path: str) -> _Now:
        folder, _, name = path.rpartition("/")
        now: _Now
        try:
            if name:
                at = self._open(folder)
                now = _OTHERWISE if self._is_mount(path) else _told(os.stat(name, dir_fd=at, follow_symlinks=False))
            else:
                now = _told(os.fstat(self._open("")))
        except OSError as error:
            now = None if error.errno == errno.ENOENT else _OTHERWISE
        except ValueError:  # a name that no file system can hold
            now = None
        self._seen[path] = now
        return now

    def _open(self, folder: str) -> int:
        """Return the descriptor of `folder`; empty is the root itself."""
        while self._way and not (folder == self._way[-1][0] or folder.startswith(self._way[-1][0] + "/")):
            os.close(self._way.pop()[1])
        if not self._way:
            self._way.append(("", os.open(self._root, _FOLLOW)))
        at, fd = self._way[-1]
        for name in filter(None, folder[len(at) :].split("/")):
            at = f"{at}/{name}"
            if self._is_mount(at):
                raise OSError(errno.EXDEV, "a mount that may never answer")
            fd = os.open(name, _WALK, dir_fd=fd)
            self._way.append((at, fd))
        return fd

    def _is_mount(self, path: str) -> bool:
        return self._mounts.foreign(self._prefix + path) is not None


class NoGlance:
    """Where nothing tells that a file is as it was: a system on which its owner may set every time that is kept of it."""

    def holds(self, basis: Basis) -> bool:
        """Say no."""
        del basis
        return False


def _told(found: os.stat_result) -> _Now:
    kind = _KINDS.get(stat.S_IFMT(found.st_mode), "other")
    identity = (found.st_dev, found.st_ino, kind, stat.S_IMODE(found.st_mode), found.st_uid, found.st_gid)
    return identity, (found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns)
