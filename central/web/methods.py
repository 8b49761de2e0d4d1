"""405 for methods that a path does not know: without this the pages, mounted below, would answer that there is no such path."""

from collections.abc import Iterable, Iterator

import orjson
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send


class _NotLikeThat:
    """Refuses any method."""

    def __init__(self, allowed: Iterable[str]) -> None:
        self._allowed = ", ".join(sorted(allowed))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        body = orjson.dumps({"code": "method-unknown", "text": f"this takes {self._allowed}"})
        answer = Response(body, 405, {"Allow": self._allowed}, "application/json")
        await answer(scope, receive, send)


def closed(routes: Iterable[Route]) -> Iterator[Route]:
    """Yield `routes`, and what refuses every other method of their paths."""
    allowed: dict[str, set[str]] = {}
    for route in routes:
        allowed.setdefault(route.path, set()).update(route.methods or ())
        yield route
    for path, methods in allowed.items():
        yield Route(path, _NotLikeThat(methods))


async def not_there(_request: Request, _error: Exception) -> Response:
    """Answer for a path that not even the pages are asked about: one with a line break in it."""
    return Response(orjson.dumps({"code": "not-there", "text": "Not Found"}), 404, media_type="application/json")
