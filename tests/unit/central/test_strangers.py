"""What somebody who is known here by nothing can cost the others: no lock, no memory, no connection for long, no log."""

import asyncio
import hashlib
import socket
import threading
import time
from collections.abc import Iterator, MutableMapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
import uvicorn
from sqlalchemy import Engine, select
from starlette.applications import Starlette
from starlette.requests import Request

from central.core.refusal import Refusal, RefusedError
from central.receiving.intake import Intake
from central.store import enrolling
from central.store.devices import Credential
from central.store.engine import writing
from central.store.schema import credentials
from central.store.taking import Rules
from central.web import connection
from central.web.receiving import Receiving
from tests.sim.central import Receiver
from tests.sim.reporter import NOW, Reporter

_SOON_S = 5.0


def post(engine: Engine, path: str, headers: dict[str, str], body: bytes | None) -> int:
    """Return the status of an answer; with None for a body the request is one whose body must not be read."""
    refused: list[Refusal] = []
    intake = Intake(engine, Rules, lambda: NOW, lambda _outcome: None)
    receiving = Receiving(intake, engine, lambda: NOW, refused.append, 1_000, lambda _request: None)
    said: list[MutableMapping[str, Any]] = []

    async def receive() -> MutableMapping[str, Any]:
        assert body is not None, "a stranger's body is read"
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(message: MutableMapping[str, Any]) -> None:
        said.append(message)

    raw = [(name.encode(), value.encode()) for name, value in headers.items()]
    scope = {"type": "http", "method": "POST", "path": path, "headers": raw, "query_string": b""}
    asyncio.run(Starlette(routes=receiving.routes())(scope, receive, send))
    return int(said[0]["status"])


def enrolment(laptop: Reporter) -> bytes:
    secret = hashlib.sha256(b"guess").hexdigest()
    return f'{{"device": "{laptop.id}", "credential_sha256": "{secret}"}}'.encode()


def test_enrolment_by_who_has_no_key_waits_for_no_writer_and_keeps_none_waiting(engine: Engine, tmp_path: Path) -> None:
    receiver, laptop = Receiver(engine), Reporter(tmp_path)
    receiver.admits(laptop)
    began = time.monotonic()
    with writing(engine) as held:
        held.execute(select(credentials).with_for_update())
        assert post(engine, "/v1/enrolment", {"authorization": "Bearer guess"}, enrolment(laptop)) == 401
        assert post(engine, "/v1/enrolment", {}, enrolment(Reporter(tmp_path, "2"))) == 401
    assert time.monotonic() - began < _SOON_S


def test_enrolment_by_a_key_that_has_ended_is_refused_before_anything_is_locked(engine: Engine, tmp_path: Path) -> None:
    laptop = Reporter(tmp_path)
    with writing(engine) as connection_:
        key = enrolling.new_key(connection_, "old", "test", NOW - 10, expires_at=NOW - 1)
    with writing(engine):
        assert post(engine, "/v1/enrolment", {"authorization": f"Bearer {key}"}, enrolment(laptop)) == 401


@pytest.mark.parametrize("credential", ["", "Bearer guess"])
def test_a_batch_of_who_has_no_credential_is_refused_before_it_is_read(
    engine: Engine, tmp_path: Path, credential: str
) -> None:
    receiver, laptop = Receiver(engine), Reporter(tmp_path)
    receiver.admits(laptop)
    headers = {"idempotency-key": "batch-0001", "content-length": "900"}
    headers |= {"authorization": credential} if credential else {}
    with writing(engine):
        for device in (laptop.id, "00000000-0000-4000-8000-000000000009"):
            assert post(engine, "/v1/events", {**headers, "x-device-id": device}, None) == 401


