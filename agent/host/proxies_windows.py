"""The proxy that services of a Windows machine go through (WinHTTP): what `netsh winhttp set proxy` or a policy has set."""

import ctypes
import sys
from ctypes import wintypes

assert sys.platform == "win32"  # noqa: S101 - tells the type checker too

_NAMED_PROXY = 3
_EMPTY = ctypes.create_unicode_buffer("")
_NOTHING = ctypes.addressof(_EMPTY)


def machine_proxies() -> tuple[str, str]:
    """Return the list of proxies and the list of hosts that are reached straight, each empty where nothing is set."""
    api, kernel = ctypes.WinDLL("winhttp", use_last_error=True), ctypes.WinDLL("kernel32")
    kernel.GlobalFree.argtypes = [ctypes.c_void_p]
    info = _ProxyInfo()
    if not api.WinHttpGetDefaultProxyConfiguration(ctypes.byref(info)):
        return "", ""
    try:
        if info.access != _NAMED_PROXY:
            return "", ""
        return ctypes.wstring_at(info.proxy or _NOTHING), ctypes.wstring_at(info.bypass or _NOTHING)
    finally:
        for text in (info.proxy, info.bypass):
            if text:
                kernel.GlobalFree(text)


class _ProxyInfo(ctypes.Structure):
    _fields_ = (("access", wintypes.DWORD), ("proxy", ctypes.c_void_p), ("bypass", ctypes.c_void_p))
