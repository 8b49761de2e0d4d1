"""Signing in with a real OpenID Connect provider (npm's oidc-provider), which these tests start."""

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.conftest import PROVIDER, free_port, until_answers
from tests.sim.serving import Served

pytestmark = pytest.mark.browser

HERE = Path(__file__).parent


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("provided")
    port, own = free_port(), free_port()
    issuer = f"http://127.0.0.1:{port}"
    script = PROVIDER / "provider.mjs"
    script.write_text((HERE / "provider.mjs").read_text())
    (folder / "secret").write_text("secret-of-central\n")
    command = ["node", str(script), str(port), f"http://127.0.0.1:{own}/sign-in/provider/return"]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            until_answers(f"{issuer}/.well-known/openid-configuration")
            settings = (
                "[access]",
                f'oidc_issuer = "{issuer}"',
                'oidc_client_id = "central"',
                f'oidc_client_secret_file = "{folder}/secret"',
                "[access.oidc_roles]",
                'soc-team = "soc"',
                'desk = "help-desk"',
            )
            central = Served(folder, settings=settings)
            central.port = own
            central.start()
            try:
                yield central.url
            finally:
                central.stop()
        finally:
            process.terminate()


def signs_in(chromium: Browser, address: str, name: str, path: str = "/devices") -> Page:
    page = chromium.new_context().new_page()
    page.goto(f"{address}{path}")
    page.get_by_role("link", name="Sign in with your company").click()
    page.locator("[name=login]").fill(name)
    page.locator("[name=password]").fill("any")
    page.get_by_role("button", name="Sign-in").click()
    page.get_by_role("button", name="Continue").click()
    page.wait_for_load_state()
    return page


@pytest.mark.parametrize(("name", "role"), [("sonja", "soc"), ("hugo", "help-desk")])
def test_the_groups_of_a_person_give_the_role(chromium: Browser, address: str, name: str, role: str) -> None:
    page = signs_in(chromium, address, name)
    assert page.url == f"{address}/devices"
    expect(page.locator(".who")).to_contain_text(name)
    expect(page.locator(".who small")).to_have_text(role)
    page.context.close()


def test_who_has_no_group_that_counts_does_not_get_in(chromium: Browser, address: str) -> None:
    page = signs_in(chromium, address, "mallory")
    expect(page.get_by_role("heading", name="Not permitted")).to_be_visible()
    page.goto(f"{address}/devices")
    assert "/sign-in" in page.url
    page.context.close()


def test_an_answer_that_nobody_asked_for_signs_nobody_in(chromium: Browser, address: str) -> None:
    page = chromium.new_context().new_page()
    answer = page.goto(f"{address}/sign-in/provider/return?code=stolen&state=invented")
    assert answer is not None
    assert answer.status == 403
    page.context.close()
