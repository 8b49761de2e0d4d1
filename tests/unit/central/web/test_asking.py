"""What the help desk and the SOC get to see, as page and by the API."""

import csv
import io
import json

import pytest

from central.core.access import Permission, Role
from tests.sim.fleet import THING
from tests.sim.house import HOSTS, House

HOUR = 3_600.0


def found(house: House, words: str) -> list[str]:
    answer = house.program(Permission.READ).get("/v1/devices", params={"q": words})
    assert answer.status_code == 200, answer.text
    return [one["hostname"] for one in answer.json()["devices"]]


def device_id(house: House, host: str) -> str:
    (one,) = house.person(Role.SOC).get(f"/v1/devices?q={host}").json()["devices"]
    return str(one["id"])


@pytest.mark.parametrize(
    ("words", "hosts"),
    [
        ("dev-laptop-1", HOSTS[:1]),
        ("DEV-", HOSTS[:2]),
        ("c02x2", HOSTS[2:]),
        ("ben", HOSTS[1:2]),
        ("00000000-0000-4000-8000-000000000003", HOSTS[2:]),
        ("dev ann", HOSTS[:1]),
        ("laptop-3", HOSTS[2:]),
        ("nothing", ()),
        ("%", ()),
        ("_", ()),
        ("dev%1", ()),
        ("\\", ()),
        ("' OR 1=1 --", ()),
        ("", HOSTS),
    ],
)
def test_a_device_is_found_by_what_one_types(house: House, words: str, hosts: tuple[str, ...]) -> None:
    assert tuple(found(house, words)) == hosts


def test_silence_is_unknown_whatever_the_device_said_last(house: House) -> None:
    program = house.program(Permission.READ)
    (fine,) = program.get("/v1/devices?q=fin-").json()["devices"]
    assert fine["state"] == "unknown"
    assert "20 days" in fine["why"]
    states = {one["hostname"]: one["state"] for one in program.get("/v1/devices").json()["devices"]}
    assert states[HOSTS[0]] == "deviating"
    house.now += 4 * HOUR
    assert {one["state"] for one in program.get("/v1/devices?state=unknown").json()["devices"]} == {"unknown"}
    assert program.get("/v1/devices?state=deviating").json()["devices"] == []


def test_the_page_of_a_device_answers_the_five_questions(house: House) -> None:
    answer = house.person(Role.SOC).get(f"/devices/{device_id(house, HOSTS[0])}")
    assert answer.status_code == 200
    for said in (
        "deviating",
        "This device deviates",
        "2 hours ago",
        "Nothing is wrong with your work; IT repairs the policy files",
        "Push the managed files again from the MDM.",
        "/etc/claude-code/managed-settings.json",
        "npx -y mcp-crypto-helper",
    ):
        assert said in answer.text, said


def test_look_again_now_is_asked_for_and_shown(house: House) -> None:
    hugo, key = house.person(Role.HELP_DESK), device_id(house, HOSTS[0])
    sent = hugo.post(f"/devices/{key}/look", f"/devices/{key}", next=f"/devices/{key}")
    assert (sent.status_code, sent.headers["location"]) == (303, f"/devices/{key}")
    assert "hugo asked for a fresh look" in hugo.get(f"/devices/{key}").text
    (row,) = house.person(Role.SOC).get("/v1/audit?subject=" + key).json()["changes"]
    assert (row["actor"], row["action"]) == ("hugo", "device.look")


def test_alerts_of_one_cause_are_one_line_with_all_its_devices(house: House) -> None:
    program = house.program(Permission.READ, Permission.PRIVATE)
    causes = program.get("/v1/alerts/open").json()["causes"]
    assert [(one["severity"], one["devices"]) for one in causes] == [("critical", 1), ("high", 2)]
    by_spread = program.get("/v1/alerts/open?order=spread").json()["causes"]
    assert by_spread[0]["label"] == " ".join(THING)
    answer = program.get(f"/v1/alerts/{by_spread[0]['cause']}").json()
    assert sorted(answer["hostnames"].values()) == list(HOSTS[:2])


def test_an_exception_hides_and_expires_and_is_never_deleted(house: House) -> None:
    sonja = house.person(Role.SOC)
    (cause,) = (
        one["cause"] for one in sonja.get("/v1/alerts/open?order=spread").json()["causes"] if one["devices"] == 2
    )
    page = f"/alerts/{cause}"
    assert sonja.post(f"{page}/suppress", page, reason="reviewed in June", days="2").status_code == 303
    still = sonja.get("/v1/alerts/open").json()["causes"]
    assert cause not in [one["cause"] for one in still]
    assert cause in [one["cause"] for one in sonja.get("/v1/alerts/open?show=suppressed").json()["causes"]]
    assert "reviewed in June" in sonja.get(page).text
    house.now += 3 * 24 * HOUR
    sonja = house.person(Role.SOC)
    assert cause in [one["cause"] for one in sonja.get("/v1/alerts/open").json()["causes"]]
    (kept,) = sonja.get("/v1/exceptions").json()["exceptions"]
    assert (kept["reason"], kept["made_by"]) == ("reviewed in June", "sonja")
    assert "exception.make" in [row["action"] for row in sonja.get("/v1/audit").json()["changes"]]


