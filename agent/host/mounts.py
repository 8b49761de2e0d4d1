"""Which file systems may be entered: local ones. A network share or a program's own file system may never answer.

Who may write in a home may put a mount there, or a link to one; even asking such a folder for its owner can wait for ever. So a
mount point is told by its path, from the system's table of mounts, before anything is asked of it.
"""

import os
import stat
import sys
import threading
import time
from collections.abc import Callable, Mapping

_FRESH_S = 1.0
_LOCAL = frozenset(
    {
        "ext2",
        "ext3",
        "ext4",
        "xfs",
        "btrfs",
        "zfs",
        "f2fs",
        "jfs",
        "reiserfs",
        "bcachefs",
        "erofs",
        "squashfs",
        "iso9660",
    }
    | {"udf", "overlay", "overlayfs", "aufs", "tmpfs", "ramfs", "devtmpfs", "vfat", "msdos", "exfat", "ntfs", "ntfs3"}
    | {
        "fuseblk",
        "ecryptfs",
        "hfs",
        "apfs",
        "ufs",
        "ffs",
        "devfs",
        "proc",
        "sysfs",
        "devpts",
        "cgroup",
        "cgroup2",
        "nullfs",
    }
)
"""`fuseblk` is a disk that only an administrator can mount; every other FUSE file system is a program."""


class Mounts:
    """The mounts that are not entered. `table` returns mount point → type; it is read again when it is a second old.

    `entered` are mount points and types that are entered although they may never answer.
    """

    def __init__(
        self, table: Callable[[], Mapping[str, str]] | None = None, entered: frozenset[str] = frozenset()
    ) -> None:
        self._table, self._entered = table or _system_table, entered
        self._foreign: Mapping[str, str] = {}
        self._due = 0.0
        self._lock = threading.Lock()

    def foreign(self, path: str) -> str | None:
        """Return the type of what is mounted at `path` where it may never answer, None where it may be entered."""
        if time.monotonic() >= self._due:
            self._refresh()
        return self._foreign.get(path)

    def entering(self, entered: frozenset[str]) -> "Mounts":
        """Return the same mounts, of which these points and types are entered."""
        return Mounts(self._table, entered)

    def points(self) -> Mapping[str, str]:
        """Return everything that is mounted and not entered: mount point → type."""
        if time.monotonic() >= self._due:
            self._refresh()
        return self._foreign

    def forget(self) -> None:
        """Read the table again at the next question."""
        self._due = 0.0

    def _refresh(self) -> None:
        with self._lock:
            found = self._table()
            self._foreign = {
                point: kind
                for point, kind in found.items()
                if point != "/" and kind.lower() not in _LOCAL and not self._entered & {point, kind}
            }
            self._due = time.monotonic() + _FRESH_S


def _system_table() -> Mapping[str, str]:
    """Return this machine's mounts. Of several at one point the last, which hides the others, counts."""
    if sys.platform == "win32":
        return {}  # a share is another drive there, and other drives are not entered
    import psutil  # noqa: PLC0415 - not needed on Windows

    try:
        return {part.mountpoint: part.fstype for part in psutil.disk_partitions(all=True)}
    except (OSError, psutil.Error):
        return {}


SYSTEM_MOUNTS = Mounts()
"""This machine's; every tree shares what was read of it."""


def is_local_folder(path: str, mounts: Mounts = SYSTEM_MOUNTS) -> bool:
    """Say whether `path`, in a folder that is one, is a local folder itself. A link counts where an administrator made it."""
    try:
        if mounts.foreign(path) is not None:
            return False
        found = os.lstat(path)
        if stat.S_ISLNK(found.st_mode) and found.st_uid == 0:
            found = os.stat(path)  # noqa: PTH116 - `pathlib` takes ten times as long, and this is asked of every folder above
    except (OSError, ValueError):
        return False
    return stat.S_ISDIR(found.st_mode)
