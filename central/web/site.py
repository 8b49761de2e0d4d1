"""The pages and the query API as one application, with what protects it around it. Devices' own routes stand beside it."""

from collections.abc import Sequence

from secure.middleware import SecureASGIMiddleware
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.sessions import SessionMiddleware
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Mount
from starlette.staticfiles import StaticFiles

from central.web.desk import programs
from central.web.faces import json_answer
from central.web.pages import STATIC, Pages
from central.web.shield import headers

_TITLES = {
    400: "This cannot be read",
    403: "Not permitted",
    404: "Not found",
    405: "Not like that",
    408: "Too slow",
    409: "Not possible",
    413: "Too large",
    429: "Too many attempts",
    502: "The identity provider does not answer",
    503: "The database does not answer",
}


def site(routes: Sequence[BaseRoute], pages: Pages, key: str, *, https: bool, longest_s: float) -> Starlette:
    """Return the application of `routes`. `key` signs the browser's session; with `https` its cookie goes nowhere else."""

    async def told(request: Request, error: Exception) -> Response:
        status, text = 500, "something went wrong here; it is in the log"
        extra: dict[str, str] = {}
        if isinstance(error, HTTPException):
            status, text, extra = error.status_code, error.detail, dict(error.headers or {})
        if "Location" in extra:
            return RedirectResponse(extra["Location"], status)
        if programs(request):
            return json_answer({"code": _CODES.get(status, "error"), "text": text}, status, extra)
        values = {"title": _TITLES.get(status, "That did not work"), "text": text[:1].upper() + text[1:] + "."}
        answer = pages.answer(request, "problem.html", values, status=status)
        answer.headers.update(extra)
        return answer

    session = Middleware(
        SessionMiddleware,
        secret_key=key,
        session_cookie="__Host-central" if https else "central",
        max_age=int(longest_s),
        same_site="lax",
        https_only=https,
    )
    return Starlette(
        routes=[Mount("/static", StaticFiles(directory=STATIC)), *routes],
        middleware=[Middleware(SecureASGIMiddleware, secure=headers(https=https)), session],
        exception_handlers={HTTPException: told, 500: told},
    )


_CODES = {
    400: "malformed",
    401: "token-missing",
    403: "not-permitted",
    404: "not-there",
    405: "method-unknown",
    408: "too-slow",
    409: "not-possible",
    413: "too-large",
    429: "too-many",
    502: "provider",
    503: "storage",
}
