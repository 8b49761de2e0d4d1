"""The security descriptor of a file, a folder or a registry key on Windows, in SDDL."""

import ctypes
import sys

FILE, KEY = 1, 4
"""What a path names: SE_FILE_OBJECT and SE_REGISTRY_KEY of accctrl.h."""
_REVISION = 1
_OWNER_AND_DACL = 0x1 | 0x4
_HIVES = {"HKLM": "MACHINE", "HKU": "USERS"}


def key_name(value: str) -> str:
    r"""Return what the security functions call the key that holds the value at `value` (`HKLM\SOFTWARE\X\Value`)."""
    hive, _, rest = value.rpartition("\\")[0].partition("\\")
    return f"{_HIVES.get(hive, hive)}\\{rest}"


def sddl_of(path: str, kind: int = FILE) -> str | None:
    """Return owner and DACL of what `path` names in SDDL; None where the system does not tell them."""
    if sys.platform == "win32":
        advapi, kernel = ctypes.WinDLL("advapi32"), ctypes.WinDLL("kernel32")
        kernel.LocalFree.argtypes = [ctypes.c_void_p]
        descriptor, text = ctypes.c_void_p(), ctypes.c_void_p()
        name, told = ctypes.c_wchar_p(path), ctypes.byref(descriptor)
        if advapi.GetNamedSecurityInfoW(name, kind, _OWNER_AND_DACL, None, None, None, None, told) != 0:
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
