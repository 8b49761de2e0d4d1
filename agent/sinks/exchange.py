"""HTTP connections with one deadline for the whole exchange.

The time limits of requests hold for single reads; a peer that trickles one byte at a time could hold a thread for hours.
Here every read and write gets only what is left until the deadline, and another thread can end the exchange.
"""

import contextlib
import http.client
import io
import socket
import ssl
import time
from typing import Any

from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.poolmanager import PoolManager

_SEND_BYTES = 16 * 1024


class Exchange:
    """The request that is under way, one at a time."""

    def __init__(self) -> None:
        self._deadline = 0.0
        self._socket: socket.socket | None = None
        self._aborted = False

    def begin(self, limit_s: float) -> None:
        """Start the clock of the next request."""
        self._deadline = time.monotonic() + limit_s

    def holds(self, sock: socket.socket | None) -> None:
        """Note the socket in use; None when there is none."""
        self._socket = sock

    def abort(self) -> None:
        """End what is under way, from any thread, and for good: every further read or write fails."""
        self._aborted = True
        sock = self._socket
        if sock is not None:
            with contextlib.suppress(OSError):
                # Not SSLSocket.shutdown: it would let a write that is under way go on unencrypted.
                socket.socket.shutdown(sock, socket.SHUT_RDWR)

    def limit(self, sock: socket.socket) -> None:
        """Let the next operation on `sock` take no longer than what is left; raise `TimeoutError` if nothing is."""
        if self._aborted:
            raise ConnectionAbortedError
        left = self._deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError("the exchange took too long")
        given = sock.gettimeout()
        sock.settimeout(left if given is None else min(given, left))


class DeadlineAdapter(HTTPAdapter):
    """A transport that trusts exactly what `context` trusts, and keeps the deadline of `exchange`."""

    def __init__(self, context: ssl.SSLContext, exchange: Exchange) -> None:
        self._context = context
        self._pools = _pools(exchange)
        super().__init__(pool_connections=1, pool_maxsize=1, max_retries=0)

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401 - as the parent has it
        """Make the pool with our context and connections."""
        super().init_poolmanager(*args, **kwargs, ssl_context=self._context)
        self._equip(self.poolmanager)

    def proxy_manager_for(self, proxy: str, **kwargs: Any) -> Any:  # noqa: ANN401 - as the parent has it
        """Make the pool for a proxy with our context and connections."""
        manager = super().proxy_manager_for(proxy, **kwargs, ssl_context=self._context)
        self._equip(manager)
        return manager

    def cert_verify(self, conn: Any, url: Any, verify: Any, cert: Any) -> None:  # noqa: ANN401 - as the parent has it
        """Leave verification to the context: the parent would add the CA bundle that requests ships, or the environment's."""

    def build_connection_pool_key_attributes(
        self,
        request: Any,  # noqa: ANN401 - as the parent has it
        verify: Any,  # noqa: ANN401, ARG002 - as the parent has it
        cert: Any = None,  # noqa: ANN401, ARG002 - as the parent has it
    ) -> Any:  # noqa: ANN401 - the parent's types are private
        """Ignore what the environment says of verification."""
        return super().build_connection_pool_key_attributes(request, verify=True, cert=None)

    def _equip(self, manager: PoolManager) -> None:
        manager.pool_classes_by_scheme = self._pools


class _DeadlineReader(io.RawIOBase):
    """The reading side of a socket, each read limited by the exchange."""

    def __init__(self, raw: io.RawIOBase, sock: socket.socket, exchange: Exchange) -> None:
        self._raw, self._sock, self._exchange = raw, sock, exchange

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:  # noqa: ANN401 - any writable buffer
        self._exchange.limit(self._sock)
        return self._raw.readinto(buffer)

    def close(self) -> None:
        if not self.closed:
            self._raw.close()
        super().close()


def _pools(exchange: Exchange) -> dict[str, type[HTTPConnectionPool]]:
    class Response(http.client.HTTPResponse):
        def __init__(self, sock: socket.socket, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401 - as the parent has it
            super().__init__(sock, *args, **kwargs)
            self.fp = io.BufferedReader(_DeadlineReader(self.fp.detach(), sock, exchange))

    class Limited(HTTPConnection):
        response_class = Response

        def connect(self) -> None:
            exchange.holds(None)
            super().connect()
            exchange.holds(self.sock)

        def send(self, data: Any) -> None:  # noqa: ANN401 - as the parent has it
            if self.sock is None or not isinstance(data, bytes):
                super().send(data)
                return
            exchange.holds(self.sock)
            for at in range(0, len(data), _SEND_BYTES):
                exchange.limit(self.sock)
                super().send(data[at : at + _SEND_BYTES])

    class Plain(HTTPConnectionPool):
        ConnectionCls = Limited

    class LimitedTls(Limited, HTTPSConnection):
        pass

    class Tls(HTTPSConnectionPool):
        ConnectionCls = LimitedTls

    return {"http": Plain, "https": Tls}
