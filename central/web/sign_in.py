"""Signing in and out: by password, by a one-time link, by the identity provider.

A wrong name and a wrong password are one answer, in one time. Attempts are limited by address and by name over all copies of the
program, and before that by address in each, so that a flood from one costs the database nothing. Whoever signs in begins a
browser session that did not exist before.
"""

import ipaddress
import threading
from collections.abc import Callable
from dataclasses import dataclass, field

from limits import RateLimitItemPerSecond
from limits.storage import MemoryStorage
from limits.strategies import MovingWindowRateLimiter
from sqlalchemy import Engine
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from central.store import people
from central.store.attempts import Most, may_try
from central.store.auditing import record
from central.store.engine import reading, writing
from central.web.bounds import SMALL, bounded
from central.web.pages import Pages
from central.web.shield import FIELD, Forms, local, renew
from central.web.who import SESSION, Doorkeeper

_WRONG = "This name and password do not fit together."
_LONGEST_NAME = 200
WAITING = 8
"""How many may wait for a password to be checked, in each copy of the program; it has forty threads for pages."""


@dataclass(frozen=True, slots=True)
class Attempts:
    """How often one may try: from one address, as one name from one address, as one name from anywhere."""

    address: Most = field(default_factory=lambda: Most(30, 60.0))
    pair: Most = field(default_factory=lambda: Most(5, 60.0))
    name: Most = field(default_factory=lambda: Most(100, 3_600.0))


@dataclass(eq=False)
class SignIn:
    """`provider` is what the button of the identity provider says, None without one. `now` is Unix seconds."""

    engine: Engine
    keeper: Doorkeeper
    forms: Forms
    pages: Pages
    now: Callable[[], float]
    provider: str | None = None
    attempts: Attempts = field(default_factory=Attempts)
    _limiter: MovingWindowRateLimiter = field(
        default_factory=lambda: MovingWindowRateLimiter(MemoryStorage()), init=False
    )
    _one_at_a_time: threading.Lock = field(default_factory=threading.Lock, init=False)
    _room: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(WAITING), init=False)

    def routes(self) -> list[Route]:
        """Return the routes."""
        return [
            Route("/sign-in", self.ask, methods=["GET"]),
            Route("/sign-in", self.take, methods=["POST"]),
            Route("/sign-in/link/{link}", self.show_link, methods=["GET"]),
            Route("/sign-in/link/{link}", self.use_link, methods=["POST"]),
            Route("/sign-out", self.leave, methods=["POST"]),
        ]

    async def ask(self, request: Request) -> Response:
        """Show the form; who is signed in goes on."""
        target = local(request.query_params.get("next"))
        if await run_in_threadpool(self.keeper.asker, request) is not None:
            return RedirectResponse(target, 303)
        return self._page(request, target)

    async def take(self, request: Request) -> Response:
        """Take a name and a password."""
        sent = await (await bounded(request, SMALL)).form()
        self.forms.check(request, sent.get(FIELD))
        name, password = str(sent.get("name", ""))[:_LONGEST_NAME].strip(), str(sent.get("password", ""))
        target = local(str(sent.get("next", "")))
        if not await run_in_threadpool(self.may_try, request, name):
            return self._page(request, target, "Too many attempts: wait a minute, then try again.", 429)
        if "\0" in name or not await run_in_threadpool(self.proved, name, password):
            return self._page(request, target, _WRONG, 403)
        return await run_in_threadpool(self.signed_in, request, name, "password", target)

    async def show_link(self, request: Request) -> Response:
        """Show a button: what fetches links ahead must not use them up."""
        target = local(request.query_params.get("next"))
        shown = {"link": request.path_params["link"], "next": target, "problem": ""}
        return self.pages.answer(request, "link.html", shown)

    async def use_link(self, request: Request) -> Response:
        """Sign in whom the link is for."""
        sent = await (await bounded(request, SMALL)).form()
        self.forms.check(request, sent.get(FIELD))
        if not await run_in_threadpool(self.may_try, request):
            raise HTTPException(429, "too many attempts: wait a minute, then try again")
        name = await run_in_threadpool(self._linked, request.path_params["link"])
        if name is None:
            said = {
                "link": "",
                "problem": "This link was used already, or is too old. Ask an administrator for a new one.",
            }
            return self.pages.answer(request, "link.html", said, status=403)
        return await run_in_threadpool(
            self.signed_in, request, name, "one-time link", local(request.query_params.get("next"))
        )

    async def leave(self, request: Request) -> Response:
        """Sign out."""
        sent = await (await bounded(request, SMALL)).form()
        self.forms.check(request, sent.get(FIELD))
        held = request.session.get(SESSION)
        if isinstance(held, str):
            await run_in_threadpool(self._left, held)
        renew(request)
        return RedirectResponse("/sign-in", 303)

    def signed_in(self, request: Request, name: str, how: str, target: str) -> Response:
        """Begin a session of `name` in a browser session that is new, and send it on to `target`."""
        now = self.now()
        with writing(self.engine) as connection:
            people.sweep(connection, self.keeper.terms, now)
            held = people.begin(connection, name, now)
            record(connection, name, "session.begin", name, now, {"by": how})
        renew(request)
        request.session[SESSION] = held
        return RedirectResponse(target, 303)

    def may_try(self, request: Request, name: str | None = None, *, step: str = "") -> bool:
        """Count an attempt from where `request` comes, as `name`; say whether it may go on. Each `step` is counted by itself."""
        address = step + _household(request.client.host if request.client is not None else "unknown")
        most = self.attempts.address
        if not self._limiter.hit(RateLimitItemPerSecond(most.number, int(most.seconds)), address):
            return False
        limits = {f"address {address}": most}
        if name is not None:
            limits |= {f"pair {address} {name}": self.attempts.pair, f"name {name}": self.attempts.name}
        with writing(self.engine) as connection:
            return may_try(connection, limits, self.now())

    def proved(self, name: str, password: str) -> bool:
        """Say whether `password` is that of `name`; one at a time, and few wait, as each holds a thread that answers others.

        Raises:
            HTTPException: 429, too many wait.
        """
        if not self._room.acquire(blocking=False):
            raise HTTPException(429, "too many people sign in just now: try again in a moment")
        try:
            with self._one_at_a_time, reading(self.engine) as connection:  # Argon2 takes 64 MiB each time
                return people.proved(connection, name, password)
        finally:
            self._room.release()

    def _linked(self, link: str) -> str | None:
        with writing(self.engine) as connection:
            return people.use_link(connection, link, self.now())

    def _left(self, held: str) -> None:
        with writing(self.engine) as connection:
            people.sign_out(connection, held)

    def _page(self, request: Request, target: str, problem: str = "", status: int = 200) -> Response:
        values = {"next": target, "problem": problem, "provider": self.provider}
        return self.pages.answer(request, "sign-in.html", values, status=status)


def _household(address: str) -> str:
    """Return what one party has of addresses: one of IPv4, a /64 of IPv6."""
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return address
    return str(ipaddress.ip_network((found, 64), strict=False)) if found.version == 6 else address  # noqa: PLR2004
