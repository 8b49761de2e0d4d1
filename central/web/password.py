"""One's own password: set at the first sign-in, which a link allows, and changed later by showing the present one."""

from dataclasses import dataclass

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from central.core.access import Asker, Permission
from central.store import administering, people
from central.store.engine import reading, writing
from central.store.handling import Act
from central.web.bounds import SMALL, bounded
from central.web.desk import Desk
from central.web.shield import FIELD, local
from central.web.sign_in import SignIn


@dataclass(eq=False)
class OwnPassword:
    """`/password`, for whoever is signed in. Whoever changes it is signed out everywhere else."""

    desk: Desk
    sign_in: SignIn

    def routes(self) -> list[Route]:
        """Return the routes."""
        return [
            Route("/password", self.ask, methods=["GET"]),
            Route("/password", self.take, methods=["POST"]),
        ]

    async def ask(self, request: Request) -> Response:
        """Show the form."""
        asker = await self.desk.asker(request, Permission.READ)
        return await self._page(request, asker)

    async def take(self, request: Request) -> Response:
        """Take another password."""
        asker = await self.desk.asker(request, Permission.READ)
        sent = await (await bounded(request, SMALL)).form()
        self.desk.forms.check(request, sent.get(FIELD))
        present, new, again = (str(sent.get(name, "")) for name in ("present", "new", "again"))
        if not await run_in_threadpool(self.sign_in.may_try, request, asker.name):
            return await self._page(request, asker, "Too many attempts: wait a minute, then try again.", 429)
        if not people.SHORTEST_PASSWORD <= len(new) <= people.LONGEST_PASSWORD:
            return await self._page(
                request, asker, f"A password has at least {people.SHORTEST_PASSWORD} characters.", 400
            )
        if new != again:
            return await self._page(request, asker, "The two new passwords are not the same.", 400)
        if not await run_in_threadpool(self._changed, asker, present, new):
            return await self._page(request, asker, "This is not your present password.", 403)
        return await run_in_threadpool(self.sign_in.signed_in, request, asker.name, "new password", local("/"))

    def _changed(self, asker: Asker, present: str, new: str) -> bool:
        """Change it where the present one was shown, or there is none; say whether it was changed."""
        with reading(self.desk.engine) as connection:
            held = people.has_password(connection, asker.name)
        if held is None or (held and not self.sign_in.proved(asker.name, present)):
            return False
        now = self.desk.now()
        with writing(self.desk.engine) as connection:
            return administering.set_password(connection, Act(asker.name, now), asker.name, new)

    async def _page(self, request: Request, asker: Asker, problem: str = "", status: int = 200) -> Response:
        values = {
            "held": await run_in_threadpool(self._held, asker),
            "problem": problem,
            "shortest": people.SHORTEST_PASSWORD,
        }
        return self.desk.pages.answer(request, "password.html", values, asker=asker, status=status)

    def _held(self, asker: Asker) -> bool | None:
        with reading(self.desk.engine) as connection:
            return people.has_password(connection, asker.name)
