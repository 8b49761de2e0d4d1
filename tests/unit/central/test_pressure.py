"""Back pressure before memory grows: what finds no room is refused at once, and what does not come takes none from others."""

import asyncio
import json
from collections.abc import Callable, MutableMapping
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import create_engine
from starlette.applications import Starlette

from central.core.refusal import Refusal
from central.receiving.intake import Intake, IntakeBudget
from central.store.taking import Rules
from central.web.receiving import Receiving

ROOM = 1_000
Message = MutableMapping[str, Any]


@dataclass
class Desk:
    """Receives with room for 1,000 bytes, and stores nothing: what was taken goes on waiting."""

    patience_s: float = 60.0
    refused: list[Refusal] = field(default_factory=list)
    intake: Intake = field(init=False)
    app: Starlette = field(init=False)

    def __post_init__(self) -> None:
        engine = create_engine("sqlite://")
        budget = IntakeBudget(waiting_bytes=ROOM)
        self.intake = Intake(engine, Rules, lambda: 0.0, lambda _outcome: None, budget)
        receiving = Receiving(
            self.intake, engine, lambda: 0.0, self.refused.append, ROOM, lambda _request: "CN=laptop", self.patience_s
        )
        self.app = Starlette(routes=receiving.routes())

    async def post(self, announced: int, come: int, path: str = "/v1/events") -> tuple[int, dict[str, str], str]:
        """Send a request of which `come` bytes come; return status, headers and the refusal's code."""
        pieces = [b"x" * come] if come else []
        said: list[Message] = []

        async def receive() -> Message:
            if not pieces:
                await asyncio.Event().wait()
            await asyncio.sleep(0)  # others come meanwhile
            body = pieces.pop()
            return {"type": "http.request", "body": body, "more_body": come < announced}

        async def send(message: Message) -> None:
            said.append(message)

        headers = {"content-length": str(announced), "x-device-id": "device-1", "idempotency-key": "batch-0001"}
        scope = {
            "type": "http",
            "method": "POST",
            "path": path,
            "headers": [(name.encode(), value.encode()) for name, value in headers.items()],
            "query_string": b"",
        }
        await self.app(scope, receive, send)
        told = {name.decode(): value.decode() for name, value in said[0]["headers"]}
        return said[0]["status"], told, json.loads(said[1]["body"])["code"]


def within(desk: Desk, *requests: tuple[int, int], then: Callable[[], Any]) -> Any:  # noqa: ANN401 - what `then` gives
    """Let `requests` come as far as they come, and carry out `then` meanwhile."""

    async def life() -> Any:  # noqa: ANN401 - see above
        going = [asyncio.create_task(desk.post(*request)) for request in requests]
        for _ in range(20):
            await asyncio.sleep(0)
        found = then()
        found = await found if asyncio.iscoroutine(found) else found
        for one in going:
            one.cancel()
        await asyncio.gather(*going, return_exceptions=True)
        return found

    return asyncio.run(life())


def test_what_finds_no_room_is_told_to_come_again_before_it_is_read() -> None:
    desk = Desk()
    status, headers, code = within(desk, (800, 800), then=lambda: desk.post(800, 0))
    assert (status, code) == (429, "busy")
    assert int(headers["retry-after"]) > 0
    assert [one.code for one in desk.refused] == ["busy"]
    assert desk.intake.waiting[1] == 0, "nothing is held for what has ended"


def test_a_body_that_grows_beyond_the_room_while_it_comes_is_refused() -> None:
    desk = Desk()
    assert within(desk, (800, 700), (800, 700), then=lambda: desk.intake.waiting) == (0, 700)
    assert [one.code for one in desk.refused] == ["busy"]


def test_slow_attack_bodies_that_are_announced_and_do_not_come_take_no_room_from_others() -> None:
    desk = Desk()
    held = within(desk, *[(ROOM, 0)] * 50, (800, 800), then=lambda: desk.intake.waiting)
    assert held == (1, 800)
    assert desk.refused == []


def test_slow_attack_who_does_not_send_the_body_in_time_is_let_go() -> None:
    for path in ("/v1/events", "/v1/enrolment"):
        status, _, code = asyncio.run(Desk(patience_s=0.01).post(500, 100, path))
        assert (status, code) == (408, "body-slow")
