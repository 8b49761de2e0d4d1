"""The usual attacks, one named test each: on signing in, on forms, on the search, on uploads, on exports."""

import asyncio
import re
import time
from collections.abc import Iterator
from typing import Any

import pytest
from argon2 import PasswordHasher, Type
from sqlalchemy import update

from central.core.access import Permission, Role
from central.store import people
from central.store.engine import writing
from central.store.schema import devices
from central.web import bounds
from central.web.deeds import DEEDS
from central.web.shield import local
from central.web.sign_in import WAITING, SignIn
from tests.sim.house import PASSWORD, House, filled
from tests.sim.reporter import NOW

HOSTILE = "<script>alert(1)</script>\"'><img src=x onerror=alert(2)>{{7*7}}"


def rename(house: House, hostname: str) -> None:
    with writing(house.engine) as connection:
        connection.execute(update(devices).where(devices.c.hostname == "dev-laptop-1").values(hostname=hostname))


# --- signing in


def test_brute_force_is_slowed_down_by_name_and_by_address(house: House) -> None:
    browser = house.browser()
    said = [browser.signs_in("sonja", f"wrong-{number}").status_code for number in range(6)]
    assert said == [403] * 5 + [429]
    assert browser.signs_in("sonja").status_code == 429  # the right one, too: there is nothing to learn
    assert browser.signs_in("ada").status_code == 303  # others are not locked out by it


def test_brute_force_is_counted_by_all_copies_of_the_program_together(house: House) -> None:
    copies = [house.browser(), House(house.engine, house.now).browser()]
    said = [copies[number % 2].signs_in("sonja", f"wrong-{number}").status_code for number in range(6)]
    assert said == [403] * 5 + [429]
    house.now += 61
    assert copies[0].signs_in("sonja").status_code == 303


