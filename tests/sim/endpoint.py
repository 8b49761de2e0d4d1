"""A scripted HTTPS endpoint: a real server on loopback that answers as the script says, and keeps what it was sent.

Each request plays the next step; with an empty script every batch is taken. Like the real one it takes a batch once, by its
idempotency id. `close` ends every thread and raises what went wrong in the endpoint itself.
"""

import contextlib
import gzip
import http.server
import json
import socket
import socketserver
import ssl
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from email.message import Message
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import trustme


@dataclass(frozen=True)
class Answer:
    """Read the request whole and answer; the batch is kept where the status is 2xx, or `keep` says so."""

    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b"{}"
    keep: bool = False


@dataclass(frozen=True)
class Slow:
    """Read the request, keep the batch, and answer only when the endpoint closes."""


@dataclass(frozen=True)
class Trickle:
    """Read the request, keep the batch, and send one byte of the answer every `every_s`, for as long as the client stays."""

    every_s: float = 0.02


@dataclass(frozen=True)
class CutRequest:
    """Reset the connection while the body is still coming."""


@dataclass(frozen=True)
class CutResponse:
    """Keep the batch, announce 100 bytes of answer and send 10 of them."""


@dataclass(frozen=True)
class TlsFailure:
    """Hang up during the TLS handshake."""


Step = Answer | Slow | Trickle | CutRequest | CutResponse | TlsFailure


@dataclass(frozen=True)
class Received:
    """One request as it arrived; `body` as it was sent."""

    path: str
    headers: Message
    body: bytes

    @property
    def events(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in gzip.decompress(self.body).splitlines()]


Judge = Callable[[Received], Answer]
"""Takes a request of another protocol where nothing is scripted: keeps what is right, and answers."""


class Endpoint:
    """Listens on loopback, or on `address` by the name `host`. `client_ca` asks for a client certificate; without `tls`
    it is plain HTTP.

    `judge` speaks another protocol.
    """

    def __init__(
        self,
        *script: Step,
        client_ca: trustme.CA | None = None,
        tls: bool = True,
        judge: "Judge | None" = None,
        address: str = "127.0.0.1",
        host: str = "127.0.0.1",
    ) -> None:
        self.host = host
        self.judge = judge
        self.ca = trustme.CA()
        self.requests: list[Received] = []
        self._kept: dict[str, list[dict[str, Any]]] = {}
        self._script = deque(script)
        self._lock = threading.Lock()
        self._closing = threading.Event()
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.ca.issue_cert(host).configure_cert(context)
        if client_ca is not None:
            client_ca.configure_trust(context)
            context.verify_mode = ssl.CERT_REQUIRED
        self._tls = tls
        self._server = _Server(self, address, context if tls else None)
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02})
        self._thread.start()

    @property
    def url(self) -> str:
        return f"{'https' if self._tls else 'http'}://{self.host}:{self.port}/v1/events"

    @property
    def port(self) -> int:
        return int(self._server.server_address[1])

    def ca_file(self, folder: Path) -> Path:
        path = folder / f"ca-{self.port}.pem"
        self.ca.cert_pem.write_to_path(str(path))
        return path

    def play(self, *steps: Step) -> None:
        with self._lock:
            self._script.extend(steps)

    @property
    def batches(self) -> dict[str, list[dict[str, Any]]]:
        """The events of every batch that was taken, by idempotency id, in the order of arrival."""
        with self._lock:
            return dict(self._kept)

    @property
    def events(self) -> list[dict[str, Any]]:
        """Every event once: duplicates, by journal and sequence, are dropped as the real endpoint drops them."""
        seen: dict[tuple[str, int], dict[str, Any]] = {}
        for events in self.batches.values():
            for event in events:
                seen.setdefault((event["unmapped"]["chain"]["journal"], event["metadata"]["sequence"]), event)
        return list(seen.values())

    @property
    def open_subjects(self) -> set[str]:
        """What the events say is open now; an opening of what is open, or a closing of what is not, is an error."""
        opened: set[str] = set()
        for event in sorted(self.events, key=lambda event: event["metadata"]["sequence"]):
            uid = event["finding_info"]["uid"]
            if event["activity"] == "opened":
                assert uid not in opened, f"{uid} was opened twice"
                opened.add(uid)
            elif event["activity"] == "closed":
                assert uid in opened, f"{uid} was closed twice"
                opened.remove(uid)
        return opened

    def next_step(self, *, only: type[Step] | None = None) -> Step | None:
        with self._lock:
            if not self._script or (only is not None and not isinstance(self._script[0], only)):
                return None
            return self._script.popleft()

    def fails_tls_next(self) -> bool:
        with self._lock:
            return bool(self._script) and isinstance(self._script[0], TlsFailure)

    def arrived(self, request: Received) -> None:
        with self._lock:
            self.requests.append(request)

    def keep(self, request: Received) -> None:
        if self.judge is not None:  # it keeps what it takes
            return
        with self._lock:
            self._kept.setdefault(request.headers["Idempotency-Key"], request.events)

    def wait_closing(self, seconds: float | None = None) -> bool:
        return self._closing.wait(seconds)

    def close(self) -> None:
        self._closing.set()
        self._server.shutdown()
        self._server.hang_up()
        self._server.server_close()
        self._thread.join()
        if self._server.errors:
            raise self._server.errors[0]

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()


