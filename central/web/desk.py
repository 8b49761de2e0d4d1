"""Pages and query API: turns the tables of questions and deeds into routes.

Everything that protects stands here once and holds for every row: who asks, whether that is permitted, the token of forms, the
bounds of bodies, and that who may not see people's paths gets them shortened.
"""

import contextlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any, Literal
from urllib.parse import quote

from pydantic import ValidationError
from sqlalchemy import Connection, Engine
from sqlalchemy.exc import SQLAlchemyError
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import FormData
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response, StreamingResponse
from starlette.routing import Route

from agent.core.documents import plain
from central.asking.ask import Ask, NotThereError, P, Params
from central.asking.notices import heeded
from central.core.access import Asker, Permission
from central.core.fleet import Terms
from central.core.pushing import Destination
from central.core.veil import veiled
from central.store.administering import NotPossibleError
from central.store.engine import reading, writing
from central.web.bounds import SMALL, bounded
from central.web.faces import csv_lines, json_answer, json_lines
from central.web.pages import Pages
from central.web.questions import Deed, Question
from central.web.shield import FIELD, Forms, local
from central.web.who import Doorkeeper, bearer

Face = Literal["json", "page", "csv", "all"]
_EXPORTED = {"csv": "text/csv; charset=utf-8", "all": "application/json"}
_PIECE = 500
_FRAGMENT = "x-fragment"


@dataclass(eq=False)
class Desk:
    """Answers questions and does deeds. `terms` are asked anew for each; `now` is Unix seconds.

    `destinations` are where the settings push alerts to.
    """

    engine: Engine
    keeper: Doorkeeper
    forms: Forms
    pages: Pages
    terms: Callable[[], Terms]
    now: Callable[[], float]
    destinations: Sequence[Destination] = ()

    def of_question(self, question: Question) -> list[Route]:
        """Return the routes of a question, one per face."""
        api = f"/v1{question.api or question.path}"
        routes = [Route(api, self._reader(question, "json")), Route(question.path, self._reader(question, "page"))]
        if question.rows:
            routes[:0] = [
                Route(f"{question.path}.csv", self._reader(question, "csv")),
                Route(f"{question.path}.json", self._reader(question, "all")),
            ]
        return routes

    def of_deed(self, deed: Deed) -> list[Route]:
        """Return the routes of a deed: for forms, and for programs."""

        async def form(request: Request) -> Response:
            return await self._done_by_form(deed, request)

        async def api(request: Request) -> Response:
            return await self._done_by_program(deed, request)

        return [Route(deed.path, form, methods=["POST"]), Route(f"/v1{deed.path}", api, methods=["POST"])]

    def _reader(self, question: Question, face: Face) -> Callable[[Request], Any]:
        async def read(request: Request) -> Response:
            return await self._read(question, face, request)

        return read

    async def _read(self, question: Question, face: Face, request: Request) -> Response:
        asker = await self.asker(request, question.permission)
        given = {name: value for name, value in request.query_params.items() if value or face == "json"}
        params = read_params(question.params, given)
        place = _place(request)
        if face in _EXPORTED:
            exported = self._exported(question, asker, params, place)
            pieces = json_lines(exported) if face == "all" else csv_lines(exported, _names(question))
            name = f"{question.path.strip('/').replace('/', '-')}.{'csv' if face == 'csv' else 'json'}"
            disposition = {"Content-Disposition": f'attachment; filename="{_plain_name(name)}"'}
            return StreamingResponse(pieces, headers=disposition, media_type=_EXPORTED[face])
        if face == "json":
            return json_answer(await run_in_threadpool(self._answered, question, asker, params, place))
        answer = await run_in_threadpool(self._for_page, question, asker, params, place)
        block = request.headers.get(_FRAGMENT, "")
        return self.pages.answer(request, question.template, answer, asker=asker, block=block)

    def _answered(self, question: Question, asker: Asker, params: Params, place: Mapping[str, str]) -> dict[str, Any]:
        with _told(), reading(self.engine) as connection:
            answer = plain(question.answer(self._ask(connection, asker, params, place)))
        return shown_to(asker, answer)

    def _for_page(self, question: Question, asker: Asker, params: Params, place: Mapping[str, str]) -> dict[str, Any]:
        """Return the answer, with what its page must say of the program itself."""
        with _told(), reading(self.engine) as connection:
            ask = self._ask(connection, asker, params, place)
            answer = plain(question.answer(ask))
            notices = [plain(one) for one in heeded(ask)]
        return {**shown_to(asker, answer), "notices": notices}

    def _ask(self, connection: Connection, asker: Asker, params: Params, place: Mapping[str, str]) -> Ask[Any]:
        return Ask(connection, asker, params, self.now(), self.terms(), place, self.destinations)

    def _exported(
        self, question: Question, asker: Asker, params: Params, place: Mapping[str, str]
    ) -> Iterator[Mapping[str, Any]]:
        """Yield every row of a question, page by page, each from one state of the database."""
        paged = "after" in type(params).model_fields
        while True:
            if paged:
                params = params.model_copy(update={"most": _PIECE})
            answer = self._answered(question, asker, params, place)
            yield from answer[question.rows]
            if not paged or not answer["next"]:
                return
            params = params.model_copy(update={"after": answer["next"]})

    async def _done_by_form(self, deed: Deed, request: Request) -> Response:
        asker = await self.asker(request, deed.permission)
        sent = _fields(await (await bounded(request, SMALL)).form())
        self.forms.check(request, sent.pop(FIELD, None))
        target = local(str(sent.pop("next", "")))
        params = read_params(deed.params, sent)
        done = await run_in_threadpool(self._done, deed, asker, params, _place(request))
        if deed.shown:
            made = {"kind": deed.shown, "name": getattr(params, "name", ""), "secret": done, "back": target}
            return self.pages.answer(request, "made.html", made, asker=asker)
        return RedirectResponse(target, 303)

    async def _done_by_program(self, deed: Deed, request: Request) -> Response:
        asker = await self.asker(request, deed.permission)
        if asker.kind == "person":
            self.forms.check(request, request.headers.get("x-form"))
        try:
            params = deed.params.model_validate_json(await (await bounded(request, SMALL)).body() or b"{}")
        except ValidationError as error:
            raise HTTPException(400, _said(error)) from None
        done = await run_in_threadpool(self._done, deed, asker, params, _place(request))
        return json_answer({"done": done})

    def _done(self, deed: Deed, asker: Asker, params: Params, place: Mapping[str, str]) -> int | str | bool:
        with _told(), writing(self.engine) as connection:
            done = deed.do(self._ask(connection, asker, params, place))
        if done is None:
            raise HTTPException(404, "there is nothing like that")
        return done

    async def asker(self, request: Request, permission: Permission) -> Asker:
        """Return who asks.

        Raises:
            HTTPException: 303 to the sign-in (pages) or 401 where nobody is known, 403 where it is not permitted.
        """
        with _told():
            asker = await run_in_threadpool(self.keeper.asker, request)
        if asker is None:
            if programs(request) or bearer(request) is not None:
                raise HTTPException(401, "show a token, or sign in", {"WWW-Authenticate": "Bearer"})
            here = request.url.path + (f"?{request.url.query}" if request.url.query else "")
            wanted = here if request.method == "GET" else "/"
            raise HTTPException(303, "sign in first", {"Location": f"/sign-in?next={quote(wanted)}"})
        if not asker.may(permission):
            raise HTTPException(403, f"{asker.name} lacks the permission {permission.value}")
        return asker


