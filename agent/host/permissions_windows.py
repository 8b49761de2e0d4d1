"""The security descriptor of a file on Windows, in SDDL."""

import ctypes
import sys

_FILE, _REVISION = 1, 1
_OWNER_AND_DACL = 0x1 | 0x4


def sddl_of(path: str) -> str | None:
    """Return owner and DACL of the file or folder at `path` in SDDL; None where the system does not tell them."""
    if sys.platform == "win32":
        advapi, kernel = ctypes.WinDLL("advapi32"), ctypes.WinDLL("kernel32")
        kernel.LocalFree.argtypes = [ctypes.c_void_p]
        descriptor, text = ctypes.c_void_p(), ctypes.c_void_p()
        name, told = ctypes.c_wchar_p(path), ctypes.byref(descriptor)
        if advapi.GetNamedSecurityInfoW(name, _FILE, _OWNER_AND_DACL, None, None, None, None, told) != 0:
            return None
        convert = advapi.ConvertSecurityDescriptorToStringSecurityDescriptorW
        try:
            if not convert(descriptor, _REVISION, _OWNER_AND_DACL, ctypes.byref(text), None):
                return None
            return ctypes.wstring_at(text.value or 0)
        finally:
            kernel.LocalFree(text)
            kernel.LocalFree(descriptor)
    return None
