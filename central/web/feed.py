"""`GET /v1/alerts`: the alerts as OCSF events, one a line, in the order in which they were stored.

A reader keeps the cursor of the answer (`X-Cursor`) and asks for what comes after it: nothing is left out, nothing comes twice.
A cursor beyond the end is from before a restore of the database, which set the feed back: its reader is told, not left to wait.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Annotated

import orjson
from pydantic import Field
from sqlalchemy import Engine
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from central.asking.ask import Params
from central.core.access import Asker, Permission
from central.core.alert import numbered
from central.store import feeding
from central.store.engine import reading
from central.web.desk import read_params
from central.web.faces import json_answer

CURSOR = "X-Cursor"


class FeedSearch(Params):
    """From where on, and how much."""

    after: Annotated[
        int, Field(ge=0, lt=1 << 63, description="cursor of the answer before; 0: from the oldest kept")
    ] = 0
    most: Annotated[int, Field(ge=1, le=5_000, description="how many alerts at most")] = 1_000


@dataclass(eq=False)
class Feed:
    """`asker` tells who asks, and refuses who may not."""

    engine: Engine
    asker: Callable[[Request, Permission], Awaitable[Asker]]

    def routes(self) -> list[Route]:
        """Return the routes."""
        return [Route("/v1/alerts", self.read), Route("/v1/alerts/cursor", self.cursor)]

    async def read(self, request: Request) -> Response:
        """Return what follows a cursor."""
        await self.asker(request, Permission.FEED)
        params = read_params(FeedSearch, request.query_params)
        rows, end = await run_in_threadpool(self._after, params.after, params.most)
        if params.after > end:
            raise HTTPException(
                409,
                f"the feed ends at {end}, before the cursor {params.after}: it was set back, as by a restore from a backup; "
                f"read on with after={end}, or from 0 for all that is kept",
            )
        lines = [orjson.dumps(numbered(orjson.loads(line), position)) for position, line in rows]
        body = b"".join(line + b"\n" for line in lines)
        last = rows[-1][0] if rows else params.after
        return Response(body, 200, {CURSOR: str(last)}, "application/x-ndjson")

    async def cursor(self, request: Request) -> Response:
        """Return where the feed ends now: pages look here whether anything came."""
        await self.asker(request, Permission.READ)
        return json_answer({"cursor": await run_in_threadpool(self._head)})

    def _after(self, position: int, most: int) -> tuple[list[tuple[int, str]], int]:
        with reading(self.engine) as connection:
            return feeding.after(connection, position, most), feeding.head(connection)

    def _head(self) -> int:
        with reading(self.engine) as connection:
            return feeding.head(connection)
