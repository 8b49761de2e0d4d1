"""The conversation with the Windows service control manager: it starts the daemon, hears how it stands, and asks it to end.

The manager calls back on threads of its own making, and the daemon lives on the main thread, where signals arrive; so the manager
is talked to on a second one. Until the daemon is ready every beat of it says that it is still coming.
(https://learn.microsoft.com/windows/win32/services/service-control-handler-function)
"""

import ctypes
import signal
import sys
import threading
from collections.abc import Callable
from ctypes import wintypes

from agent.core.refusal import CannotStart

assert sys.platform == "win32"  # noqa: S101 - tells the type checker too

_OWN_PROCESS = 0x10
_STOPPED, _START_PENDING, _STOP_PENDING, _RUNNING = 1, 2, 3, 4
_CONTROL_STOP, _CONTROL_INTERROGATE, _CONTROL_SHUTDOWN = 1, 4, 5
_ACCEPTS = 0x1 | 0x4  # stop and shutdown
_NOT_IMPLEMENTED = 120
_SPECIFIC_ERROR = 1066
_PENDING_MS = 30_000
_CALLED_WITHIN_S = 30.0


class _Status(ctypes.Structure):
    _fields_ = (
        ("kind", wintypes.DWORD),
        ("state", wintypes.DWORD),
        ("accepts", wintypes.DWORD),
        ("error", wintypes.DWORD),
        ("own_error", wintypes.DWORD),
        ("checkpoint", wintypes.DWORD),
        ("wait_ms", wintypes.DWORD),
    )


_Main = ctypes.WINFUNCTYPE(None, wintypes.DWORD, ctypes.c_void_p)
_Handler = ctypes.WINFUNCTYPE(wintypes.DWORD, wintypes.DWORD, wintypes.DWORD, ctypes.c_void_p, ctypes.c_void_p)


class _Entry(ctypes.Structure):
    _fields_ = (("name", wintypes.LPWSTR), ("main", _Main))


class ServiceControl:
    """The service manager of the daemon, as `agent.app.audience` wants one."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._api = ctypes.WinDLL("advapi32", use_last_error=True)
        self._api.RegisterServiceCtrlHandlerExW.restype = ctypes.c_void_p
        self._api.SetServiceStatus.argtypes = [ctypes.c_void_p, ctypes.c_void_p]
        self._handle: int | None = None
        self._called, self._over = threading.Event(), threading.Event()
        self._lock = threading.Lock()
        self._state, self._checkpoint = _START_PENDING, 0
        self._main, self._handler = _Main(self._be_called), _Handler(self._be_asked)  # kept: the system calls them
        self._thread = threading.Thread(target=self._dispatch, name="service-control", daemon=True)
        self._refused: OSError | None = None

    def serve(self, run: Callable[[], int]) -> int:
        """Run the daemon as the service that the manager started; return its exit status.

        Raises:
            CannotStart: the manager did not start this process.
        """
        self._thread.start()
        if not self._called.wait(_CALLED_WITHIN_S) or self._refused is not None:
            raise CannotStart(f"the service control manager starts this, not a person: sc start {self._name}")
        status = 1
        try:
            status = run()
        finally:
            self._say(_STOPPED, status)
            self._over.set()
            self._thread.join(_CALLED_WITHIN_S)
        return status

    def ready(self) -> None:
        """Say that everything was judged once."""
        self._say(_RUNNING)

    def alive(self) -> None:
        """Say that it is still coming, until it is there."""
        if self._state in (_START_PENDING, _STOP_PENDING):
            self._say(self._state)

    def says(self, text: str) -> None:
        """Say nothing: this manager shows no text."""

    def stopping(self) -> None:
        """Say that the daemon ends."""
        self._say(_STOP_PENDING)

    def _dispatch(self) -> None:
        """Lend this thread to the manager, until the service has stopped."""
        table = (_Entry * 2)(_Entry(self._name, self._main), _Entry())
        if not self._api.StartServiceCtrlDispatcherW(ctypes.byref(table)):
            self._refused = ctypes.WinError(ctypes.get_last_error())
            self._called.set()

    def _be_called(self, _count: int, _words: int | None) -> None:
        self._handle = self._api.RegisterServiceCtrlHandlerExW(self._name, self._handler, None)
        self._say(_START_PENDING)
        self._called.set()
        self._over.wait()

    def _be_asked(self, control: int, _kind: int, _data: int | None, _context: int | None) -> int:
        if control in (_CONTROL_STOP, _CONTROL_SHUTDOWN):
            self._say(_STOP_PENDING)
            signal.raise_signal(signal.SIGTERM)  # the main thread takes it as it takes any
            return 0
        if control == _CONTROL_INTERROGATE:
            return 0
        return _NOT_IMPLEMENTED

    def _say(self, state: int, status: int = 0) -> None:
        with self._lock:
            pending = state in (_START_PENDING, _STOP_PENDING)
            self._checkpoint = self._checkpoint + 1 if pending and state == self._state else int(pending)
            self._state = state
            told = _Status(
                _OWN_PROCESS,
                state,
                _ACCEPTS if state == _RUNNING else 0,
                _SPECIFIC_ERROR if status else 0,
                status,
                self._checkpoint,
                _PENDING_MS if pending else 0,
            )
            self._api.SetServiceStatus(self._handle, ctypes.byref(told))
