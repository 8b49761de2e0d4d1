"""What protects a file besides owner and mode, behind one name: `guards_of(root)` gives a function from facts to a `Guard`.

Each is asked on the very file that was read: on Linux by a descriptor whose identity is compared, elsewhere by path, as there is
no other way there; a guard of something else than the facts are of is no guard (`None`).
"""

import os
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from agent.core.acl import KEY_CHANGES, Guard, ls_guard, posix_guard, sddl_guard
from agent.core.mounts import Mount, read_mounts, ruler
from agent.core.place import Facts
from agent.host.permissions_windows import KEY, key_name, sddl_of

Guards = Callable[[Facts], Guard | None]
_ATTRIBUTE = "system.posix_acl_access"
_LS = "/bin/ls"
_LS_TIMEOUT_S = 5


def guards_of(root: Path) -> Guards:
    """Return what tells the guard of a file below `root`; the paths of facts are inside it."""
    if sys.platform == "win32":
        return _windows
    return _macos if sys.platform == "darwin" else _Linux(root)


class _Linux:
    """Access control lists, and the mount table of this machine; another root's mounts are not known."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._live = root == Path("/")
        self._raw = ""
        self._mounts: tuple[Mount, ...] = ()

    def __call__(self, facts: Facts) -> Guard | None:
        if facts.kind not in ("file", "folder"):
            return None
        guard = _posix(str(self._root) + facts.path if not self._live else facts.path, facts)
        who = ruler(self._table(), facts.path) if self._live else None
        if who is None:
            return guard
        other = guard or Guard()
        return replace(other, others=(*other.others, who))

    def _table(self) -> tuple[Mount, ...]:
        with suppress(OSError):
            raw = Path("/proc/self/mountinfo").read_text(encoding="utf-8", errors="surrogateescape")
            if raw != self._raw:
                self._raw, self._mounts = raw, read_mounts(raw)
        return self._mounts


def _posix(path: str, facts: Facts) -> Guard | None:
    try:
        descriptor = os.open(path, os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        found = os.fstat(descriptor)
        if (found.st_dev, found.st_ino) != (facts.device, facts.inode):
            return None
        return posix_guard(os.getxattr(f"/proc/self/fd/{descriptor}", _ATTRIBUTE))
    except OSError:  # no list, or a file system that has none
        return None
    finally:
        os.close(descriptor)


def _macos(facts: Facts) -> Guard | None:
    try:
        told = subprocess.run(
            [_LS, "-ldeO", "--", facts.path], capture_output=True, timeout=_LS_TIMEOUT_S, check=True, text=True
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return ls_guard(told.stdout)


def _windows(facts: Facts) -> Guard | None:
    if facts.kind == "key":
        text = sddl_of(key_name(facts.path), KEY)
        return None if text is None else sddl_guard(text, changes=KEY_CHANGES)
    text = sddl_of(facts.path)
    return None if text is None else sddl_guard(text)
