"""The kernel's process connector: every program that starts, told over netlink as it happens (cn_proc.h, connector.rst).

It is spoken in the first network, user and pid namespace only; older kernels want CAP_NET_ADMIN. A classic BPF filter on the
socket lets the kernel drop everything but exec, and the exit of processes that are followed: a laptop forks far more than it
starts programs. One event is taken at a time, so that its process is read before the next one.
"""

import errno
import os
import select
import socket
import struct
import sys
from array import array
from collections.abc import Collection, Sequence
from contextlib import suppress

from agent.ports import EventsLost, Told

assert sys.platform == "linux"  # noqa: S101 - tells the type checker too

_NETLINK_CONNECTOR = 11
_CN_IDX_PROC, _CN_VAL_PROC = 1, 1
_LISTEN, _IGNORE = 1, 2
_NLMSG_DONE = 3
_SO_ATTACH_FILTER, _SO_RCVBUFFORCE = 26, 33

_HEADER = struct.Struct("=IHHII")  # netlink: length, type, flags, sequence, port
_CONNECTOR = struct.Struct("=IIIIHH")  # idx, val, seq, ack, length, flags
_EVENT = struct.Struct("=IIQII")  # what, cpu, nanoseconds, process, thread group (of an acknowledgement: error)
_EVENT_AT = _HEADER.size + _CONNECTOR.size
_PROCESS_AT = _EVENT_AT + 16
_NONE, _EXEC, _EXIT = 0, 0x00000002, 0x80000000

_MESSAGE_BYTES = 4096
_ANSWER_S = 1.0

_NOTHING = Told()

FOLLOWED_MAX = 200
"""Processes whose exit is told: a jump of classic BPF reaches 255 instructions."""


BUFFER_BYTES = 4 << 20
"""What the kernel holds for whoever does not take it: some five thousand events, ten seconds of a storm."""


class ProcConnector:
    """`ProcessEvents` on Linux."""

    name = "process connector (netlink)"

    def __init__(self, beside: int | None = None, buffer_bytes: int = BUFFER_BYTES) -> None:
        """Subscribe; a `wait` ends, too, when something can be read from the descriptor `beside`.

        What does not fit into `buffer_bytes` is lost, and told as an overrun.

        Raises:
            OSError: the kernel does not offer it, or not to this process.
        """
        self._socket = socket.socket(
            socket.AF_NETLINK,
            socket.SOCK_DGRAM | socket.SOCK_CLOEXEC,
            _NETLINK_CONNECTOR,
        )
        self._waiting = select.poll()
        for descriptor in (self._socket.fileno(), *([] if beside is None else [beside])):
            self._waiting.register(descriptor, select.POLLIN)
        try:
            with suppress(PermissionError):
                self._socket.setsockopt(socket.SOL_SOCKET, _SO_RCVBUFFORCE, buffer_bytes)
            self.follow(())
            self._socket.bind((0, _CN_IDX_PROC))
            self._subscribe()
        except OSError:
            self.close()
            raise

    def wait(self, timeout_s: float) -> Told:
        """Return what was told since the last call, after at most `timeout_s`.

        Raises:
            EventsLost: the kernel tells no more.
        """
        try:
            data = self._taken() or (self._taken() if self._waiting.poll(timeout_s * 1000) else b"")
        except OSError as error:
            if error.errno != errno.ENOBUFS:
                raise EventsLost(f"the kernel's process connector failed: {error.strerror}") from None
            return Told(overrun=True)
        if len(data) < _EVENT_AT + _EVENT.size:
            return _NOTHING
        what, _, _, pid, group = _EVENT.unpack_from(data, _EVENT_AT)
        if what == _EXEC:
            return Told(started=(group,))
        return Told(ended=(pid,)) if what == _EXIT and pid == group else _NOTHING

    def _taken(self) -> bytes:
        """Return the next message, empty where none waits."""
        try:
            return self._socket.recv(_MESSAGE_BYTES, socket.MSG_DONTWAIT)
        except BlockingIOError:
            return b""

    def follow(self, pids: Collection[int]) -> None:
        """Let the exit of exactly these processes be told too, as far as the filter holds them."""
        program = _program(sorted(pids)[-FOLLOWED_MAX:])
        code = b"".join(struct.pack("=HBBI", *line) for line in program)
        held = _pinned(code)
        self._socket.setsockopt(
            socket.SOL_SOCKET, _SO_ATTACH_FILTER, struct.pack("@HP", len(program), held.buffer_info()[0])
        )

    def interrupt(self) -> None:
        """Let the kernel acknowledge the subscription once more, which ends a `wait`."""
        self._ask(_LISTEN)

    def close(self) -> None:
        """End the subscription. Older kernels go on making events for nobody unless they are told."""
        with suppress(OSError):
            self._ask(_IGNORE)
        self._socket.close()

    def _subscribe(self) -> None:
        """Ask for events, and wait for the answer: in a namespace of its own a process is not answered at all."""
        self._ask(_LISTEN)
        self._socket.settimeout(_ANSWER_S)
        try:
            while True:
                data = self._socket.recv(_MESSAGE_BYTES)
                what, _, _, error, _ = _EVENT.unpack_from(data, _EVENT_AT)
                if what == _NONE:
                    break
        except TimeoutError:
            raise OSError(errno.ENOTSUP, "the kernel does not answer; this is a container or a namespace") from None
        if error:
            raise OSError(error, os.strerror(error))
        self._socket.settimeout(None)

    def _ask(self, operation: int) -> None:
        body = struct.pack("=I", operation)
        message = _CONNECTOR.pack(_CN_IDX_PROC, _CN_VAL_PROC, 0, 0, len(body), 0) + body
        self._socket.send(_HEADER.pack(_HEADER.size + len(message), _NLMSG_DONE, 0, 0, 0) + message)


def _pinned(code: bytes) -> "array[int]":
    """Return the bytes at an address that stays while the object lives."""
    return array("B", code)


_LOAD, _JUMP_EQUAL, _RETURN = 0x20, 0x15, 0x06
_ACCEPT, _DROP = (_RETURN, 0, 0, 0xFFFFFFFF), (_RETURN, 0, 0, 0)


def _program(pids: Sequence[int]) -> list[tuple[int, int, int, int]]:
    """Return the filter: exec and acknowledgements pass, an exit passes where its process is one of `pids`.

    The filter loads numbers in network order, the kernel writes them in the machine's: constants are swapped here.
    """
    lines = [
        (_LOAD, 0, 0, _EVENT_AT),
        (_JUMP_EQUAL, len(pids) + 4, 0, socket.htonl(_EXEC)),
        (_JUMP_EQUAL, len(pids) + 3, 0, socket.htonl(_NONE)),
        (_JUMP_EQUAL, 0, len(pids) + 1, socket.htonl(_EXIT)),
        (_LOAD, 0, 0, _PROCESS_AT),
    ]
    lines += [(_JUMP_EQUAL, len(pids) - place, 0, socket.htonl(pid)) for place, pid in enumerate(pids)]
    return [*lines, _DROP, _ACCEPT]
