"""An HTTP proxy that tunnels (`CONNECT`) and keeps what it was asked for."""

import contextlib
import http.server
import select
import socket
import socketserver
import threading
from types import TracebackType
from typing import Any, Self


class Proxy:
    """Listens on 127.0.0.1; `status` other than 200 refuses every tunnel."""

    def __init__(self, status: int = 200) -> None:
        self.tunnels: list[str] = []
        self.status = status
        self._server = _Server(("127.0.0.1", 0), _Handler)
        self._server.proxy = self
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02})
        self._thread.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._server.closing.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


class _Server(socketserver.ThreadingTCPServer):
    daemon_threads = False
    proxy: Proxy

    def __init__(self, *args: Any) -> None:  # noqa: ANN401 - as the parent has it
        self.closing = threading.Event()
        super().__init__(*args)


class _Handler(http.server.BaseHTTPRequestHandler):
    server: _Server

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002, ANN401 - as the parent has it
        """Say nothing."""

    def do_CONNECT(self) -> None:
        proxy = self.server.proxy
        proxy.tunnels.append(self.path)
        self.send_response(proxy.status)
        self.end_headers()
        self.close_connection = True
        if proxy.status != 200:
            return
        host, _, port = self.path.rpartition(":")
        with socket.create_connection((host, int(port)), 5) as far, contextlib.suppress(OSError):
            self._pump(self.connection, far)

    def _pump(self, near: socket.socket, far: socket.socket) -> None:
        other = {near: far, far: near}
        while not self.server.closing.is_set():
            for ready in select.select([near, far], [], [], 0.05)[0]:
                data = ready.recv(65_536)
                if not data:
                    return
                other[ready].sendall(data)
