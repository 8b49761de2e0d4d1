"""Windows' Event Log: one entry under a source that the installer registers, whose message file shows the text as it is."""

import contextlib
import ctypes
import errno
import sys
from ctypes import wintypes

ERROR, WARNING, INFORMATION = 1, 2, 4
"""Types of entries, as winnt.h has them."""
_EVENT_ID = 1
_TEXT_MOST = 31_839
"""Characters of one string (ReportEventW)."""


def report(source: str, kind: int, text: str) -> None:
    """Write one entry of `kind`.

    Raises:
        OSError: it cannot be written.
    """
    if sys.platform == "win32":
        api = ctypes.WinDLL("advapi32", use_last_error=True)
        api.RegisterEventSourceW.restype = wintypes.HANDLE  # a whole pointer: half of one is no handle
        api.RegisterEventSourceW.argtypes = [wintypes.LPCWSTR, wintypes.LPCWSTR]
        api.ReportEventW.argtypes = [
            wintypes.HANDLE,
            wintypes.WORD,
            wintypes.WORD,
            wintypes.DWORD,
            ctypes.c_void_p,
            wintypes.WORD,
            wintypes.DWORD,
            ctypes.POINTER(wintypes.LPCWSTR),
            ctypes.c_void_p,
        ]
        api.DeregisterEventSource.argtypes = [wintypes.HANDLE]
        handle = api.RegisterEventSourceW(None, source)
        if not handle:
            raise ctypes.WinError(ctypes.get_last_error())
        try:
            strings = (wintypes.LPCWSTR * 1)(text.replace("\0", "")[:_TEXT_MOST])
            if not api.ReportEventW(handle, kind, 0, _EVENT_ID, None, 1, 0, strings, None):
                raise ctypes.WinError(ctypes.get_last_error())
        finally:
            with contextlib.suppress(OSError):
                api.DeregisterEventSource(handle)
    else:
        raise OSError(errno.ENOSYS, "Windows alone has an Event Log")
