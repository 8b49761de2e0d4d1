"""A line between two processes of this program: values go both ways, and either end notices when the other is gone."""

import contextlib
import os
import pickle
import select
import signal
import socket
import struct
import sys
import threading
from typing import Any

assert sys.platform == "linux"  # noqa: S101 - tells the type checker too

_LENGTH = struct.Struct("=I")
_CHUNK_BYTES = 1 << 16
_BUFFER_BYTES = 1 << 20
_GRACE_S = 2.0
_abandoned: set[int] = set()
"""Processes that were killed and may not have ended yet: one that waits for a dead file system does so when that lets it go."""


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
            _abandoned.add(process)
        _reap_abandoned()

    def _next(self) -> Any:  # noqa: ANN401 - whatever was sent
        if len(self._held) < _LENGTH.size:
            return None
        (length,) = _LENGTH.unpack_from(self._held)
        if len(self._held) < _LENGTH.size + length:
            return None
        body = bytes(self._held[_LENGTH.size : _LENGTH.size + length])
        del self._held[: _LENGTH.size + length]
        return pickle.loads(body)  # noqa: S301 - from this program to itself


def pair() -> tuple[socket.socket, socket.socket]:
    """Return two ends that a line can be made of."""
    ends = socket.socketpair()
    for end in ends:
        end.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _BUFFER_BYTES)
    return ends


def _readable(descriptor: int, timeout_s: float) -> bool:
    waiting = select.poll()
    waiting.register(descriptor, select.POLLIN)
    return bool(waiting.poll(timeout_s * 1000))


def _reap_abandoned() -> None:
    """Take leave of those that have ended since, so that they do not stay in the process table."""
    for process in tuple(_abandoned):
        try:
            ended, _ = os.waitpid(process, os.WNOHANG)
        except ChildProcessError:
            ended = process
        if ended:
            _abandoned.discard(process)


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
