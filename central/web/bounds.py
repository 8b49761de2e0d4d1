"""Bodies within bounds: a request whose body grows beyond what its route takes is answered 413 before it is read whole."""

from collections.abc import MutableMapping
from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import Request

SMALL = 64 << 10
LARGE = 1 << 20


def bounded(request: Request, most: int) -> Request:
    """Return `request` with a body of at most `most` bytes.

    Raises:
        HTTPException: 413, here where the length is announced, otherwise as soon as more has come.
    """
    said = request.headers.get("content-length", "0")
    if not (said.isascii() and said.isdigit()) or int(said[:16]) > most:
        raise _too_large(most)
    come = 0

    async def receive() -> MutableMapping[str, Any]:
        nonlocal come
        message = await request.receive()
        come += len(message.get("body", b""))
        if come > most:
            raise _too_large(most)
        return message

    return Request(request.scope, receive)


def _too_large(most: int) -> HTTPException:
    return HTTPException(413, f"this takes {most} bytes at most")