def test_an_exception_for_one_device_leaves_the_others_open(house: House) -> None:
    sonja, key = house.person(Role.SOC), device_id(house, HOSTS[0])
    (cause,) = (one["cause"] for one in sonja.get("/v1/alerts/open").json()["causes"] if one["devices"] == 2)
    page = f"/alerts/{cause}"
    sonja.post(f"{page}/suppress", page, reason="a test device", days="2", device=key)
    (line,) = (one for one in sonja.get("/v1/alerts/open").json()["causes"] if one["cause"] == cause)
    assert line["devices"] == 1
    open_there = {one["cause"]: one["exception"] for one in sonja.get(f"/v1/devices/{key}").json()["open"]}
    assert open_there[cause]["reason"] == "a test device"
    (made,) = sonja.get("/v1/exceptions").json()["exceptions"]
    sonja.post(f"/exceptions/{made['id']}/end", "/exceptions")
    (line,) = (one for one in sonja.get("/v1/alerts/open").json()["causes"] if one["cause"] == cause)
    assert line["devices"] == 2


def test_who_handles_an_alert_is_shown_and_audited(house: House) -> None:
    sonja = house.person(Role.SOC)
    cause = sonja.get("/v1/alerts/open").json()["causes"][1]["cause"]
    page = f"/alerts/{cause}"
    sonja.post(f"{page}/acknowledge", page)
    sonja.post(f"{page}/assign", page, assignee="hugo")
    sonja.post(f"{page}/comment", page, text="asked the team <b>today</b>")
    answer = sonja.get(page).text
    assert "Acknowledged by sonja" in answer
    assert "Assigned to hugo" in answer
    assert "asked the team &lt;b&gt;today&lt;/b&gt;" in answer
    assert sonja.get("/v1/alerts/open?assignee=hugo").json()["causes"][0]["cause"] == cause
    actions = [row["action"] for row in sonja.get("/v1/audit").json()["changes"]]
    assert actions[:3] == ["alert.comment", "alert.assign", "alert.acknowledge"]


def test_the_feed_gives_every_alert_once_to_who_keeps_the_cursor(house: House) -> None:
    program = house.program(Permission.FEED)
    whole = program.get("/v1/alerts")
    events = [json.loads(line) for line in whole.text.splitlines()]
    assert {event["class_uid"] for event in events} == {2004}
    assert len(events) == 3
    first = program.get("/v1/alerts?most=2")
    rest = program.get("/v1/alerts", params={"after": first.headers["x-cursor"]})
    assert first.text + rest.text == whole.text
    assert program.get("/v1/alerts", params={"after": rest.headers["x-cursor"]}).text == ""


def test_a_cursor_from_before_a_restore_is_refused_and_not_left_to_wait(house: House) -> None:
    program = house.program(Permission.FEED)
    end = int(program.get("/v1/alerts").headers["x-cursor"])
    answer = program.get("/v1/alerts", params={"after": end + 1})
    assert answer.status_code == 409
    assert f"read on with after={end}" in answer.text


def test_servers_in_use_by_what_runs_and_never_by_name(house: House) -> None:
    servers = house.program(Permission.READ).get("/v1/servers").json()["servers"]
    assert [(one["devices"], one["verdicts"]) for one in servers] == [(2, {"allowed": 2}), (1, {"blocked": 1})]
    page = house.person(Role.VIEWER).get(f"/servers/{servers[1]['identity']}")
    assert HOSTS[0] in page.text


def test_exports_hold_every_row_and_lists_are_paged(house: House) -> None:
    ada = house.person(Role.ADMIN)
    rows = list(csv.DictReader(io.StringIO(ada.get("/devices.csv").text)))
    assert [row["hostname"] for row in rows] == list(HOSTS)
    assert rows[0]["open"] == "critical: 1; high: 1"
    assert rows[0]["heard_at"].endswith("Z")
    assert [row["hostname"] for row in ada.get("/devices.json").json()] == list(HOSTS)
    first = ada.get("/v1/devices?most=2").json()
    second = ada.get(f"/v1/devices?most=2&after={first['next']}").json()
    assert [one["hostname"] for one in (*first["devices"], *second["devices"])] == list(HOSTS)
    assert second["next"] == ""
    for name in ("alerts", "servers", "audit", "exceptions"):
        assert ada.get(f"/{name}.csv").status_code == 200
        assert isinstance(ada.get(f"/{name}.json").json(), list)


def test_the_overview_counts_what_the_lists_hold(house: House) -> None:
    answer = house.person(Role.VIEWER).get("/v1/overview").json()
    assert (answer["now"]["compliant"], answer["now"]["deviating"], answer["now"]["unknown"]) == (0, 2, 1)
    assert answer["open_by_severity"] == {"critical": 1, "high": 1}
    assert house.person(Role.VIEWER).get("/").status_code == 200


def test_what_one_types_is_answered_without_the_rest_of_the_page(house: House) -> None:
    part = house.person(Role.VIEWER).get("/devices?q=dev-", headers={"X-Fragment": "rows"})
    assert "dev-laptop-1" in part.text
    assert "<html" not in part.text


@pytest.mark.parametrize(
    "path", ["/v1/devices/none", "/v1/alerts/none", "/v1/servers/none", "/v1/devices/%00", "/v1/x"]
)
def test_what_is_not_there_is_404(house: House, path: str) -> None:
    assert house.program(Permission.READ).get(path).status_code == 404


@pytest.mark.parametrize("query", ["most=0", "most=x", "state=fine", "unknown=1", "q=%00", "q=" + "x" * 300])
def test_parameters_that_make_no_sense_are_named(house: House, query: str) -> None:
    answer = house.program(Permission.READ).get(f"/v1/devices?{query}")
    assert answer.status_code == 400
    assert answer.json()["text"].split(":")[0] in ("most", "state", "unknown", "q")