def shown_to(asker: Asker, answer: dict[str, Any]) -> dict[str, Any]:
    """Return what `asker` may see of `answer`: without the permission, paths below people's homes are shortened."""
    seen: dict[str, Any] = answer if asker.may(Permission.PRIVATE) else veiled(answer)
    return seen


def programs(request: Request) -> bool:
    """Say whether a request is for the API."""
    return request.url.path.startswith("/v1/")


def _fields(sent: FormData) -> dict[str, str | list[str]]:
    """Return the texts of a form; of what was sent more than once, and ticked, all. What was left empty was not said."""
    found = {name: [one for one in sent.getlist(name) if isinstance(one, str) and one] for name in sent}
    return {name: texts[0] if len(texts) == 1 else texts for name, texts in found.items() if texts}


def read_params(kind: type[P], given: Mapping[str, str | list[str]]) -> P:
    """Return the parameters that texts say.

    Raises:
        HTTPException: 400, one is unknown or not as it must be.
    """
    try:
        return kind.model_validate(dict(given))
    except ValidationError as error:
        raise HTTPException(400, _said(error)) from None


def _said(error: ValidationError) -> str:
    details = (f"{'.'.join(map(str, one['loc'])) or 'the body'}: {one['msg']}" for one in error.errors()[:5])
    return "; ".join(details)


def _place(request: Request) -> dict[str, str]:
    """Return what stands in the path; no database takes NUL in a text."""
    place = {name: str(value) for name, value in request.path_params.items()}
    if any("\0" in value for value in place.values()):
        raise HTTPException(404, "there is nothing like that")
    return place


def _names(question: Question) -> tuple[str, ...]:
    return tuple(field.name for field in fields(question.row)) if question.row is not None else ()


def _plain_name(name: str) -> str:
    return "".join(character if character.isalnum() or character in "-._" else "_" for character in name)


@contextlib.contextmanager
def _told() -> Iterator[None]:
    """Turn what the store and the questions raise into answers."""
    try:
        yield
    except NotThereError as error:
        raise HTTPException(404, str(error)) from None
    except NotPossibleError as error:
        raise HTTPException(409, str(error)) from None
    except SQLAlchemyError:
        raise HTTPException(503, "the database does not answer now; come again", {"Retry-After": "15"}) from None
