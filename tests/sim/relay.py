"""A wire that can be cut: takes connections on one Unix socket and carries them to another."""

import contextlib
import socket
import threading
from pathlib import Path
from types import TracebackType
from typing import Self

_PIECE = 65_536


class Relay:
    """Listens on `entrance` and carries every connection to `target`, until it is cut."""

    def __init__(self, entrance: Path, target: Path) -> None:
        self.target = target
        self._live: set[socket.socket] = set()
        self._lock = threading.Lock()
        self._whole = True
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(entrance))
        self._listener.listen()
        self._threads = [threading.Thread(target=self._take)]
        self._threads[0].start()

    def cut(self) -> None:
        """End every connection where it stands, and every new one at once."""
        with self._lock:
            self._whole = False
            self._hang_up()

    def mend(self) -> None:
        """Carry again."""
        with self._lock:
            self._whole = True

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.cut()
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for thread in self._threads:
            thread.join()

    def _take(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                near, _ = self._listener.accept()
                self._join(near)

    def _join(self, near: socket.socket) -> None:
        far = socket.socket(socket.AF_UNIX)
        with self._lock:
            try:
                if not self._whole:
                    raise ConnectionError
                far.connect(str(self.target))
            except OSError:
                near.close()
                far.close()
                return
            self._live |= {near, far}
        for source, sink in ((near, far), (far, near)):
            thread = threading.Thread(target=self._carry, args=(source, sink))
            self._threads.append(thread)
            thread.start()

    def _carry(self, source: socket.socket, sink: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while piece := source.recv(_PIECE):
                sink.sendall(piece)
        with self._lock:
            for end in {source, sink} & self._live:
                _end(end)
            self._live -= {source, sink}
        source.close()

    def _hang_up(self) -> None:
        for end in self._live:
            _end(end)
        self._live.clear()


def _end(end: socket.socket) -> None:
    with contextlib.suppress(OSError):
        end.shutdown(socket.SHUT_RDWR)
