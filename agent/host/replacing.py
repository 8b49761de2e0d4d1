"""Files that are replaced as a whole: a reader, and a crash at any moment, sees the old one or the new one, never a part.

The content is on the disk before the name leads to it; otherwise a power cut could leave the name with nothing behind it.
There is one writer per file: a second one at the same time gets an error.
"""

import contextlib
import os
from pathlib import Path


def replace_file(path: Path, payload: bytes, *, mode: int, owner: int | None = None) -> None:
    """Replace `path` by `payload` atomically, with this mode, and this owner where one is given (POSIX, as root).

    Raises:
        OSError: it cannot be written; the old file stays.
    """
    fresh = path.with_name(f".{path.name}.new")
    fresh.unlink(missing_ok=True)  # what a crash left, or what somebody put there
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0)
    descriptor = os.open(fresh, flags, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(payload)
            stream.flush()
            os.fsync(stream.fileno())
            if hasattr(os, "fchmod"):
                os.fchmod(stream.fileno(), mode)
            if owner is not None and hasattr(os, "fchown"):
                os.fchown(stream.fileno(), owner, -1)
        fresh.replace(path)
    except BaseException:
        with contextlib.suppress(OSError):
            fresh.unlink()
        raise


def replace_durably(path: Path, payload: bytes) -> None:
    """Replace `path` as `replace_file` does, for its owner alone; then not even a power cut brings the old one back.

    Raises:
        OSError: it cannot be written; the old file stays, or the new one is there and may not last.
    """
    replace_file(path, payload, mode=0o600)
    sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    """Let the names in `folder` last over a power cut, where the system has that (NTFS logs them by itself).

    Raises:
        OSError: the disk did not take it.
    """
    if os.name != "posix":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
