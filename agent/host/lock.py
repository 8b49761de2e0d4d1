"""One agent per state folder: a lock that the system lets go of when its holder dies, however it dies, and whose it was."""

import contextlib
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil

_LONGEST_NUMBER, _BEYOND_WHAT_IS_READ = 20, 1 << 20
_CLOCKS_DIFFER_S = 0.1


class AlreadyHeldError(Exception):
    """Another process holds the lock."""


@contextlib.contextmanager
def held(path: Path) -> Iterator[None]:
    """Hold the lock file `path` for the length of the block, with the number of this process in it.

    Raises:
        AlreadyHeldError: another process holds it.
        OSError: the file cannot be made.
    """
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0), 0o600)
    try:
        try:
            _lock(descriptor)
        except OSError:
            raise AlreadyHeldError(str(path)) from None
        with contextlib.suppress(OSError):  # the lock holds on a full disk too
            os.ftruncate(descriptor, 0)
            os.lseek(descriptor, 0, os.SEEK_SET)
            os.write(descriptor, str(os.getpid()).encode())
        yield
    finally:
        os.close(descriptor)


def holder(path: Path) -> psutil.Process | None:
    """Return the process that holds the lock file `path`, or held it last and has not ended; None where there is none."""
    try:
        pid, since = int(path.read_bytes()[:_LONGEST_NUMBER]), path.stat().st_mtime
        process = psutil.Process(pid)
        return process if process.create_time() <= since + _CLOCKS_DIFFER_S else None  # else the number went to another
    except (OSError, ValueError, psutil.Error):
        return None


if sys.platform == "win32":
    import msvcrt

    def _lock(descriptor: int) -> None:
        os.lseek(descriptor, _BEYOND_WHAT_IS_READ, os.SEEK_SET)  # nobody else can read what is locked
        msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)

else:
    import fcntl

    def _lock(descriptor: int) -> None:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