def test_trying_many_addresses_of_one_ipv6_network_is_slowed_down(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(people, "proved", lambda *_: False)
    said = [
        house.browser(address=f"2001:db8:1:2::{number}").signs_in("sonja", "wrong").status_code for number in range(6)
    ]
    assert said == [403] * 5 + [429]
    assert house.browser(address="2001:db8:1:3::1").signs_in("sonja", "wrong").status_code == 403


def test_trying_many_names_from_one_address_is_slowed_down(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(people, "proved", lambda *_: False)  # Argon2 would take a second for all of them
    browser = house.browser()
    said = [browser.signs_in(f"name-{number}", "wrong").status_code for number in range(31)]
    assert said == [403] * 30 + [429]


def test_trying_many_names_from_one_address_is_counted_by_all_copies_together(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(people, "proved", lambda *_: False)
    copies = [house.browser(), House(house.engine, house.now).browser()]
    said = [copies[number % 2].signs_in(f"name-{number}", "wrong").status_code for number in range(31)]
    assert said == [403] * 30 + [429]


def test_a_flood_of_sign_ins_leaves_threads_for_others(house: House) -> None:
    browser, checking = house.browser(), SignIn.proved
    answers: list[int] = []

    def flood(sign_in: SignIn, name: str, password: str) -> bool:
        taken = [sign_in._room.acquire(blocking=False) for _ in range(WAITING)]
        try:
            return checking(sign_in, name, password)
        finally:
            for _ in filter(None, taken):
                sign_in._room.release()

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(SignIn, "proved", flood)
        answers.append(browser.signs_in("sonja").status_code)
    answers.append(browser.signs_in("sonja").status_code)
    assert answers == [429, 303]


def test_slow_attack_a_form_that_does_not_come_is_let_go(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bounds, "PATIENCE_S", 0.05)

    request = {"type": "http", "method": "POST", "path": "/sign-in", "query_string": b""}
    assert _slow(house, request) == 408


def _slow(house: House, request: dict[str, Any]) -> int:
    said: list[Any] = []

    async def receive() -> dict[str, Any]:
        await asyncio.Event().wait()
        raise AssertionError

    async def send(message: Any) -> None:  # noqa: ANN401 - ASGI's
        said.append(message)

    asyncio.run(house.app({**request, "headers": []}, receive, send))
    return int(said[0]["status"])


def test_user_enumeration_finds_one_answer_for_wrong_names_and_wrong_passwords(house: House) -> None:
    browser = house.browser()
    wrong_password, wrong_name = browser.signs_in("sonja", "wrong"), browser.signs_in("nobody", "wrong")
    strip = re.compile(r'value="[^"]*"|<footer>.*')
    assert strip.sub("", wrong_password.text) == strip.sub("", wrong_name.text)
    assert wrong_password.status_code == wrong_name.status_code == 403


def test_user_enumeration_by_time_finds_a_hash_computed_for_both(
    house: House, costly: PasswordHasher, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(people, "_HASHER", costly)
    people._nobody.cache_clear()
    with writing(house.engine) as connection:
        people.set_password(connection, "sonja", PASSWORD)

    def cost(name: str) -> float:
        begun = time.thread_time()
        with house.engine.connect() as connection:
            assert not people.proved(connection, name, "wrong")
        return time.thread_time() - begun

    try:
        cost("sonja")
        assert cost("nobody") > 0.3 * cost("sonja")
    finally:
        people._nobody.cache_clear()


def test_a_stolen_hash_takes_more_than_owasp_asks_for_to_try_a_password_against(costly: PasswordHasher) -> None:
    assert (costly.type, costly.memory_cost >= 19 * 1024, costly.time_cost >= 2) == (Type.ID, True, True)


def test_session_fixation_an_earlier_session_is_worth_nothing_afterwards(house: House) -> None:
    browser = house.browser()
    browser.form()
    planted = browser.client.cookies["central"]
    browser.signs_in("sonja")
    assert browser.client.cookies["central"] != planted
    attacker = house.browser()
    attacker.client.cookies.set("central", planted)
    assert attacker.get("/devices").status_code == 303


def test_session_fixation_a_form_from_before_the_sign_in_is_worth_nothing_afterwards(house: House) -> None:
    browser = house.browser()
    planted = browser.form()  # with a cookie of the attacker's own, who knows this token
    browser.signs_in("sonja")
    deed = filled(next(iter(DEEDS)).path)
    assert browser.client.post(deed, data={"form": planted}).status_code == 403
    assert "of another session" in browser.client.post(deed, data={"form": planted}).text


def test_over_tls_the_cookie_is_of_this_host_alone_and_never_travels_in_the_clear(house: House) -> None:
    house.called("https://central.example.com")
    answer = house.browser("https://central.example.com").get("/sign-in")
    cookie, *terms = answer.headers["set-cookie"].lower().split("; ")
    assert cookie.startswith("__host-central=")
    assert {"path=/", "httponly", "samesite=lax", "secure"} <= set(terms)
    assert "max-age=31536000" in answer.headers["strict-transport-security"]


def test_a_session_that_was_signed_out_is_over_for_who_copied_its_cookie(house: House) -> None:
    browser = house.person(Role.SOC)
    copied = browser.client.cookies["central"]
    browser.post("/sign-out", "/devices")
    thief = house.browser()
    thief.client.cookies.set("central", copied)
    assert thief.get("/devices").status_code == 303


def test_another_password_ends_the_sessions_of_who_stole_the_old_one(house: House) -> None:
    thief = house.person(Role.SOC)
    with writing(house.engine) as connection:
        assert people.set_password(connection, "sonja", "another long password")
    assert thief.get("/devices").status_code == 303


def test_a_session_ends_by_idleness_and_by_age(house: House) -> None:
    idle = house.person(Role.SOC)
    house.now += 9 * 3_600
    assert idle.get("/devices").status_code == 303
    busy = house.person(Role.SOC)
    for _ in range(24):
        house.now += 3_500
        assert busy.get("/devices").status_code == 200
    house.now += 3_500
    assert busy.get("/devices").status_code == 303


def test_a_cookie_that_was_altered_signs_nobody_in(house: House) -> None:
    browser = house.person(Role.SOC)
    held = browser.client.cookies["central"]
    browser.client.cookies.clear()
    browser.client.cookies.set("central", held[:-4] + "AAAA")
    assert browser.get("/devices").status_code == 303


@pytest.mark.parametrize(
    "target",
    ["//evil.example", "https://evil.example", "/\\evil.example", "\\\\evil.example", "javascript:alert(1)", "/\t/evil.example",
     "///evil.example", " //evil.example", "evil.example", "/%0d%0aSet-Cookie: a=b\r\nx", ""],
)  # fmt: skip
def test_open_redirect_next_never_leads_to_another_site(house: House, target: str) -> None:
    assert house.browser().signs_in("sonja", next=target).headers["location"] == "/"
    assert local(target) == "/"
    assert local("/devices?q=a%2Fb") == "/devices?q=a%2Fb"


def test_a_one_time_link_works_once_and_not_when_it_is_old(house: House) -> None:
    with writing(house.engine) as connection:
        first, old = people.link(connection, "ada", NOW + 60), people.link(connection, "ada", NOW - 1)
    page = f"/sign-in/link/{first}"
    looking = house.browser()
    looking.get(page)  # a program that fetches links ahead does not use them up
    assert house.browser().post(page, page).status_code == 303
    again = looking.post(page, page)
    assert (again.status_code, "used already" in again.text) == (403, True)
    assert looking.post(f"/sign-in/link/{old}", f"/sign-in/link/{old}").status_code == 403


def test_trying_one_time_links_is_slowed_down(house: House) -> None:
    browser = house.browser()
    form = browser.form()
    said = [browser.client.post(f"/sign-in/link/{number}", data={"form": form}).status_code for number in range(31)]
    assert said == [403] * 30 + [429]


def test_who_was_removed_cannot_sign_in_with_the_right_password(house: House) -> None:
    with writing(house.engine) as connection:
        people.end(connection, "sonja", NOW)
    assert house.browser().signs_in("sonja", PASSWORD).status_code == 403


def test_a_name_at_the_provider_does_not_take_a_local_account(house: House) -> None:
    with writing(house.engine) as connection:
        assert people.known_subject(connection, "https://id.example 1", "ada", Role.ADMIN, NOW) is None
        assert people.known_subject(connection, "https://id.example 1", "zoe", Role.VIEWER, NOW) == "zoe"
        assert people.known_subject(connection, "https://id.example 2", "zoe", Role.ADMIN, NOW) is None
        assert people.known_subject(connection, "https://id.example 1", "renamed", Role.SOC, NOW) == "zoe"
        assert not people.proved(connection, "zoe", "")
        people.end(connection, "zoe", NOW)
        assert people.known_subject(connection, "https://id.example 1", "zoe", Role.ADMIN, NOW) is None, (
            "she was removed"
        )


# --- forms


def posts() -> Iterator[str]:
    yield from (filled(deed.path) for deed in DEEDS)
    yield from ("/sign-in", "/sign-out", "/sign-in/link/x", "/preview")


@pytest.mark.parametrize("path", list(posts()))
def test_csrf_no_form_is_taken_without_its_token_or_from_another_site(house: House, path: str) -> None:
    browser, other = house.person(Role.ADMIN), house.person(Role.ADMIN)
    own, foreign = browser.form("/devices"), other.form("/devices")
    fields = {"text": "x", "reason": "because", "days": "1", "name": "ada", "password": PASSWORD, "candidate": "{}"}
    assert browser.client.post(path, data=fields).status_code == 403
    assert browser.client.post(path, data={**fields, "form": foreign}).status_code == 403
    assert browser.client.post(path, data={**fields, "form": own + "x"}).status_code == 403
    for site in ("cross-site", "same-site"):
        sent = browser.client.post(path, data={**fields, "form": own}, headers={"Sec-Fetch-Site": site})
        assert sent.status_code == 403, site
    if not path.startswith("/sign-"):
        assert browser.client.post(f"/v1{path}", json={}).status_code == 403


def test_csrf_a_get_changes_nothing(house: House) -> None:
    ada = house.person(Role.ADMIN)
    for deed in DEEDS:
        assert ada.get(filled(deed.path)).status_code in (404, 405)


# --- search and pages


@pytest.mark.parametrize(
    "words", ["'; DROP TABLE devices; --", "%' OR '1'='1", '" OR ""="', "%", "_", "%25", "\\%", "x" * 200]
)
def test_sql_injection_and_wildcards_in_searches_are_plain_text(house: House, words: str) -> None:
    program = house.program(Permission.READ)
    for path, rows in (("devices", "devices"), ("alerts/open", "causes"), ("servers", "servers")):
        answer = program.get(f"/v1/{path}", params={"q": words})
        assert (answer.status_code, answer.json()[rows]) == (200, []), path
    assert len(program.get("/v1/devices").json()["devices"]) == 3


def test_xss_by_hostnames_commands_and_searches_is_shown_as_text(house: House) -> None:
    rename(house, HOSTILE)
    ada = house.person(Role.ADMIN)
    for path in ("/devices", f"/devices?q={HOSTILE}", filled("/devices/{device}"), f"/alerts?q={HOSTILE}",
                 f"/servers?q={HOSTILE}", f"/audit?actor={HOSTILE}", "/", f"/v1x/{HOSTILE}"):  # fmt: skip
        answer = ada.get(path)
        assert "<script>alert" not in answer.text, path
        assert "<img src=x" not in answer.text, path
        assert "49" not in re.findall(r"img&gt;(\d+)", answer.text)
        policy = answer.headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy


def test_pages_are_kept_out_of_frames_caches_and_other_sites(house: House) -> None:
    answer = house.person(Role.SOC).get("/devices")
    assert answer.headers["x-frame-options"] == "DENY"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["cache-control"] == "no-store"
    assert "frame-ancestors 'none'" in answer.headers["content-security-policy"]
    page = house.browser().get("/sign-in")
    assert "httponly" in page.headers["set-cookie"].lower()
    assert "samesite=lax" in page.headers["set-cookie"].lower()


# --- uploads and exports


def test_an_upload_that_is_too_large_is_refused_before_it_is_read(house: House) -> None:
    sonja = house.person(Role.SOC)
    token = sonja.form("/preview")
    file = {"file": ("managed-settings.json", b" " * (600 << 10) + b"{}", "application/json")}
    assert sonja.client.post("/preview", data={"form": token}, files=file).status_code in (400, 413)
    announced = sonja.client.post("/preview", content=b"x", headers={"Content-Length": str(1 << 40)})
    assert announced.status_code == 413
    program = house.program(Permission.PREVIEW)
    assert program.post("/v1/preview", content=b" " * ((512 << 10) + 1)).status_code == 413
    assert program.post("/v1/preview", content=(b" " * 65_536 for _ in range(9))).status_code == 413


@pytest.mark.parametrize(
    "deep", ['{"a":' * 70_000 + "1" + "}" * 70_000, "[" * 500_000, '{"allowedMcpServers":' + "[" * 50_000]
)
def test_deep_json_in_an_upload_is_refused_at_once(house: House, deep: str) -> None:
    begun = time.thread_time()
    answer = house.program(Permission.PREVIEW).post("/v1/preview", content=deep)
    assert (answer.status_code, "nested deeper" in answer.text) == (400, True)
    assert time.thread_time() - begun < 1


def test_html_in_names_of_an_upload_is_shown_as_text(house: House) -> None:
    sonja = house.person(Role.SOC)
    text = (
        '{"allowedMcpServers": [{"serverName": "'
        + HOSTILE.replace('"', "'")
        + '"}], "x</textarea><script>alert(1)</script>": 1}'
    )
    answer = sonja.post("/preview", "/preview", candidate=text)
    assert answer.status_code == 200
    assert "<script>alert" not in answer.text
    file = {"file": ("<script>alert(1)</script>.json", text.encode(), "text/html")}
    sent = sonja.client.post("/preview", data={"form": sonja.form("/preview")}, files=file)
    assert (sent.status_code, "<script>alert" in sent.text) == (200, False)


def test_a_form_with_a_broken_boundary_is_refused_and_not_an_error(house: House) -> None:
    sonja = house.person(Role.SOC)
    for kind in (
        "multipart/form-data",
        "multipart/form-data; boundary=",
        "multipart/form-data; boundary=a",
        "text/plain",
    ):
        assert sonja.client.post("/preview", content=b"--b\r\nx", headers={"Content-Type": kind}).status_code in (
            400,
            403,
        )


@pytest.mark.parametrize("begin", ["=", "+", "-", "@", "\t=", "\r="])
def test_csv_formula_injection_a_cell_never_begins_like_a_formula(house: House, begin: str) -> None:
    rename(house, f"{begin}cmd|' /C calc'!A0")
    text = house.person(Role.ADMIN).get("/devices.csv").text
    assert "cmd|" in text
    assert not re.search(r'(^|,|")[=+\-@\t\r]+cmd', text, re.MULTILINE)


def test_another_device_cannot_be_handled_through_the_wrong_cause(house: House) -> None:
    sonja = house.person(Role.SOC)
    causes = sonja.get("/v1/alerts/open").json()["causes"]
    (alone,) = (one["cause"] for one in causes if one["devices"] == 1)
    other = "00000000-0000-4000-8000-000000000002"
    sonja.post(f"/alerts/{alone}/acknowledge", "/alerts", device=other)
    assert all(one["acknowledged"] == 0 for one in sonja.get("/v1/alerts/open").json()["causes"])
    assert (
        sonja.post(f"/alerts/{alone}/suppress", "/devices", device=other, reason="because", days="1").status_code == 404
    )


def test_no_secret_of_a_person_or_program_stands_in_a_page_or_export(house: House) -> None:
    ada = house.person(Role.ADMIN)
    ada.client.headers["User-Agent"] = "x"
    for path in ("/audit", "/v1/audit", "/audit.csv", "/", "/devices"):
        text = ada.get(path).text
        assert "argon2" not in text
        assert "mcpc_token_" not in text
        assert PASSWORD not in text
