"""Debian's Chromium before the program as it is started, over a company of two dozen devices.

Every page is watched: a request to another host, a violation of the content security policy or a script's error fails its test.
"""

import shutil
import socket
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright
from sqlalchemy import Engine

from central.core.access import Role
from central.store import people
from central.store.engine import engine_of, writing
from central.store.migrating import migrate
from tests.sim.fleet import Fleet, company
from tests.sim.house import WHO
from tests.sim.serving import serving

ROOT = Path(__file__).parents[2]
PROVIDER = ROOT / ".scratch" / "oidc"
PASSWORD = "correct horse battery"
QUIET = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
"""What keeps Chromium from calling its maker; the sandbox does not start for root."""
_PATIENCE_S = 30
PAGER = ("[[destination]]", 'kind = "webhook"', 'name = "pager"', 'url = "https://127.0.0.1:9/hook"')
"""A destination that nobody listens at."""


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


def until_answers(address: str) -> None:
    deadline = time.monotonic() + _PATIENCE_S
    while True:
        try:
            assert requests.get(address, timeout=5).status_code == 200
        except requests.ConnectionError:
            assert time.monotonic() < deadline, f"{address} does not answer"
            time.sleep(0.05)
        else:
            return


@dataclass(eq=False)
class Desk:
    """The running program."""

    address: str
    engine: Engine
    fleet: Fleet

    def link(self, role: Role) -> str:
        """Return a link that signs somebody of this role in."""
        with writing(self.engine) as connection:
            return f"{self.address}/sign-in/link/{people.link(connection, WHO[role], time.time() + 60)}"


@dataclass(eq=False)
class Watched:
    """One browser window of one person."""

    desk: Desk
    context: BrowserContext
    page: Page
    trouble: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.page.set_default_timeout(_PATIENCE_S * 1000)
        self.page.on("request", self._asked)
        self.page.on("console", lambda said: self.trouble.append(said.text) if said.type == "error" else None)
        self.page.on("pageerror", lambda error: self.trouble.append(str(error)))

    def goes(self, path: str) -> Page:
        self.page.goto(self.desk.address + path)
        return self.page

    def signs_in(self, role: Role) -> Page:
        self.page.goto(self.desk.link(role))
        self.page.get_by_role("button", name="Sign in").click()
        self.page.wait_for_url(self.desk.address + "/")
        return self.page

    def _asked(self, request: Any) -> None:  # noqa: ANN401 - Playwright's request
        parts = urlsplit(request.url)
        if parts.scheme not in ("data", "blob") and f"{parts.scheme}://{parts.netloc}" != self.desk.address:
            self.trouble.append(f"asked {request.url}")


@pytest.fixture(scope="session")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    folder = tmp_path_factory.mktemp("served")
    engine = engine_of(f"sqlite:///{folder / 'central.sqlite'}")
    migrate(engine)
    fleet = company(engine, folder, time.time())
    with writing(engine) as connection:
        for role, name in WHO.items():
            people.add(connection, name, role, "test", time.time(), password=PASSWORD if role is Role.SOC else None)
    with serving(folder, settings=PAGER) as central:
        yield Desk(central.url, engine, fleet)
    engine.dispose()


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    program = shutil.which("chromium")
    assert program is not None, "Debian's chromium is not installed: apt install chromium"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=list(QUIET))
        yield browser
        browser.close()


@pytest.fixture
def window(desk: Desk, chromium: Browser) -> Iterator[Callable[..., Watched]]:
    """Return what opens a window; all of them must have been quiet in the end."""
    opened: list[Watched] = []

    def opens(**how: Any) -> Watched:  # noqa: ANN401 - Playwright's options of a context
        context = chromium.new_context(**{"viewport": {"width": 1200, "height": 800}, **how})
        opened.append(Watched(desk, context, context.new_page()))
        return opened[-1]

    yield opens
    for each in opened:
        each.context.close()
    assert [line for each in opened for line in each.trouble] == []
