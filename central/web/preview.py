"""The policy preview: a candidate by upload, text, or (programs) body; the answer as page, CSV or JSON. Nothing is kept."""

import threading
from collections.abc import Iterator
from dataclasses import dataclass, field, fields
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import UploadFile
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from agent.core.documents import plain
from agent.core.jsontext import decode
from central.asking.ask import Ask
from central.asking.preview import CandidateParams, Effected, effected, preview
from central.core.access import Asker, Permission
from central.store.engine import reading
from central.web.bounds import LARGE, bounded
from central.web.desk import Desk, read_params, shown_to
from central.web.faces import csv_lines, json_answer, json_lines
from central.web.shield import FIELD

_ROOM = 64 << 10  # of a form, around the file
_FACES = {"csv": "text/csv; charset=utf-8", "json": "application/json"}


@dataclass(eq=False)
class PreviewPage:
    """`/preview` for people, `/v1/preview` for programs. One at a time in each copy: it walks the whole inventory."""

    desk: Desk
    _one_at_a_time: threading.Lock = field(default_factory=threading.Lock, init=False)

    def routes(self) -> list[Route]:
        """Return the routes."""
        return [
            Route("/preview", self.ask, methods=["GET"]),
            Route("/preview", self.take, methods=["POST"]),
            Route("/v1/preview", self.take_body, methods=["POST"]),
        ]

    async def ask(self, request: Request) -> Response:
        """Show the form."""
        asker = await self.desk.asker(request, Permission.PREVIEW)
        return self._page(request, asker, "", None)

    async def take(self, request: Request) -> Response:
        """Take a form: what was uploaded counts before what was written."""
        asker = await self.desk.asker(request, Permission.PREVIEW)
        asked = await bounded(request, LARGE + _ROOM)
        async with asked.form(max_files=1, max_fields=8, max_part_size=LARGE) as sent:
            self.desk.forms.check(request, sent.get(FIELD))
            file, text, face = sent.get("file"), sent.get("candidate"), sent.get("as")
            if isinstance(file, UploadFile) and file.size:
                text = decode(await file.read())
        if not isinstance(text, str) or not text.strip():
            return self._page(request, asker, "", None, "Choose a file, or write the candidate into the field.")
        params = read_params(CandidateParams, {"candidate": text})
        if isinstance(face, str) and face in _FACES:
            return self._export(asker, params, face)
        return self._page(request, asker, text, await run_in_threadpool(self._answered, asker, params))

    async def take_body(self, request: Request) -> Response:
        """Take the candidate itself as the body."""
        asker = await self.desk.asker(request, Permission.PREVIEW)
        if asker.kind == "person":
            self.desk.forms.check(request, request.headers.get("x-form"))
        body = await (await bounded(request, LARGE)).body()
        params = read_params(CandidateParams, {"candidate": decode(body)})
        return json_answer(await run_in_threadpool(self._answered, asker, params))

    def _answered(self, asker: Asker, params: CandidateParams) -> dict[str, Any]:
        with self._one_at_a_time, reading(self.desk.engine) as connection:
            answer = plain(preview(Ask(connection, asker, params, self.desk.now(), self.desk.terms())))
        return shown_to(asker, answer)

    def _export(self, asker: Asker, params: CandidateParams, face: str) -> Response:
        rows = self._rows(asker, params)
        names = tuple(one.name for one in fields(Effected))
        pieces = csv_lines(rows, names) if face == "csv" else json_lines(rows)
        disposition = {"Content-Disposition": f'attachment; filename="preview.{face}"'}
        return StreamingResponse(pieces, headers=disposition, media_type=_FACES[face])

    def _rows(self, asker: Asker, params: CandidateParams) -> Iterator[dict[str, Any]]:
        with reading(self.desk.engine) as connection:
            for row in effected(Ask(connection, asker, params, self.desk.now(), self.desk.terms())):
                yield shown_to(asker, plain(row))

    def _page(
        self, request: Request, asker: Asker, candidate: str, found: dict[str, Any] | None, problem: str = ""
    ) -> Response:
        values = {"candidate": candidate, "found": found, "problem": problem}
        status = 400 if problem else 200
        return self.desk.pages.answer(request, "preview.html", values, asker=asker, status=status)
