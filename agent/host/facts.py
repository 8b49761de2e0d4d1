"""What the file system states, as the core's values."""

import os
import stat
from typing import Literal

from agent.core.place import Facts


def facts_of(found: os.stat_result, path: str, *, posix: bool = True) -> Facts:
    """Return the facts of `path`; without `posix` the owner means nothing and is given as 0."""
    kind: Literal["file", "folder", "link", "other"] = "other"
    if stat.S_ISREG(found.st_mode):
        kind = "file"
    elif stat.S_ISDIR(found.st_mode):
        kind = "folder"
    elif stat.S_ISLNK(found.st_mode):
        kind = "link"
    return Facts(
        path=path,
        kind=kind,
        mode=stat.S_IMODE(found.st_mode),
        uid=found.st_uid if posix else 0,
        gid=found.st_gid if posix else 0,
        size=found.st_size,
        mtime_ns=found.st_mtime_ns,
        ctime_ns=found.st_ctime_ns,
        device=found.st_dev,
        inode=found.st_ino,
        links=found.st_nlink,
    )


def code_units(name: str) -> bytes:
    """Sort as JavaScript compares strings, by UTF-16 code units."""
    return name.encode("utf-16-be", "surrogatepass")
