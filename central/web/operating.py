"""What whoever runs the program asks: is it alive, can it take reports, its figures."""

import contextlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from central.asking.destinations import DestinationLine, lines
from central.core.pushing import Destination
from central.receiving.intake import Intake
from central.store.engine import alive, reading
from central.web.figures import CONTENT_TYPE, Figures


@dataclass(eq=False)
class Operating:
    """`/healthz`, `/readyz`, `/metrics`."""

    engine: Engine
    intake: Intake
    figures: Figures
    destinations: Sequence[Destination]
    now: Callable[[], float]

    def routes(self) -> list[Route]:
        """Return the routes."""
        return [Route("/healthz", self.health), Route("/readyz", self.ready), Route("/metrics", self.metrics)]

    async def health(self, _request: Request) -> Response:
        """Say whether this process should go on: its thread that stores is there."""
        return PlainTextResponse("ok\n") if self.intake.alive else PlainTextResponse("the intake ended\n", 500)

    async def ready(self, _request: Request) -> Response:
        """Say whether reports can be stored now: the database answers."""
        try:
            await run_in_threadpool(alive, self.engine)
        except SQLAlchemyError:
            return PlainTextResponse("the database does not answer\n", 503)
        return PlainTextResponse("ok\n")

    async def metrics(self, _request: Request) -> Response:
        """Return the figures; where the database does not answer, those of this process alone."""
        with contextlib.suppress(SQLAlchemyError):
            self.figures.pushed(await run_in_threadpool(self._pushed))
        return Response(self.figures.text(), media_type=CONTENT_TYPE)

    def _pushed(self) -> Sequence[DestinationLine]:
        with reading(self.engine) as connection:
            return lines(connection, self.destinations, self.now())