def test_the_database_is_asked_once_for_a_device_that_proves_itself_and_each_time_for_a_stranger(
    engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    receiver, laptop = Receiver(engine), Reporter(tmp_path)
    receiver.admits(laptop)
    receiving = Receiving(
        Intake(engine, Rules, lambda: NOW, lambda _: None), engine, lambda: NOW, lambda _: None, 1_000, lambda _: None
    )
    asked: list[str] = []
    ask = receiving._credential

    def counted(device: str) -> Credential | None:
        asked.append(device)
        return ask(device)

    monkeypatch.setattr(receiving, "_credential", counted)

    def come(credential: str) -> bool:
        raw = [(b"x-device-id", laptop.id.encode()), (b"authorization", f"Bearer {credential}".encode())]
        try:
            asyncio.run(receiving._known(Request({"type": "http", "headers": raw})))
        except RefusedError:
            return False
        return True

    assert [come(laptop.credential) for _ in range(3)] == [True] * 3
    assert len(asked) == 1
    assert [come("guess") for _ in range(3)] == [False] * 3
    assert len(asked) == 4


async def _greets(_scope: object, receive: Any, send: Any) -> None:  # noqa: ANN401 - ASGI's
    while (await receive()).get("more_body"):
        pass
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]})
    await send({"type": "http.response.body", "body": b"ok"})


async def _refuses(_scope: object, _receive: object, send: Any) -> None:  # noqa: ANN401 - ASGI's
    await send({"type": "http.response.start", "status": 401, "headers": [(b"content-length", b"2")]})
    await send({"type": "http.response.body", "body": b"no"})


@contextmanager
def listening(app: Any = _greets) -> Iterator[int]:  # noqa: ANN401 - ASGI's
    """Give the port of a server whose connections are ours."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        config = uvicorn.Config(app, http=connection.Connection, lifespan="off", log_level="error")
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, args=([taken],))
        thread.start()
        try:
            yield int(taken.getsockname()[1])
        finally:
            server.should_exit = True
            thread.join()


def ended(stranger: socket.socket, piece: bytes) -> bool:
    """Say whether a connection is cut before a hundred of `piece` have come."""
    try:
        for _ in range(100):
            stranger.sendall(piece)
    except (ConnectionResetError, BrokenPipeError):
        return True
    return False


def test_a_head_without_an_end_takes_no_memory() -> None:
    chunked = b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nX-A: "
    for begin in (b"GET /", b"GET / HTTP/1.1\r\nX-A: ", chunked):
        with listening() as port, socket.create_connection(("127.0.0.1", port), timeout=_SOON_S) as stranger:
            stranger.sendall(begin)
            assert ended(stranger, b"a" * connection.HEAD_BYTES)


def test_slow_attack_who_does_not_send_the_head_in_time_is_let_go(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "HEAD_S", 0.2)
    for head in (b"", b"GET / HT", b"GET / HTTP/1.1\r\n\r\nGET / HT"):
        with listening() as port, socket.create_connection(("127.0.0.1", port), timeout=3.0) as stranger:
            stranger.sendall(head)
            with suppress(ConnectionResetError):
                while stranger.recv(
                    1_000
                ):  # its timeout fails the test; a connection that is kept ends after five seconds
                    pass


@pytest.mark.parametrize(
    ("app", "head", "more"),
    [
        (_refuses, b"POST / HTTP/1.1\r\nContent-Length: 1000\r\n\r\n", b"a"),
        (_greets, b"GET / HTTP/1.1\r\n\r\n", b"\r\n"),
    ],
    ids=["rest-of-a-body", "empty-line"],
)
def test_slow_attack_who_sends_a_little_after_the_answer_and_no_head_is_let_go(
    monkeypatch: pytest.MonkeyPatch, app: object, head: bytes, more: bytes
) -> None:
    monkeypatch.setattr(connection, "HEAD_S", 0.2)
    with listening(app) as port, socket.create_connection(("127.0.0.1", port), timeout=3.0) as stranger:
        stranger.sendall(head)
        said = b""
        while not said.endswith((b"ok", b"no")):
            said += stranger.recv(1_000)
        stranger.sendall(more)
        with suppress(ConnectionResetError):
            assert stranger.recv(1_000) == b""  # its timeout fails the test


def test_a_large_body_and_many_requests_of_one_connection_pass() -> None:
    body = b"a" * (4 * connection.HEAD_BYTES)
    request = b"POST / HTTP/1.1\r\nContent-Length: %d\r\nX-A: %s\r\n\r\n" % (len(body), b"a" * 30_000)
    with listening() as port, socket.create_connection(("127.0.0.1", port), timeout=_SOON_S) as known:
        for _ in range(5):
            known.sendall(request + body)
            said = b""
            while not said.endswith(b"ok"):
                said += known.recv(1_000)
            assert said.startswith(b"HTTP/1.1 200")
