"""One agent per state folder: a lock that the system lets go of when its holder dies, however it dies."""

import contextlib
import os
import sys
from collections.abc import Iterator
from pathlib import Path


class AlreadyHeldError(Exception):
    """Another process holds the lock."""


@contextlib.contextmanager
def held(path: Path) -> Iterator[None]:
    """Hold the lock file `path` for the length of the block.

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
        yield
    finally:
        os.close(descriptor)


if sys.platform == "win32":
    import msvcrt

    def _lock(descriptor: int) -> None:
        msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)

else:
    import fcntl

    def _lock(descriptor: int) -> None:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
