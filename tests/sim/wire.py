"""The network between devices and copies of an endpoint, as a load balancer joins them; it fails at a byte that a test chooses.

Each connection is carried to the next copy, and meets the next fault of the script; with none left it is carried as it is.
"""

import contextlib
import re
import selectors
import socket
import struct
import threading
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import Enum
from itertools import cycle
from types import TracebackType
from typing import Self

_PIECE = 65_536
_RESET = struct.pack("ii", 1, 0)
"""For SO_LINGER: closing sends a reset."""


class Way(Enum):
    """Where the bytes go that a fault waits for."""

    REQUEST = "request"
    ANSWER = "answer"


class How(Enum):
    """What happens: the connection ends in order or is reset for both sides, or nothing gets through and nobody is told."""

    END = "end"
    RESET = "reset"
    STALL = "stall"


@dataclass(frozen=True)
class Fault:
    """`after` bytes get through on their `way`; then it happens, as soon as there is one to carry or the last has passed.

    None: it happens once a request has gone through whole.
    """

    way: Way
    after: int | None
    how: How


@dataclass
class Passed:
    """How many bytes of one connection got through."""

    request: int = 0
    answer: int = 0

    def of(self, way: Way) -> int:
        return int(getattr(self, way.value))

    def add(self, way: Way, size: int) -> None:
        setattr(self, way.value, self.of(way) + size)


@dataclass(eq=False)
class Wire:
    """Listens on loopback, and carries to `ports` of it in turn."""

    ports: Sequence[int]
    tls: bool = False
    """Whether what it carries is TLS, which is nothing to it but the scheme of its address."""

    passed: list[Passed] = field(default_factory=list, init=False)
    """Of each connection, in their order."""

    def __post_init__(self) -> None:
        self._script: deque[Fault] = deque()
        self._next = cycle(self.ports)
        self._live: list[socket.socket] = []
        self._closing = threading.Event()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._threads = [threading.Thread(target=self._take)]
        self._threads[0].start()

    @property
    def url(self) -> str:
        return f"http{'s' if self.tls else ''}://127.0.0.1:{self._listener.getsockname()[1]}/v1/events"

    def fails(self, *faults: Fault) -> None:
        """Let the connections to come meet these."""
        self._script.extend(faults)

    @property
    def met(self) -> bool:
        """Whether every fault has found its connection."""
        return not self._script

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._closing.set()
        for end in (self._listener, *self._live):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join()
        for end in (self._listener, *self._live):
            end.close()

    def _take(self) -> None:
        with contextlib.suppress(OSError):
            while not self._closing.is_set():
                near, _ = self._listener.accept()
                far = socket.create_connection(("127.0.0.1", next(self._next)))
                self._live += near, far
                fault = self._script.popleft() if self._script else None
                self.passed.append(Passed())
                thread = threading.Thread(target=_carry, args=(near, far, fault, self.passed[-1], self._closing))
                self._threads.append(thread)
                thread.start()


def _carry(
    near: socket.socket, far: socket.socket, fault: Fault | None, passed: Passed, closing: threading.Event
) -> None:
    come = b""
    with selectors.DefaultSelector() as selector, contextlib.suppress(OSError):
        selector.register(near, selectors.EVENT_READ, (far, Way.REQUEST))
        selector.register(far, selectors.EVENT_READ, (near, Way.ANSWER))
        while True:
            for key, _ in selector.select():
                sink, way = key.data
                if not (piece := key.fileobj.recv(_PIECE)):  # type: ignore[union-attr] # a socket
                    return _over(near, far, How.END)
                come += piece if way is Way.REQUEST else b""
                here = fault is not None and fault.way is way
                room = _after(fault, come) - passed.of(way) if fault is not None and here else len(piece) + 1
                sink.sendall(piece[:room])
                passed.add(way, min(room, len(piece)))
                if fault is not None and room <= len(piece):
                    if fault.how is How.STALL:
                        closing.wait()
                    return _over(near, far, fault.how)


def _after(fault: Fault, come: bytes) -> int:
    """Return after how many bytes it happens; more than have come while it is not known."""
    if fault.after is not None:
        return fault.after
    head, end, _ = come.partition(b"\r\n\r\n")
    length = re.search(rb"(?i)^content-length: (\d+)", head, re.MULTILINE)
    return len(head + end) + int(length[1]) if end and length else len(come) + 1


def _over(near: socket.socket, far: socket.socket, how: How) -> None:
    for end in (near, far):
        with contextlib.suppress(OSError):
            if how is How.RESET:
                end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
                end.close()
            else:
                end.shutdown(socket.SHUT_RDWR)
