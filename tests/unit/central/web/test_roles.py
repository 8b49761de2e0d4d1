"""Roles by their table: every page, question and deed, asked by everybody."""

import pytest
from starlette.routing import Route

from central.core.access import PERMISSIONS, SCOPES, Permission, Role, role_of
from central.store import people
from central.store.engine import writing
from central.store.schema import servers
from central.web.deeds import DEEDS
from central.web.tables import QUESTIONS
from tests.sim.house import FILL, WHO, House, filled

OPEN = {"/sign-in", "/sign-out", "/sign-in/link/{link}"}


def routes(house: House) -> list[tuple[str, str]]:
    """Return (method, path) of everything that the site answers, but for signing in and static files."""
    found = [
        (method, route.path) for route in house.app.routes if isinstance(route, Route) for method in route.methods or ()
    ]
    return [(method, path) for method, path in found if path not in OPEN and method in ("GET", "POST")]


def test_who_is_not_known_gets_nothing(house: House) -> None:
    stranger = house.browser()
    assert len(routes(house)) > 30
    for method, path in routes(house):
        answer = stranger.client.request(method, filled(path))
        if path.startswith("/v1/"):
            assert answer.status_code == 401, path
        else:
            assert (answer.status_code, answer.headers["location"].split("?")[0]) == (303, "/sign-in"), path


@pytest.mark.parametrize("role", Role)
def test_every_question_and_deed_is_for_whom_the_table_says(house: House, role: Role) -> None:
    browser = house.person(role)
    token = browser.form("/devices")
    for question in QUESTIONS:
        for path in (question.path, f"/v1{question.api or question.path}"):
            status = browser.get(filled(path)).status_code
            assert (status == 403) == (question.permission not in PERMISSIONS[role]), (path, status)
    for deed in DEEDS:
        sent = browser.client.post(
            filled(deed.path), data={"form": token, "text": "x", "reason": "because", "days": "1"}
        )
        assert (sent.status_code == 403) == (deed.permission not in PERMISSIONS[role]), deed.path
        api = browser.client.post(f"/v1{filled(deed.path)}", json={}, headers={"X-Form": token})
        assert (api.status_code == 403) == (deed.permission not in PERMISSIONS[role]), deed.path
    assert (browser.get("/preview").status_code == 403) == (Permission.PREVIEW not in PERMISSIONS[role])
    assert (browser.get("/v1/alerts").status_code == 403) == (Permission.FEED not in PERMISSIONS[role])


@pytest.mark.parametrize("scope", sorted(SCOPES))
def test_a_token_may_do_what_its_scopes_say_and_nothing_else(house: House, scope: Permission) -> None:
    program = house.program(scope)
    for question in QUESTIONS:
        status = program.get(filled(f"/v1{question.api or question.path}")).status_code
        assert (status == 403) == (question.permission != scope), question.path
    for deed in DEEDS:
        status = program.post(f"/v1{filled(deed.path)}", json={}).status_code
        assert (status == 403) == (deed.permission != scope), deed.path


def test_what_a_person_may_not_do_is_not_offered(house: House) -> None:
    page = f"/devices/{FILL['device']}"
    assert "Look again now" not in house.person(Role.VIEWER).get(page).text
    hugo = house.person(Role.HELP_DESK).get(page).text
    assert "Look again now" in hugo
    assert "Suppress" not in hugo
    assert "Suppress" in house.person(Role.SOC).get(page).text
    assert 'href="/audit"' not in hugo


def test_the_help_desk_sees_no_private_paths(house: House) -> None:
    for role in (Role.VIEWER, Role.HELP_DESK):
        browser = house.person(role)
        for path in (
            f"/devices/{FILL['device']}",
            f"/v1/devices/{FILL['device']}",
            "/alerts",
            "/servers.csv",
            "/devices",
        ):
            assert "secret-merger" not in browser.get(path).text, path
        assert "~ann/…/mcp.json" in browser.get(f"/devices/{FILL['device']}").text
    assert "secret-merger" in house.person(Role.SOC).get(f"/devices/{FILL['device']}").text


_SCOPES = ((Permission.PREVIEW,), (Permission.PREVIEW, Permission.PRIVATE))


def test_a_program_sees_no_private_paths_without_that_scope(house: House) -> None:
    with writing(house.engine) as connection:
        private = servers.update().where(servers.c.verdict == "blocked")
        connection.execute(private.values(what="node /home/ann/secret-merger/shell-mcp.js"))
    seen = [house.program(*scopes).post("/v1/preview", content="{}").text for scopes in _SCOPES]
    assert ["secret-merger" in text for text in seen] == [False, True]
    assert ["~ann/…/shell-mcp.js" in text for text in seen] == [True, False]


def test_a_role_that_is_taken_away_counts_from_the_next_request_on(house: House) -> None:
    sonja = house.person(Role.SOC)
    with writing(house.engine) as connection:
        people.set_role(connection, WHO[Role.SOC], Role.VIEWER)
    assert sonja.get("/audit").status_code == 403
    with writing(house.engine) as connection:
        people.end(connection, WHO[Role.SOC], house.now)
    assert sonja.get("/devices").status_code == 303


@pytest.mark.parametrize(
    ("claim", "role"),
    [
        ("soc-team", Role.SOC),
        (["staff", "soc-team", "desk"], Role.SOC),
        (["desk"], Role.HELP_DESK),
        ([], None),
        (None, None),
        ({"soc-team": 1}, None),
        (["SOC-TEAM"], None),
        ([["soc-team"]], None),
    ],
)
def test_a_claim_gives_the_strongest_role_that_it_names_exactly(claim: object, role: Role | None) -> None:
    assert role_of(claim, {"soc-team": Role.SOC, "desk": Role.HELP_DESK}, None) is role
