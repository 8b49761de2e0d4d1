"""A one-time link signs in once and leads to where it was meant to lead, on this site alone."""

import pytest

from central.core.access import Role
from central.store import people
from central.store.engine import writing
from tests.sim.house import WHO, House


@pytest.mark.parametrize(
    ("target", "leads"),
    [("/devices/one", "/devices/one"), ("", "/"), ("//evil.example", "/"), ("https://evil.example/", "/")],
)
def test_it_leads_to_the_page_that_was_asked_for_and_to_no_other_site(house: House, target: str, leads: str) -> None:
    with writing(house.engine) as connection:
        page = f"/sign-in/link/{people.link(connection, WHO[Role.VIEWER], house.now + 60)}?next={target}"
    browser = house.browser()
    answer = browser.post(page, page)
    assert (answer.status_code, answer.headers["location"]) == (303, leads)
    assert browser.post(page, page).status_code == 403, "it was used"
