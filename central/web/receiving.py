"""What devices call: `POST /v1/events` takes a batch, `POST /v1/enrolment` lets a device in (`docs/openapi.json`)."""

import asyncio
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Annotated, Any

import orjson
from anyio import CapacityLimiter, to_thread
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError
from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route

from central.core.envelope import Envelope, device_id, hashed
from central.core.proof import prove
from central.core.receive import Taken
from central.core.refusal import Refusal, RefusedError, refusal
from central.receiving.intake import Intake
from central.store import enrolling
from central.store.devices import Credential, credentials_of
from central.store.engine import reading, writing

_BATCH = re.compile(r"[!-~]{8,128}")
_ENROLMENT_BYTES = 4_096
_DIGITS = 16
_SEEN_MOST = 1 << 17
"""How many devices that have proved themselves are remembered, by a hash of that: at most 20 MB."""

_ASK_AT_ONCE = 4
"""How many threads ask for credentials: apart from those of pages, which may all be busy."""


class EnrolmentRequest(BaseModel):
    """What a device says to be let in: its id, its name, and the SHA-256 (hex) of the credential that it will use."""

    model_config = ConfigDict(extra="forbid", strict=True)

    device: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._:-]{7,63}$")]
    credential_sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
    hostname: Annotated[str, Field(max_length=255, pattern=r"^[!-~ \u00a1-\uffff]*$")] = ""


@dataclass(eq=False)
class Receiving:
    """The two endpoints. `told` hears every refusal that the intake does not see; `certificate` names a request's certificate."""

    intake: Intake
    engine: Engine
    now: Callable[[], float]
    told: Callable[[Refusal], None]
    body_bytes: int
    certificate: Callable[[Request], str | None]
    patience_s: float = 60.0  # for a whole body: whoever sends none holds a connection for no longer
    _seen: set[bytes] = field(default_factory=set, init=False)
    _asking: CapacityLimiter = field(default_factory=lambda: CapacityLimiter(_ASK_AT_ONCE), init=False)

    def routes(self) -> list[Route]:
        """Return the routes."""
        return [
            Route("/v1/events", self.take, methods=["POST"]),
            Route("/v1/events", _probe, methods=["OPTIONS"]),
            Route("/v1/enrolment", self.enrol, methods=["POST"]),
        ]

    async def take(self, request: Request) -> Response:
        """Take one batch."""
        try:
            await self._known(request)
            with self.intake.room(_length(request, self.body_bytes)) as hold:
                body = await _read(request, self.body_bytes, self.patience_s, hold)
                envelope = _envelope(request, body, self.certificate(request))
                outcome = await self.intake.submit(envelope)
        except RefusedError as error:
            return self._refused(error.refusal)
        except ClientDisconnect:
            return Response(status_code=400)
        return _json(200, outcome.answer) if isinstance(outcome, Taken) else _problem(outcome)

    async def _known(self, request: Request) -> None:
        """Let a batch pass of which the headers can prove the device; a stranger's body is not read, and locks nothing.

        What they prove is asked once more in the transaction that stores the batch, so whoever was known once is let pass here:
        asking the database for every batch would cost as much as storing it.
        """
        device, shown = device_id(request.headers.get("x-device-id", "")), _bearer(request)
        if device is None:
            raise RefusedError("device-invalid")
        certificate = self.certificate(request)
        if certificate is not None:
            return  # TLS has proved that it is one of the organisation's
        seen = hashed(f"{device} {shown}")
        if seen in self._seen:
            return
        try:
            stored = await to_thread.run_sync(self._credential, device, limiter=self._asking)
        except SQLAlchemyError:
            raise RefusedError("storage") from None
        prove(stored, hashed(shown) if shown is not None else None, None)
        if len(self._seen) >= _SEEN_MOST:
            self._seen.clear()
        self._seen.add(seen)

    def _credential(self, device: str) -> Credential | None:
        with reading(self.engine) as connection:
            return credentials_of(connection, [device]).get(device)

    async def enrol(self, request: Request) -> Response:
        """Let a device in, or let it change its credential."""
        try:
            said = EnrolmentRequest.model_validate_json(await _read(request, _ENROLMENT_BYTES, self.patience_s))
            problem = await run_in_threadpool(self._enrolled, said, _bearer(request) or "")
        except ValidationError as error:
            where = ", ".join(".".join(map(str, detail["loc"])) or "the body" for detail in error.errors())
            return self._refused(Refusal(400, "enrolment-malformed", f"malformed: {where}"))
        except RefusedError as error:
            return self._refused(error.refusal)
        except ClientDisconnect:
            return Response(status_code=400)
        except SQLAlchemyError:
            return self._refused(refusal("storage"))
        if problem is not None:
            return self._refused(Refusal(problem.status, problem.code, problem.text))
        return _json(200, {"device": said.device})

    def _enrolled(self, said: EnrolmentRequest, shown: str) -> enrolling.NotEnrolled | None:
        with reading(self.engine) as connection:
            stranger = enrolling.proved(connection, said.device, shown, self.now())
        if stranger is not None:
            return stranger
        with writing(self.engine) as connection:
            credential = bytes.fromhex(said.credential_sha256)
            return enrolling.enrol(connection, said.device, said.hostname, credential, shown, self.now())

    def _refused(self, problem: Refusal) -> Response:
        self.told(problem)
        return _problem(problem)


