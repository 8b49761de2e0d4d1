"""Memory that the program no longer needs, and the C library keeps for later."""

import ctypes
import sys


def give_back() -> None:
    """Give it back to the system: after a large look it is many megabytes, and the next large look may be tomorrow."""
    if _trim is not None:
        _trim(0)


_trim = (
    getattr(ctypes.CDLL(None), "malloc_trim", None) if sys.platform == "linux" else None
)  # glibc's alone (malloc_trim(3))
