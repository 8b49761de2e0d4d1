"""One connection: who is at the other end, and what of a request may come before the application has a say in it.

uvicorn bounds neither the head of a request nor the time that it takes. Both are bounded here, so that a stranger takes neither
memory nor connections from devices.
"""

import asyncio
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from central.web.certificates import NAME, PEER, name_of

HEAD_BYTES = 64 << 10
HEAD_S = 30.0
_FAREWELL_S = 0.5


class Connection(HttpToolsProtocol):
    """uvicorn's protocol, which tells the application who is at the other end, before anything believes a header about that."""

    _certificate: str | None = None
    _head: int = 0  # bytes that came since there was a head of a request, or a piece of a body
    _ends: asyncio.TimerHandle | None = None

    def connection_made(self, transport: Any) -> None:  # noqa: ANN401 - as in uvicorn
        """Note whose certificate the connection came with."""
        super().connection_made(transport)
        tls = transport.get_extra_info("ssl_object")
        raw = tls.getpeercert(binary_form=True) if tls is not None else None
        self._certificate = name_of(raw) if raw else None
        self._expect_head()

    def connection_lost(self, exc: Exception | None) -> None:
        """Let go of what waited."""
        self._head_came()
        super().connection_lost(exc)

    def shutdown(self) -> None:
        """End once nothing is under way; a connection that only waits is not kept open for the other end's farewell in TLS."""
        super().shutdown()
        if self.transport.is_closing():
            self.loop.call_later(_FAREWELL_S, self.transport.abort)

    def data_received(self, data: bytes) -> None:
        """Take what came, unless it is a head without an end.

        What comes after an answer ends uvicorn's wait for the next request, and need not begin one: it may be the rest of a body.
        """
        self._head += len(data)
        super().data_received(data)
        if self.transport.is_closing():
            return
        if self._head > HEAD_BYTES:
            self.transport.abort()
        elif self._ends is None and self.cycle.response_complete:  # until the first head has come, one is expected
            self._expect_head()

    def on_message_begin(self) -> None:
        """Begin a request with what the connection says in its state."""
        super().on_message_begin()
        self.scope["state"] |= {PEER: self.client[0] if self.client else "", NAME: self._certificate}
        if self._ends is None:
            self._expect_head()

    def on_headers_complete(self) -> None:
        """Give the request to the application."""
        self._head = 0
        self._head_came()
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        """Give a piece of the body to the application."""
        self._head = 0
        super().on_body(body)

    def _expect_head(self) -> None:
        self._ends = self.loop.call_later(HEAD_S, self.transport.abort)

    def _head_came(self) -> None:
        if self._ends is not None:
            self._ends.cancel()
            self._ends = None
