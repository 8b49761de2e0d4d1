"""The Credential Manager, and what the machine's own key protects (DPAPI), of Windows."""

import ctypes
import errno
import sys
from ctypes import wintypes

_SERVICE = "mcp-compliance-agent"
_GENERIC = 1
_UI_FORBIDDEN, _LOCAL_MACHINE = 0x1, 0x4


def in_credential_manager(name: str) -> bytes:
    """Return a generic credential of the account that this process runs as.

    Raises:
        ValueError: there is none of that name.
    """
    target = f"{_SERVICE}/{name}"
    if sys.platform == "win32":
        api = ctypes.WinDLL("advapi32", use_last_error=True)
        api.CredFree.argtypes = [ctypes.c_void_p]
        found = ctypes.POINTER(Credential)()
        if api.CredReadW(target, _GENERIC, 0, ctypes.byref(found)):
            try:
                return _text(ctypes.string_at(found.contents.blob, found.contents.size))
            finally:
                api.CredFree(found)
    raise ValueError(f"the Credential Manager of this account holds no generic credential {target}")


def unprotected(held: bytes) -> bytes:
    """Return what DPAPI protected on this machine.

    Raises:
        OSError: it was protected on another one, or is damaged.
    """
    return _through("CryptUnprotectData", held, _UI_FORBIDDEN)


def protected(plain: bytes) -> bytes:
    """Return `plain` so that only this machine can read it; who may read the file on it is the file's own matter.

    Raises:
        OSError: the system refuses.
    """
    return _through("CryptProtectData", plain, _UI_FORBIDDEN | _LOCAL_MACHINE)


def _through(function: str, given: bytes, flags: int) -> bytes:
    if sys.platform == "win32":
        api, kernel = ctypes.WinDLL("crypt32", use_last_error=True), ctypes.WinDLL("kernel32")
        kernel.LocalFree.argtypes = [ctypes.c_void_p]
        buffer = ctypes.create_string_buffer(given, len(given))
        before, after = _Blob(len(given), ctypes.cast(buffer, ctypes.c_void_p)), _Blob()
        if not getattr(api, function)(ctypes.byref(before), None, None, None, None, flags, ctypes.byref(after)):
            raise ctypes.WinError(ctypes.get_last_error())
        try:
            return ctypes.string_at(after.data, after.size)
        finally:
            kernel.LocalFree(after.data)
    raise OSError(errno.ENOSYS, "Windows alone protects like that")


def _text(blob: bytes) -> bytes:
    """Return a password as bytes: Windows' own tools keep it in UTF-16, programs often in UTF-8."""
    return blob[::2] if blob and not any(blob[1::2]) and len(blob) % 2 == 0 else blob


class _Blob(ctypes.Structure):
    _fields_ = (("size", wintypes.DWORD), ("data", ctypes.c_void_p))


class Credential(ctypes.Structure):
    """CREDENTIALW of wincred.h."""

    _fields_ = (
        ("flags", wintypes.DWORD),
        ("type", wintypes.DWORD),
        ("target", wintypes.LPWSTR),
        ("comment", wintypes.LPWSTR),
        ("written", wintypes.FILETIME),
        ("size", wintypes.DWORD),
        ("blob", ctypes.c_void_p),
        ("persist", wintypes.DWORD),
        ("attributes", wintypes.DWORD),
        ("attribute_list", ctypes.c_void_p),
        ("alias", wintypes.LPWSTR),
        ("user", wintypes.LPWSTR),
    )
