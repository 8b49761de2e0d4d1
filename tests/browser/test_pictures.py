"""The pictures of the README: written where PICTURES names a folder, taken in any case."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from central.core.access import Role
from tests.browser.conftest import Watched

pytestmark = pytest.mark.browser

FOLDER = os.environ.get("PICTURES")
PICTURES = {
    "overview": ("/", "light"),
    "device": ("/devices?q=dev-laptop-05", "light"),
    "alerts": ("/alerts", "dark"),
}


@pytest.mark.parametrize("name", PICTURES)
def test_a_picture_is_taken(window: Callable[..., Watched], tmp_path: Path, name: str) -> None:
    path, scheme = PICTURES[name]
    me = window(color_scheme=scheme, viewport={"width": 1400, "height": 880})
    me.signs_in(Role.SOC)
    page = me.goes(path)
    if "?" in path:
        page.locator("tbody a").first.click()
        page.wait_for_load_state()
    file = (Path(FOLDER) if FOLDER else tmp_path) / f"central-{name}.png"
    page.screenshot(path=file)
    assert file.stat().st_size > 10_000
