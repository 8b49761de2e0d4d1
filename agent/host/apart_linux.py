"""A piece of this program in a process of its own, and the line to it.

Threads of one Python wait for one another, and a thread that holds the interpreter waits for the processor like any other
program: on a busy machine longer than some programs live. A process of its own waits for nobody.
"""

import contextlib
import gc
import os
import pickle
import resource
import select
import signal
import socket
import struct
import sys
import threading
import traceback
import warnings
from collections.abc import Callable
from typing import Any

assert sys.platform == "linux"  # noqa: S101 - tells the type checker too

_LENGTH = struct.Struct("=I")
_CHUNK_BYTES = 1 << 16
_BUFFER_BYTES = 1 << 20
_KEPT = 3  # standard input, output and error
_NAME = b"mcp-listener"  # at most 15 bytes
_GRACE_S = 2.0
_NICE = -10
_AWAKE_US = 10_000_000
_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Line:
    """One end (`Channel`). Values go as pickles: both ends are this program, on a socket that has no name."""

    def __init__(self, end: socket.socket, process: int | None = None) -> None:
        self._end, self._process = end, process
        self._sending = threading.Lock()
        self._held = bytearray()

    def fileno(self) -> int:
        """Return the descriptor that is readable when something waits."""
        return self._end.fileno()

    def send(self, value: object) -> None:
        """Send a value that is not None, which is how `receive` says that nothing came.

        Raises:
            EOFError: the other end is gone.
        """
        body = pickle.dumps(value, pickle.HIGHEST_PROTOCOL)
        try:
            with self._sending:
                self._end.sendall(_LENGTH.pack(len(body)) + body)
        except OSError:
            raise EOFError from None

    def receive(self, timeout_s: float) -> Any:  # noqa: ANN401 - whatever was sent
        """Return the next value, None where none came within `timeout_s`.

        Raises:
            EOFError: the other end is gone.
        """
        while (value := self._next()) is None:
            if not _readable(self._end.fileno(), timeout_s):
                return None
            try:
                data = self._end.recv(_CHUNK_BYTES)
            except OSError:
                raise EOFError from None
            if not data:
                raise EOFError
            self._held += data
        return value

    def interrupt(self) -> None:
        """Let the present and each later `receive` raise EOFError."""
        with contextlib.suppress(OSError):
            self._end.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """Close this end, which tells the other one to end; wait a moment for that."""
        self.interrupt()
        self._end.close()
        process, self._process = self._process, None
        if process is not None:
            _reap(process)

    def abandon(self) -> None:
        """Close this end and kill the other, without waiting: what waits for a dead file system may end much later."""
        self.interrupt()
        self._end.close()
        process, self._process = self._process, None
        if process is not None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(process, signal.SIGKILL)
            with contextlib.suppress(ChildProcessError):
                os.waitpid(process, os.WNOHANG)

    def _next(self) -> Any:  # noqa: ANN401 - whatever was sent
        if len(self._held) < _LENGTH.size:
            return None
        (length,) = _LENGTH.unpack_from(self._held)
        if len(self._held) < _LENGTH.size + length:
            return None
        body = bytes(self._held[_LENGTH.size : _LENGTH.size + length])
        del self._held[: _LENGTH.size + length]
        return pickle.loads(body)  # noqa: S301 - from this program to itself


def apart(serve: Callable[[Line], None], *, name: bytes = _NAME, first: bool = True) -> Line:
    """Run `serve` in a process of its own, with one end of a line; return the other end.

    `name` is how it shows in the process list, at most 15 bytes; with `first` it goes before all other programs.

    The process is a fork: it costs what it writes to, not what it knows. It ends with `serve`, or when the line is closed.

    Raises:
        OSError: the system gives no process.
    """
    ours, theirs = socket.socketpair()
    for end in (ours, theirs):
        end.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _BUFFER_BYTES)
    with warnings.catch_warnings():
        # A second one is made beside threads, none of which it needs.
        warnings.simplefilter("ignore", DeprecationWarning)
        process = os.fork()
    if process == 0:
        _be_apart(serve, theirs, name, first=first)
    theirs.close()
    return Line(ours, process)


def _be_apart(serve: Callable[[Line], None], end: socket.socket, name: bytes, *, first: bool) -> None:
    """Live as the new process, to its end."""
    status = 0
    try:
        for number in _SIGNALS:
            signal.signal(number, signal.SIG_IGN)  # they go to the agent, whose end is this one's
        os.closerange(_KEPT, end.fileno())
        os.closerange(end.fileno() + 1, os.sysconf("SC_OPEN_MAX"))
        with contextlib.suppress(OSError), open("/proc/self/comm", "wb", buffering=0) as comm:  # noqa: PTH123
            comm.write(name)
        if first:
            _go_first()
        gc.freeze()  # what was known before stays shared with the agent
        serve(Line(end))
    except EOFError:
        status = 0
    except BaseException:  # noqa: BLE001 - nothing of the agent may go on in this process
        traceback.print_exc()
        status = 1
    finally:
        os._exit(status)


def _go_first() -> None:
    """Go before all other programs, as far as permitted; the kernel ends what then never sleeps."""
    try:
        resource.setrlimit(resource.RLIMIT_RTTIME, (_AWAKE_US, _AWAKE_US))
        os.sched_setscheduler(0, os.SCHED_RR | os.SCHED_RESET_ON_FORK, os.sched_param(1))
    except (OSError, ValueError):
        with contextlib.suppress(OSError):
            os.setpriority(os.PRIO_PROCESS, 0, _NICE)


def _readable(descriptor: int, timeout_s: float) -> bool:
    waiting = select.poll()
    waiting.register(descriptor, select.POLLIN)
    return bool(waiting.poll(timeout_s * 1000))


def _reap(process: int) -> None:
    """Wait for the end of a process that was told to end; see to it where it doesn't."""
    ended = False
    with contextlib.suppress(OSError):  # before Linux 5.3 there is no such descriptor
        handle = os.pidfd_open(process)
        try:
            ended = _readable(handle, _GRACE_S)
        finally:
            os.close(handle)
    if not ended:
        with contextlib.suppress(ProcessLookupError):
            os.kill(process, signal.SIGKILL)
    with contextlib.suppress(ChildProcessError):
        os.waitpid(process, 0)
