"""Values in the real registry for the length of a block, and descriptors for keys and files."""

import ctypes
import sys
from collections.abc import Iterator
from contextlib import contextmanager

if sys.platform == "win32":
    import winreg

    KEY = r"SOFTWARE\Policies\ClaudeCode"
    MACHINE, USER = winreg.HKEY_LOCAL_MACHINE, winreg.HKEY_CURRENT_USER
    DACL = 0x4

    @contextmanager
    def value(
        hive: int, data: str | int, kind: int = winreg.REG_SZ, name: str = "Settings", key: str = KEY
    ) -> Iterator[None]:
        """Hold one value in a policy key of `hive`; the key goes with it."""
        with winreg.CreateKeyEx(hive, key, 0, winreg.KEY_ALL_ACCESS | winreg.KEY_WOW64_64KEY) as opened:
            winreg.SetValueEx(opened, name, 0, kind, data)
        try:
            yield
        finally:
            winreg.DeleteKeyEx(hive, key, winreg.KEY_WOW64_64KEY, 0)

    @contextmanager
    def protected(hive: int, sddl: str) -> Iterator[None]:
        """Hold the policy key of `hive` under the access control list `sddl`."""
        with winreg.CreateKeyEx(hive, KEY, 0, winreg.KEY_ALL_ACCESS | winreg.KEY_WOW64_64KEY) as key:
            advapi = ctypes.WinDLL("advapi32")
            if (code := advapi.RegSetKeySecurity(ctypes.c_void_p(key.handle), DACL, _descriptor(sddl))) != 0:
                raise OSError(code, f"RegSetKeySecurity {sddl}")
            yield

    def protect(path: str, sddl: str) -> None:
        """Give a file or folder the access control list `sddl`."""
        if not ctypes.WinDLL("advapi32").SetFileSecurityW(ctypes.c_wchar_p(path), DACL, _descriptor(sddl)):
            raise OSError(f"SetFileSecurityW {path} {sddl}")

    def _descriptor(sddl: str) -> ctypes.c_void_p:
        found = ctypes.c_void_p()
        convert = ctypes.WinDLL("advapi32").ConvertStringSecurityDescriptorToSecurityDescriptorW
        if not convert(ctypes.c_wchar_p(sddl), 1, ctypes.byref(found), None):
            raise ValueError(sddl)
        return found