async def _probe(_request: Request) -> Response:
    return Response(status_code=204, headers={"Allow": "POST, OPTIONS"})


def _length(request: Request, most: int) -> int:
    """Return the announced size of the body; the most that may come where none is announced."""
    said = request.headers.get("content-length")
    if said is None:
        return most
    if not _number(said):
        raise RefusedError("header-invalid", "Content-Length")
    if int(said) > most:
        raise RefusedError("body-large", f"{most} bytes at most")
    return int(said)


async def _read(
    request: Request, most: int, patience_s: float, hold: Callable[[int], None] = lambda _size: None
) -> bytes:
    pieces: list[bytes] = []
    size = 0
    try:
        async with asyncio.timeout(patience_s):
            async for piece in request.stream():
                size += len(piece)
                if size > most:
                    raise RefusedError("body-large", f"{most} bytes at most")
                hold(len(piece))
                pieces.append(piece)
    except TimeoutError:
        raise RefusedError("body-slow", f"{patience_s:.0f} s at most") from None
    return b"".join(pieces)


def _envelope(request: Request, body: bytes, certificate: str | None) -> Envelope:
    headers = request.headers
    device = device_id(headers.get("x-device-id", ""))
    if device is None:
        raise RefusedError("device-invalid")
    batch = headers.get("idempotency-key", "")
    if not _BATCH.fullmatch(batch):
        raise RefusedError("header-invalid", "Idempotency-Key")
    stamp = headers.get("x-timestamp")
    if stamp is not None and not _number(stamp):
        raise RefusedError("header-invalid", "X-Timestamp")
    shown = _bearer(request)
    return Envelope(
        device=device,
        batch=batch,
        body=body,
        encoding=headers.get("content-encoding", "").lower(),
        credential=hashed(shown) if shown is not None else None,
        certificate=certificate,
        timestamp=int(stamp) if stamp is not None else None,
        signature=headers.get("x-signature"),
    )


def _number(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) < _DIGITS


def _bearer(request: Request) -> str | None:
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    return token if scheme.lower() == "bearer" and token else None


def _problem(problem: Refusal) -> Response:
    headers = {"Retry-After": str(problem.retry_after_s)} if problem.retry_after_s is not None else None
    return _json(problem.status, {"code": problem.code, "text": problem.text}, headers)


def _json(status: int, value: dict[str, Any], headers: dict[str, str] | None = None) -> Response:
    return Response(orjson.dumps(value), status, headers, "application/json")
