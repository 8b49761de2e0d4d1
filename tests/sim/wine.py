"""Whether the tests run under Wine, which is not all of Windows: what it cannot show is listed after the tests."""

import ctypes
import sys

import pytest


def _under_wine() -> bool:
    if sys.platform == "win32":
        return hasattr(ctypes.windll.ntdll, "wine_get_version")
    return False


UNDER_WINE = _under_wine()
WITHOUT_PROCESS_IMAGES = pytest.mark.skipif(
    UNDER_WINE, reason="Wine does not tell what a process runs, so psutil guesses"
)
WITHOUT_PENDING_DELETION = pytest.mark.skipif(UNDER_WINE, reason="under Wine a deleted folder that is open still shows")

NOT_SHOWN = (
    "which program a process runs, and its name (SystemProcessIdInformation): the rules are tested on recorded trees",
    "descriptors of files beyond owner, everyone and their rights: recorded descriptors, and registry keys, stand in",
    "junctions, symbolic links and pending deletions: the reader's rules for them are tested on POSIX",
    "another user's hive, the service manager, what the Event Log keeps, a WSL distribution, real accounts and integrity levels",
    "the program's name for errors of certificates: sinks are tested on the other systems",
)
"""What these tests leave to a real Windows."""
