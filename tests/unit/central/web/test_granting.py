"""Who gets in, changed by administrators in the pages: what they can do, what nobody can, and that each change is audited."""

import re
import threading
from typing import Any

import pytest
from httpx2 import Response
from sqlalchemy import insert, select
from starlette.testclient import TestClient

from central.core.access import Permission, Role
from central.core.envelope import hashed
from central.store import enrolling, people, tokens
from central.store.engine import reading, writing
from central.store.schema import audit
from central.store.schema import people as people_table
from central.store.schema import tokens as tokens_table
from central.web.granting import GRANTS
from tests.sim.house import FILL, PASSWORD, WHO, Browser, House

ACCESS = "/access"
ANOTHER = "a password of one's own"


def grants(browser: Browser, path: str, **fields: Any) -> Response:  # noqa: ANN401 - fields of a form
    sent = {"form": browser.form(ACCESS), "next": ACCESS, **fields}
    return browser.client.post(path, data=sent)


def secret(answer: Response) -> str:
    found = re.search(r'class="secret"[^>]*>([^<]+)<', answer.text)
    assert answer.status_code == 200, answer.text
    assert found, answer.text
    return found[1].replace("&amp;", "&")


def told(house: House) -> list[tuple[str, str, str]]:
    with reading(house.engine) as connection:
        rows = connection.execute(select(audit).where(audit.c.action != "session.begin").order_by(audit.c.id))
        return [(row.actor, row.action, row.subject) for row in rows]


def listed(house: House, what: str) -> dict[str, dict[str, Any]]:
    return {one["name"]: one for one in house.person(Role.ADMIN).get("/v1/access").json()[what]}


def test_a_person_is_added_signs_in_by_the_link_and_sets_a_password(house: House) -> None:
    ada = house.person(Role.ADMIN)
    link = secret(grants(ada, "/people", name="nina", role="soc"))
    path = link.removeprefix(house.settings.url)
    nina = house.browser()
    answer = nina.post(path, path)
    assert (answer.status_code, answer.headers["location"]) == (303, "/password")
    assert "have no password yet" in nina.get("/").text
    assert nina.post("/password", "/password", new="short", again="short").status_code == 400
    assert nina.post("/password", "/password", new=ANOTHER, again=ANOTHER + "!").status_code == 400
    assert nina.post("/password", "/password", new=ANOTHER, again=ANOTHER).status_code == 303
    assert "have no password yet" not in nina.get("/").text
    assert house.browser().signs_in("nina", ANOTHER).status_code == 303
    assert listed(house, "people")["nina"]["signed_in_at"] == house.now
    assert told(house) == [
        ("ada", "person.add", "nina"),
        ("ada", "person.link", "nina"),
        ("nina", "person.password", "nina"),
    ]
    assert house.browser().post(path, "/sign-in").status_code == 403  # once


def test_ones_password_changes_by_showing_the_present_one(house: House) -> None:
    here, there = house.browser(), house.browser()
    for each in (here, there):
        each.signs_in("sonja")
    assert here.post("/password", "/password", present="wrong", new=ANOTHER, again=ANOTHER).status_code == 403
    assert here.post("/password", "/password", new=ANOTHER, again=ANOTHER).status_code == 403
    assert there.get("/devices").status_code == 200
    assert here.post("/password", "/password", present=PASSWORD, new=ANOTHER, again=ANOTHER).status_code == 303
    assert here.get("/devices").status_code == 200
    assert there.get("/devices").status_code == 303
    with reading(house.engine) as connection:
        assert not people.proved(connection, "sonja", PASSWORD)


def test_guesses_of_the_present_password_are_limited(house: House) -> None:
    sonja = house.person(Role.SOC)
    sent = [sonja.post("/password", "/password", present=f"no {n}", new=ANOTHER, again=ANOTHER) for n in range(6)]
    assert [answer.status_code for answer in sent] == [403] * 5 + [429]


def test_a_role_is_changed_a_person_removed_and_let_in_again(house: House) -> None:
    ada, hugo = house.person(Role.ADMIN), house.person(Role.HELP_DESK)
    assert grants(ada, "/people/role", name="hugo", role="viewer").headers["location"] == ACCESS
    assert hugo.post(f"/devices/{FILL['device']}/look").status_code == 403
    assert grants(ada, "/people/remove", name="hugo").status_code == 303
    assert hugo.get("/devices").status_code == 303
    assert house.browser().signs_in("hugo").status_code == 403
    assert grants(ada, "/people/readmit", name="hugo").status_code == 303
    assert house.browser().signs_in("hugo").status_code == 303
    assert [row[1:] for row in told(house)] == [
        ("person.role", "hugo"),
        ("person.remove", "hugo"),
        ("person.readmit", "hugo"),
    ]
    assert grants(ada, "/people/remove", name="nobody").status_code == 404
    assert grants(ada, "/people", name="hugo", role="admin").status_code == 409
    assert grants(ada, "/people", name="a\nb", role="admin").status_code == 409


