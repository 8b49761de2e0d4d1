"""The drives of a running Windows besides `C:`: those that are disks of this machine."""

import sys
from collections.abc import Mapping
from pathlib import Path
from string import ascii_uppercase

_FIXED = 3
"""What `GetDriveTypeW` says of a disk that stays in the machine; a share is another number (learn.microsoft.com)."""


def fixed_drives() -> Mapping[str, Path]:
    """Return the letters of further fixed disks with their roots; none on other systems."""
    if sys.platform == "win32":
        import ctypes  # noqa: PLC0415 - has this attribute on Windows only

        kind = ctypes.windll.kernel32.GetDriveTypeW
        return {
            letter: Path(f"{letter}:\\")
            for letter in ascii_uppercase
            if letter != "C" and kind(f"{letter}:\\") == _FIXED
        }
    return {}