class _Server(socketserver.ThreadingTCPServer):
    daemon_threads = False
    allow_reuse_address = True

    def __init__(self, endpoint: Endpoint, address: str, context: ssl.SSLContext | None) -> None:
        self.endpoint = endpoint
        self.context = context
        self.errors: list[BaseException] = []
        self._live: set[socket.socket] = set()
        self._lock = threading.Lock()
        super().__init__((address, 0), _Handler)

    def finish_request(self, request: Any, client_address: Any) -> None:  # noqa: ANN401 - as the parent has it
        request.settimeout(20)
        if self.endpoint.next_step(only=TlsFailure):
            request.recv(1)
            return
        with self.context.wrap_socket(request, server_side=True) if self.context else request as connection:
            with self._lock:
                self._live.add(connection)
            try:
                if not self.endpoint.wait_closing(0):
                    super().finish_request(connection, client_address)
            finally:
                with self._lock:
                    self._live.discard(connection)

    def handle_error(self, request: Any, client_address: Any) -> None:  # noqa: ANN401, ARG002 - as the parent has it
        error = sys.exc_info()[1]
        if error is not None and not isinstance(error, OSError | ValueError):
            self.errors.append(error)

    def hang_up(self) -> None:
        with self._lock:
            for live in self._live:
                with contextlib.suppress(OSError):
                    socket.socket.shutdown(live, socket.SHUT_RDWR)


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: _Server

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002, ANN401 - as the parent has it
        """Say nothing."""

    def do_POST(self) -> None:
        endpoint = self.server.endpoint
        scripted = endpoint.next_step()
        step = scripted or Answer()
        length = int(self.headers["Content-Length"])
        if isinstance(step, CutRequest):
            self.rfile.read(length // 2)
            self._reset()
            return
        body = self.rfile.read(length)
        if len(body) < length:  # the client died on the way: this is no batch
            self.close_connection = True
            return
        request = Received(self.path, self.headers, body)
        endpoint.arrived(request)
        if endpoint.judge is not None and scripted is None:
            step = endpoint.judge(request)
        match step:
            case Answer(status, headers, body, keep):
                if keep or 200 <= status < 300:
                    endpoint.keep(request)
                self._answer(status, headers, body, len(body))
            case CutResponse():
                endpoint.keep(request)
                self._answer(200, {}, b"0123456789", 100)
                self.close_connection = True
            case Slow():
                endpoint.keep(request)
                endpoint.wait_closing()
                self.close_connection = True
            case Trickle(every_s):
                endpoint.keep(request)
                self._trickle(every_s)
            case TlsFailure():
                self._answer(500, {}, b"", 0)

    def _answer(self, status: int, headers: Mapping[str, str], body: bytes, announced: int) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(announced))
        if self.server.endpoint.fails_tls_next():
            self.send_header("Connection", "close")
            self.close_connection = True
        self.end_headers()
        self.wfile.write(body)

    def _trickle(self, every_s: float) -> None:
        self.close_connection = True
        until = time.monotonic() + 20
        for byte in b"HTTP/1.1 200 OK\r\nX-Padding: " + b"x" * 10_000:
            if self.server.endpoint.wait_closing(every_s) or time.monotonic() > until:
                return
            self.wfile.write(bytes((byte,)))

    def _reset(self) -> None:
        self.close_connection = True
        linger = bytes((1, 0, 0, 0, 0, 0, 0, 0))  # on, 0 s: closing sends a reset
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