def test_a_new_link_takes_the_password_away(house: House) -> None:
    ada, sonja = house.person(Role.ADMIN), house.person(Role.SOC)
    link = secret(grants(ada, "/people/link", name="sonja"))
    assert sonja.get("/devices").status_code == 303
    assert house.browser().signs_in("sonja").status_code == 403
    path, again = link.removeprefix(house.settings.url), house.browser()
    assert again.post(path, path).status_code == 303
    assert again.post("/password", "/password", new=ANOTHER, again=ANOTHER).status_code == 303


@pytest.mark.parametrize(
    ("path", "fields"),
    [("/people/remove", {}), ("/people/role", {"role": "soc"})],
)
def test_the_last_administrator_stays(house: House, path: str, fields: dict[str, str]) -> None:
    ada = house.person(Role.ADMIN)
    answer = grants(ada, path, name="ada", **fields)
    assert answer.status_code == 409
    assert "the only administrator who can sign in again" in answer.text
    secret(grants(ada, "/people", name="bea", role="admin"))  # who has a link alone
    assert grants(ada, path, name="ada", **fields).status_code == 409
    with writing(house.engine) as connection:
        people.set_password(connection, "bea", ANOTHER)
    assert grants(ada, path, name="ada", **fields).status_code == 303
    assert ada.get(ACCESS).status_code in (303, 403)


def test_an_administrator_with_a_link_alone_does_not_shut_everybody_out(house: House) -> None:
    ada = house.person(Role.ADMIN)
    path = secret(grants(ada, "/people", name="bea", role="admin")).removeprefix(house.settings.url)
    bea = house.browser()
    assert bea.post(path, path).status_code == 303
    for deed in ("/people/remove", "/people/link"):
        assert grants(bea, deed, name="ada").status_code == 409
    assert grants(ada, "/people/remove", name="bea").status_code == 303


def test_the_role_of_whom_the_provider_knows_is_the_providers(house: House) -> None:
    with writing(house.engine) as connection:
        people.known_subject(connection, "https://id 7", "olga@example.com", Role.VIEWER, house.now)
    ada = house.person(Role.ADMIN)
    page = ada.get(ACCESS).text
    assert "claims say, anew at each sign-in" in page
    for deed, fields in (("/people/role", {"role": "admin"}), ("/people/link", {})):
        answer = grants(ada, deed, name="olga@example.com", **fields)
        assert answer.status_code == 409
        assert "identity provider" in answer.text
    with writing(house.engine) as connection:
        people.known_subject(connection, "https://id 7", "olga@example.com", Role.SOC, house.now)
    assert told(house) == [("identity provider", "person.role", "olga@example.com")]
    assert grants(ada, "/people/remove", name="olga@example.com").status_code == 303
    with writing(house.engine) as connection:
        assert people.known_subject(connection, "https://id 7", "olga@example.com", Role.SOC, house.now) is None


def test_a_token_is_shown_once_its_use_is_noted_and_it_ends(house: House) -> None:
    ada = house.person(Role.ADMIN)
    token = secret(grants(ada, "/tokens", name="siem", scopes=["feed", "read"], days="30"))
    assert token.startswith("mcpc_token_")
    assert "<b>feed</b>: read the alerts as OCSF events" in ada.get(ACCESS).text
    assert "<b>administer</b>" not in ada.get(ACCESS).text
    assert token not in ada.get(ACCESS).text
    assert listed(house, "tokens")["siem"]["used_at"] is None
    program = TestClient(house.app, headers={"Authorization": f"Bearer {token}"}, follow_redirects=False)
    assert program.get("/v1/alerts").status_code == 200
    row = listed(house, "tokens")["siem"]
    assert (row["used_at"], row["standing"], row["scopes"]) == (house.now, "in force", ["feed", "read"])
    assert row["expires_at"] == house.now + 30 * 86_400
    assert program.get("/v1/audit").status_code == 403
    audit_page = ada.get("/audit").text
    assert re.search(r"expires: <time[^>]*>2025-12-24 16:00:00</time>", audit_page)
    assert "scopes: feed, read" in audit_page
    assert grants(ada, "/tokens", name="siem", scopes="read").status_code == 409
    assert grants(ada, "/tokens/revoke", name="siem").status_code == 303
    assert program.get("/v1/alerts").status_code == 401
    assert listed(house, "tokens")["siem"]["standing"] == "revoked"
    with reading(house.engine) as connection:
        (detail,) = connection.execute(select(audit.c.detail).where(audit.c.action == "token.make")).scalars()
    assert detail["scopes"] == ["feed", "read"]
    assert token not in str(detail)


