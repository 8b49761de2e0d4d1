"""Windows: the kernel's process trace, by event tracing: every process that starts, with its command line.

The session belongs to the system and outlives a process that was killed: one that an earlier agent left is stopped first. Its
buffers are handed over once a second, the least that the documentation offers; a process that is gone by then is known by what
its record says. Nothing else but this system logger (Windows 8 and later) tells the command lines of those.
"""

import ctypes
import queue
import sys
import threading
import time
from collections.abc import Collection
from contextlib import suppress
from uuid import uuid4

from agent.host.etw_records import Logfile, Properties, RecordCallback, Word, read_record
from agent.ports import EventsLost, Told

assert sys.platform == "win32"  # noqa: S101 - tells the type checker too

_NAME = "mcp-compliance-agent processes"
_WNODE_FLAG_TRACED_GUID = 0x00020000
_REAL_TIME, _SYSTEM_LOGGER = 0x00000100, 0x02000000
_FLAG_PROCESS = 0x00000001
_CLOCK_SYSTEM_TIME = 2
_QUERY, _STOP = 0, 1
_PROCESS_REAL_TIME, _PROCESS_RECORDS = 0x00000100, 0x10000000
_ALREADY_EXISTS = 183
_INVALID_HANDLE = 0xFFFFFFFFFFFFFFFF
_BUFFER_KB, _MOST_BUFFERS = 64, 64
_ASK_EVERY_S = 10.0
_JOIN_S = 5.0


class KernelTrace:
    """`ProcessEvents` on Windows. Records come on a thread that the system's call occupies until the trace is closed."""

    name = "kernel process trace (ETW)"

    def __init__(self) -> None:
        """Begin a session.

        Raises:
            OSError: the system gives none to this process.
        """
        self._api = ctypes.WinDLL("advapi32")
        self._api.OpenTraceW.restype = ctypes.c_uint64
        self._words: queue.SimpleQueue[Word | None] = queue.SimpleQueue()
        self._followed: frozenset[int] = frozenset()
        self._over = False
        self._lost, self._asked = 0, time.monotonic()
        self._session = self._begin()
        self._callback = RecordCallback(self._take)
        logfile = Logfile(logger_name=_NAME, mode=_PROCESS_REAL_TIME | _PROCESS_RECORDS)
        logfile.record_callback = self._callback
        self._trace = ctypes.c_uint64(self._api.OpenTraceW(ctypes.byref(logfile)))
        if self._trace.value == _INVALID_HANDLE:
            error = ctypes.WinError()
            self._control(_STOP)
            raise error
        self._thread = threading.Thread(target=self._process, name="etw", daemon=True)
        self._thread.start()

    def wait(self, timeout_s: float) -> Told:
        """Return what was told since the last call, after at most `timeout_s`.

        Raises:
            EventsLost: somebody has stopped the session.
        """
        words: list[Word | None] = []
        with suppress(queue.Empty):
            words.append(self._words.get(timeout=timeout_s))
            while True:
                words.append(self._words.get_nowait())
        if self._over:
            raise EventsLost("the kernel's process trace was stopped")
        started = [word.started for word in words if word is not None and word.started is not None]
        return Told(
            tuple(process.pid for process in started),
            tuple(word.ended for word in words if word is not None and word.ended in self._followed),
            overrun=self._overrun(),
            outlined={process.pid: process for process in started},
        )

    def follow(self, pids: Collection[int]) -> None:
        """Let the end of exactly these processes be told too."""
        self._followed = frozenset(pids)

    def interrupt(self) -> None:
        """Let the present or next `wait` return at once."""
        self._words.put(None)

    def close(self) -> None:
        """End the session."""
        self._control(_STOP)
        self._api.CloseTrace(self._trace)
        self._thread.join(_JOIN_S)

    def _begin(self) -> ctypes.c_uint64:
        session = ctypes.c_uint64()
        status = self._start(session)
        if status == _ALREADY_EXISTS:
            self._control(_STOP)
            status = self._start(session)
        if status:
            raise ctypes.WinError(status)
        return session

    def _start(self, session: ctypes.c_uint64) -> int:
        wanted = _properties()
        status: int = self._api.StartTraceW(ctypes.byref(session), ctypes.c_wchar_p(_NAME), ctypes.byref(wanted))
        return status

    def _control(self, code: int) -> Properties:
        found = _properties()
        self._api.ControlTraceW(ctypes.c_uint64(0), ctypes.c_wchar_p(_NAME), ctypes.byref(found), ctypes.c_uint32(code))
        return found

    def _process(self) -> None:
        self._api.ProcessTrace(ctypes.byref(self._trace), ctypes.c_uint32(1), None, None)
        self._over = True
        self._words.put(None)

    def _take(self, record: "ctypes._Pointer[ctypes.Structure]") -> None:
        word = read_record(record.contents)  # type: ignore[arg-type] # the callback's own structure
        if word is not None:
            self._words.put(word)

    def _overrun(self) -> bool:
        """Say whether records were lost since this was asked last; the session counts them."""
        if time.monotonic() - self._asked < _ASK_EVERY_S:
            return False
        self._asked = time.monotonic()
        found = self._control(_QUERY)
        before, self._lost = self._lost, found.events_lost + found.buffers_lost
        return self._lost > before


def _properties() -> Properties:
    found = Properties()
    found.wnode.buffer_bytes = ctypes.sizeof(Properties)
    found.wnode.flags = _WNODE_FLAG_TRACED_GUID
    found.wnode.clock = _CLOCK_SYSTEM_TIME
    found.wnode.guid = (ctypes.c_uint8 * 16)(*uuid4().bytes_le)
    found.buffer_kb, found.most_buffers, found.flush_s = _BUFFER_KB, _MOST_BUFFERS, 1
    found.mode = _REAL_TIME | _SYSTEM_LOGGER
    found.enable = _FLAG_PROCESS
    found.name_at = Properties.name.offset
    return found
