"""Bodies within bounds: a request whose body grows beyond what its route takes is answered 413 before it is read whole."""

import asyncio
from collections.abc import MutableMapping
from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import Request

SMALL = 64 << 10
LARGE = 512 << 10
PATIENCE_S = 60.0


async def bounded(request: Request, most: int) -> Request:
    """Return `request` with its body read, which has `most` bytes at most.

    Raises:
        HTTPException: 413, before anything is read where the length is announced, otherwise as soon as more has come; 408 where
            it does not come.
    """
    said = request.headers.get("content-length", "0")
    if not (said.isascii() and said.isdigit()) or int(said[:16]) > most:
        raise _too_large(most)
    pieces: list[bytes] = []
    come = 0
    try:
        async with asyncio.timeout(PATIENCE_S):
            async for piece in request.stream():
                come += len(piece)
                if come > most:
                    raise _too_large(most)
                pieces.append(piece)
    except TimeoutError:
        raise HTTPException(408, f"the body did not come within {PATIENCE_S:.0f} s") from None
    body = b"".join(pieces)

    async def receive() -> MutableMapping[str, Any]:
        return {"type": "http.request", "body": body, "more_body": False}

    return Request(request.scope, receive)


def _too_large(most: int) -> HTTPException:
    return HTTPException(413, f"this takes {most} bytes at most")