def test_no_token_administers_whatever_its_row_says(house: House) -> None:
    ada = house.person(Role.ADMIN)
    for scopes in ("administer", ["read", "administer"]):
        assert grants(ada, "/tokens", name="root", scopes=scopes).status_code == 409
    assert grants(ada, "/tokens", name="root").status_code == 400
    shown = tokens.PREFIX + "forged"
    row = {"name": "forged", "hash": hashed(shown), "made_at": 0.0, "made_by": "x"}
    with writing(house.engine) as connection:
        connection.execute(insert(tokens_table), {**row, "scopes": list(Permission)})
    program = TestClient(house.app, headers={"Authorization": f"Bearer {shown}"}, follow_redirects=False)
    assert program.get("/v1/access").status_code == 403
    for deed in GRANTS:
        assert program.post(f"/v1{deed.path.format(**FILL)}", json={"name": "x"}).status_code == 403, deed.path
    assert program.get("/v1/devices").status_code == 200


def test_an_enrolment_key_lets_devices_in_until_it_is_revoked(house: House) -> None:
    ada = house.person(Role.ADMIN)
    key = secret(grants(ada, "/enrolment-keys", name="autumn"))

    def enrols(device: str) -> bool:
        with writing(house.engine) as connection:
            return enrolling.enrol(connection, device, "host", hashed("c" * 43), key, house.now) is None

    assert enrols("00000000-0000-4000-8000-0000000000aa")
    row = listed(house, "keys")["autumn"]
    assert (row["used_at"], row["expires_at"]) == (house.now, None)
    assert grants(ada, "/enrolment-keys", name="autumn").status_code == 409
    assert grants(ada, "/enrolment-keys/revoke", name="autumn").status_code == 303
    assert not enrols("00000000-0000-4000-8000-0000000000ab")
    assert grants(ada, "/enrolment-keys/revoke", name="autumn").status_code == 404
    assert [row[1:] for row in told(house)] == [("enrolment-key.make", "autumn"), ("enrolment-key.revoke", "autumn")]


def test_a_device_is_revoked_and_let_in_again_on_its_page(house: House) -> None:
    ada, hugo, page = house.person(Role.ADMIN), house.person(Role.HELP_DESK), f"/devices/{FILL['device']}"
    assert "Revoke what it writes by" in ada.get(page).text
    assert "Revoke what it writes by" not in hugo.get(page).text
    assert ada.post(f"{page}/revoke", page, next=page).headers["location"] == page
    assert "Its reports are refused: ada revoked" in hugo.get(page).text
    assert ada.post(f"{page}/readmit", page, next=page).status_code == 303
    assert "Its reports are refused" not in hugo.get(page).text
    assert told(house) == [("ada", "device.revoke", FILL["device"]), ("ada", "device.readmit", FILL["device"])]


@pytest.mark.parametrize("role", [Role.VIEWER, Role.HELP_DESK, Role.SOC])
def test_nobody_but_an_administrator_grants_anything(house: House, role: Role) -> None:
    browser = house.person(role)
    token = browser.form("/devices")
    fields = {"form": token, "name": WHO[role], "role": "admin", "scopes": "read"}
    for deed in GRANTS:
        assert browser.client.post(deed.path.format(**FILL), data=fields).status_code == 403, deed.path
    assert browser.get(ACCESS).status_code == 403
    assert 'href="/access"' not in browser.get("/").text
    with reading(house.engine) as connection:
        assert connection.execute(select(people_table.c.role).where(people_table.c.name == WHO[role])).scalar() == role
    assert told(house) == []


def test_a_grant_needs_the_form_of_this_session(house: House) -> None:
    ada, stranger = house.person(Role.ADMIN), house.browser()
    for shown in ("", stranger.form()):
        sent = ada.client.post("/people", data={"form": shown, "name": "eve", "role": "admin"})
        assert sent.status_code == 403
        api = ada.client.post("/v1/people", json={"name": "eve", "role": "admin"}, headers={"X-Form": shown})
        assert api.status_code == 403
    assert "eve" not in listed(house, "people")


def test_two_administrators_who_remove_each_other_at_once_do_not_both_succeed(house: House) -> None:
    """The second waits for the first, and then finds itself to be the last."""
    with writing(house.engine) as connection:
        people.add(connection, "bea", Role.ADMIN, "test", house.now, password=ANOTHER)
    ada, bea = house.person(Role.ADMIN), house.browser()
    bea.signs_in("bea", ANOTHER)
    forms = [(ada, ada.form(ACCESS), "bea"), (bea, bea.form(ACCESS), "ada")]
    answers: list[int] = []

    def removes(browser: Browser, form: str, name: str) -> None:
        answers.append(browser.client.post("/people/remove", data={"form": form, "name": name}).status_code)

    threads = [threading.Thread(target=removes, args=each) for each in forms]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert min(answers) == 303  # done, or (who is removed already) sent to the sign-in
    assert max(answers) in (303, 409)
    with reading(house.engine) as connection:
        active = select(people_table.c.name).where(people_table.c.role == "admin", people_table.c.ended_at.is_(None))
        assert len(connection.execute(active).all()) == 1
