"""What the file system states, as the core's values."""

import os
import stat
from functools import lru_cache
from typing import Literal

from agent.core.place import Facts

_NO_MODE = 0o755


def facts_of(found: os.stat_result, path: str, *, posix: bool = True) -> Facts:
    """Return the facts of `path`; without `posix` owner and mode mean nothing: they are given as root's, for others to read.

    Windows has no such mode: Python makes up 0777 for every folder and 0666 for every file that is not read-only.
    """
    return _facts(
        path,
        found.st_mode if posix else stat.S_IFMT(found.st_mode) | _NO_MODE,
        found.st_uid if posix else 0,
        found.st_gid if posix else 0,
        found.st_size,
        found.st_mtime_ns,
        found.st_ctime_ns,
        found.st_dev,
        found.st_ino,
        found.st_nlink,
    )


def code_units(name: str) -> bytes:
    """Sort as JavaScript compares strings, by UTF-16 code units."""
    return name.encode("utf-16-be", "surrogatepass")


@lru_cache(maxsize=4096)  # the folders above the files of one look are passed again and again
def _facts(  # noqa: PLR0913, PLR0917 - the fields of a stat
    path: str,
    mode: int,
    uid: int,
    gid: int,
    size: int,
    mtime_ns: int,
    ctime_ns: int,
    device: int,
    inode: int,
    links: int,
) -> Facts:
    kind: Literal["file", "folder", "link", "other"] = "other"
    if stat.S_ISREG(mode):
        kind = "file"
    elif stat.S_ISDIR(mode):
        kind = "folder"
    elif stat.S_ISLNK(mode):
        kind = "link"
    return Facts(path, kind, stat.S_IMODE(mode), uid, gid, size, mtime_ns, ctime_ns, device, inode, links)
