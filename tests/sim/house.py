"""Pages and API as a browser and a program reach them; nothing is replaced but the network and the clock."""

import re
from dataclasses import dataclass, field
from typing import Any

from httpx2 import Response
from sqlalchemy import Engine
from starlette.testclient import TestClient

from central.app import desk
from central.config import Access, Listen, Settings
from central.core.access import Permission, Role
from central.core.fleet import Terms
from central.store import people, tokens
from central.store.engine import writing
from tests.sim.reporter import NOW

PASSWORD = "correct horse battery"
WHO = {Role.VIEWER: "vera", Role.HELP_DESK: "hugo", Role.SOC: "sonja", Role.ADMIN: "ada"}
HOSTS = ("dev-laptop-1", "dev-laptop-2", "fin-laptop-3")

FILL = {
    "device": "00000000-0000-4000-8000-000000000001",
    "cause": "c",
    "server": "s",
    "exception": "e",
    "destination": "d",
}
"""What stands in the paths of routes; the device is the first of the fleet, the others are not there."""


def filled(path: str) -> str:
    """Return a route's path with something in each of its places."""
    return re.sub(r"\{(\w+)\}", lambda found: FILL[found[1]], path)


@dataclass(eq=False)
class Browser:
    """One browser. Forms are sent as a page would: with the token that stands in one."""

    client: TestClient

    def get(self, path: str, headers: dict[str, str] | None = None) -> Response:
        return self.client.get(path, headers=headers)

    def form(self, page: str = "/sign-in") -> str:
        found = re.search(r'name="form" value="([^"]+)"', self.client.get(page).text)
        assert found, f"{page} holds no form"
        return found[1]

    def post(self, path: str, page: str = "/devices", **fields: str) -> Response:
        return self.client.post(path, data={"form": self.form(page), **fields})

    def signs_in(self, name: str, password: str = PASSWORD, **fields: str) -> Response:
        return self.post("/sign-in", "/sign-in", name=name, password=password, **fields)


@dataclass(eq=False)
class House:
    """The desk over a fleet of three devices, and everybody's browser. `now` is its clock."""

    engine: Engine
    now: float = NOW
    settings: Settings = field(default_factory=Settings)
    app: Any = field(init=False)

    def __post_init__(self) -> None:
        self._open(self.settings)

    def provided_by(self, issuer: str) -> None:
        """Let people come from an OpenID Connect provider, too."""
        access = Access(oidc_issuer=issuer, oidc_client_id="central", oidc_roles={"soc-team": Role.SOC})
        self._open(self.settings.model_copy(update={"access": access}))

    def called(self, url: str) -> None:
        """Be reached by browsers at `url`."""
        self._open(self.settings.model_copy(update={"listen": Listen(public_url=url)}))

    def _open(self, settings: Settings) -> None:
        self.app = desk(settings, self.engine, Terms(), lambda: self.now)

    def browser(self, base: str = "http://testserver", address: str = "testclient") -> Browser:
        return Browser(TestClient(self.app, base_url=base, client=(address, 50_000), follow_redirects=False))

    def person(self, role: Role) -> Browser:
        """Sign somebody in by a one-time link, which costs no time."""
        browser = self.browser()
        with writing(self.engine) as connection:
            page = f"/sign-in/link/{people.link(connection, WHO[role], self.now + 60)}"
        assert browser.post(page, page).status_code == 303
        return browser

    def program(self, *scopes: Permission) -> TestClient:
        with writing(self.engine) as connection:
            token = tokens.make(connection, f"of {'-'.join(scopes)}", scopes, "test", self.now)
        return TestClient(self.app, headers={"Authorization": f"Bearer {token}"}, follow_redirects=False)
