"""Push destinations as people see them: what waits, what hinders, what was set aside; and the alarm on every page."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from pydantic import TypeAdapter
from sqlalchemy import Engine, func, select

from agent.config.network import Network
from agent.runtime.delivery import Delivery
from central.asking.destinations import lines
from central.config import Settings
from central.core.access import Permission, Role
from central.delivering.couriers import Couriers
from central.delivering.destinations import named, sinks
from central.delivering.written import Pushed
from central.store import aging, cursors, feeding
from central.store.engine import reading, writing
from central.store.partitions import day_of, expire, prepare
from central.store.schema import set_asides
from central.web.figures import Figures
from tests.sim.clock import ManualClock
from tests.sim.endpoint import Answer, Endpoint
from tests.sim.house import House
from tests.sim.reporter import NOW

READ: TypeAdapter[Pushed] = TypeAdapter(Pushed)
EVENT = '{"time":1,"metadata":{},"resources":[{"name":"a"}]}'


class Pushing:
    """A house whose settings name one destination, and the copy of the program that carries it, step by step."""

    def __init__(self, engine: Engine, endpoint: Endpoint, folder: Path) -> None:
        self.endpoint = endpoint
        self.item = item = READ.validate_python(
            {"kind": "webhook", "name": "pager", "url": endpoint.url, "ca_file": str(endpoint.ca_file(folder))}
        )
        self.house = House(engine, settings=Settings(destination=(item,)))
        self.clock = ManualClock(NOW)
        self.couriers = Couriers(engine, self.clock, tuple(sinks([item], Network(), self.clock)))
        self.couriers.know()

    @property
    def delivery(self) -> Delivery:
        (delivery,) = self.couriers.deliveries
        return delivery

    def alerts(self, number: int) -> None:
        with writing(self.house.engine) as connection:
            prepare(connection, day_of(self.clock.now()))
            feeding.publish(connection, [("d", EVENT)] * number, self.clock.now())

    def steps(self) -> float | None:
        """Take one step as the courier's thread does, which notes what hinders."""
        wait_s = self.delivery.step()
        self.couriers._tell(self.delivery)
        return wait_s

    def passes(self, seconds: float) -> None:
        self.clock.pass_s(seconds)
        self.house.now = self.clock.now()


@pytest.fixture
def pushing(house: House, tmp_path: Path) -> Iterator[Pushing]:
    with Endpoint() as endpoint:
        yield Pushing(house.engine, endpoint, tmp_path)


def test_the_page_says_how_far_a_destination_is_and_every_page_that_one_is_stuck(pushing: Pushing) -> None:
    sonja, vera = pushing.house.person(Role.SOC), pushing.house.person(Role.VIEWER)
    assert "up to date" in sonja.get("/destinations").text
    pushing.alerts(2)
    pushing.endpoint.play(Answer(503), Answer(503))
    wait_s = pushing.steps()
    assert wait_s is not None
    pushing.passes(3 * 3_600)
    (line,) = sonja.get("/v1/destinations").json()["destinations"]
    assert (line["name"], line["kind"], line["state"], line["waiting"]) == ("pager", "webhook", "stuck", 2)
    assert (line["oldest"], line["problem_at"]) == (NOW, NOW)
    for said in ("2 alerts wait, the oldest for 3 hours", "503"):
        assert said in line["why"], said
    for path in ("/", "/devices", "/destinations"):
        assert "Alerts do not reach pager" in sonja.get(path).text, path
        assert "Alerts do not reach pager" not in vera.get(path).text, path
    pushing.steps()
    pushing.passes(600)
    assert pushing.steps() == 0.0
    (line,) = sonja.get("/v1/destinations").json()["destinations"]
    assert (line["state"], line["waiting"], line["problem"]) == ("up to date", 0, "")
    assert line["accepted_at"] == pushing.clock.now()
    assert "Alerts do not reach" not in sonja.get("/").text


def test_what_was_set_aside_stays_told_with_its_reason(pushing: Pushing) -> None:
    sonja = pushing.house.person(Role.SOC)
    pushing.alerts(1)
    pushing.endpoint.play(Answer(400))
    wait_s = pushing.steps()
    assert wait_s is not None
    pushing.alerts(1)
    pushing.passes(wait_s)
    assert pushing.steps() == 0.0
    answer = sonja.get("/v1/destinations").json()
    (line,), (left,) = answer["destinations"], answer["set_asides"]
    assert (line["set_aside"], line["problem"], line["position"]) == (1, "", answer["head"])
    assert (left["destination"], left["first"], left["alerts"], left["at"]) == ("pager", answer["head"] - 1, 1, NOW)
    assert "400" in left["reason"]
    fed = sonja.get(f"/v1/alerts?after={left['first'] - 1}&most=1")
    assert fed.headers["X-Cursor"] == str(left["last"])
    assert f"/v1/alerts?after={left['first'] - 1}&amp;most=1" in sonja.get("/destinations").text


def refused(pushing: Pushing, number: int) -> None:
    """Have a batch of `number` alerts set aside, and the destination go on."""
    pushing.alerts(number)
    pushing.endpoint.play(Answer(400))
    wait_s = pushing.steps()
    assert wait_s is not None
    pushing.passes(wait_s)


def standing(pushing: Pushing) -> tuple[int, list[tuple[int, bool]]]:
    answer = pushing.house.person(Role.SOC).get("/v1/destinations").json()
    return answer["destinations"][0]["set_aside"], [(one["alerts"], one["again"]) for one in answer["set_asides"]]


def test_what_was_set_aside_is_sent_again_as_the_same_batch_when_the_soc_says_so(pushing: Pushing) -> None:
    sonja = pushing.house.person(Role.SOC)
    refused(pushing, 2)
    pushing.alerts(1)
    assert pushing.steps() == 0.0
    assert "Send again to pager" in sonja.get("/destinations").text
    assert sonja.post("/destinations/pager/send-again").status_code == 303
    assert "Send again to pager" not in sonja.get("/destinations").text
    assert standing(pushing) == (2, [(2, True)])
    pushing.endpoint.play(Answer(503))
    wait_s = pushing.steps()
    assert wait_s is not None
    pushing.passes(wait_s)
    assert pushing.steps() == 0.0
    assert standing(pushing) == (0, [])
    assert pushing.steps() is None
    sent = [request.headers["Idempotency-Key"] for request in pushing.endpoint.requests]
    assert sent[0] == sent[2] == sent[3] != sent[1]
    assert sonja.client.post("/destinations/pager/send-again").status_code == 403
    assert sonja.post("/destinations/pager/send-again").status_code == 404, "nothing is set aside any more"


def test_what_is_refused_again_stays_aside_and_holds_nothing_up(pushing: Pushing) -> None:
    sonja = pushing.house.person(Role.SOC)
    refused(pushing, 2)
    sonja.post("/destinations/pager/send-again")
    pushing.endpoint.play(Answer(400))
    wait_s = pushing.steps()
    assert wait_s is not None
    assert standing(pushing) == (2, [(2, False)])
    pushing.alerts(1)
    pushing.passes(wait_s)
    assert pushing.steps() == 0.0
    assert standing(pushing) == (2, [(2, False)])


def test_of_what_is_too_large_together_each_part_is_sent_again_by_itself(pushing: Pushing) -> None:
    sonja = pushing.house.person(Role.SOC)
    refused(pushing, 4)
    sonja.post("/destinations/pager/send-again")
    pushing.endpoint.play(Answer(413), Answer(200), Answer(400))
    for _ in range(6):
        pushing.passes(pushing.steps() or 0.0)
    assert standing(pushing) == (2, [(2, False)])


def test_what_the_feed_keeps_no_more_is_not_sent_again(pushing: Pushing) -> None:
    sonja = pushing.house.person(Role.SOC)
    refused(pushing, 2)
    with writing(pushing.house.engine) as connection:
        expire(connection, day_of(pushing.clock.now()) + 1)
    assert sonja.post("/destinations/pager/send-again").status_code == 404
    assert pushing.steps() is None


def test_what_the_feed_lost_after_it_was_to_be_sent_again_holds_nothing_up(pushing: Pushing) -> None:
    refused(pushing, 2)
    pushing.house.person(Role.SOC).post("/destinations/pager/send-again")
    with writing(pushing.house.engine) as connection:
        expire(connection, day_of(pushing.clock.now()) + 1)
    pushing.passes(2 * 86_400)
    pushing.alerts(1)
    assert pushing.steps() == 0.0
    assert standing(pushing) == (2, [(2, False)])


def test_what_another_copy_sent_again_meanwhile_is_not_sent_once_more(
    pushing: Pushing, monkeypatch: pytest.MonkeyPatch
) -> None:
    refused(pushing, 2)
    pushing.house.person(Role.SOC).post("/destinations/pager/send-again")
    other = Couriers(pushing.house.engine, pushing.clock, tuple(sinks([pushing.item], Network(), pushing.clock)))
    pushing.passes(3_600)
    after = feeding.after

    def late(*arguments: Any) -> Any:  # noqa: ANN401 - as it is
        monkeypatch.setattr(feeding, "after", after)
        assert other.deliveries[0].step() == 0.0
        with writing(pushing.house.engine) as connection:
            cursors.leave(connection, other.holder)
        return after(*arguments)

    monkeypatch.setattr(feeding, "after", late)
    assert pushing.steps() is None
    assert len(pushing.endpoint.requests) == 2
    assert standing(pushing) == (0, [])


def test_alerts_that_waited_too_long_are_told_as_lost(pushing: Pushing) -> None:
    pushing.alerts(3)
    pushing.passes(100 * 86_400)
    with writing(pushing.house.engine) as connection:
        expire(connection, day_of(pushing.clock.now()) - 90)
    pushing.alerts(1)
    assert pushing.steps() == 0.0
    answer = pushing.house.person(Role.SOC).get("/v1/destinations").json()
    (line,), (left,) = answer["destinations"], answer["set_asides"]
    assert (line["waiting"], line["state"]) == (0, "up to date")
    assert left["last"] == answer["head"] - 1
    assert left["alerts"] >= 3
    assert "longer than [retention] events_days" in left["reason"]


def test_a_destination_that_the_settings_no_longer_name_is_shown_and_no_alarm(pushing: Pushing) -> None:
    pushing.alerts(1)
    pushing.passes(86_400)
    other = House(pushing.house.engine, now=pushing.clock.now())
    sonja = other.person(Role.SOC)
    assert "no longer name it" in sonja.get("/destinations").text
    assert "Alerts do not reach" not in sonja.get("/").text


def test_the_figures_say_what_waits_and_that_it_is_stuck(pushing: Pushing) -> None:
    pushing.alerts(2)
    pushing.endpoint.play(Answer(503))
    pushing.steps()
    figures = Figures(lambda: (0, 0))
    with reading(pushing.house.engine) as connection:
        figures.pushed(lines(connection, named(pushing.house.settings.destination), NOW + 3_600))
    said = figures.text().decode()
    for line in ("waiting", "stuck", "set_aside", "oldest_seconds"):
        assert f'mcpc_destination_{line}{{destination="pager"}}' in said
    assert 'mcpc_destination_waiting{destination="pager"} 2.0' in said
    assert 'mcpc_destination_stuck{destination="pager"} 1.0' in said


def test_where_a_destination_is_holds_no_credential() -> None:
    items = [
        READ.validate_python({"kind": "elastic", "url": "https://user:secret@es.example.com:9200/x?token=y"}),
        READ.validate_python({"kind": "syslog", "host": "siem.example.com"}),
    ]
    assert [each.where for each in named(items)] == ["es.example.com:9200", "siem.example.com:6514"]


def test_the_help_desk_does_not_see_destinations(house: House) -> None:
    assert house.person(Role.HELP_DESK).get("/destinations").status_code == 403
    assert house.program(Permission.FEED).get("/v1/destinations").status_code == 200


def test_what_was_set_aside_is_told_for_as_long_as_the_feed_has_it(pushing: Pushing) -> None:
    skipped = cursors.Skipped(first=1, last=1, alerts=1, reason="refused")
    with writing(pushing.house.engine) as connection:
        cursors.set_aside(connection, "pager", replace(skipped, last=10**6), NOW)
        aging.expire_days(connection, day_of(NOW))
        assert connection.execute(select(func.count()).select_from(set_asides)).scalar() == 1
        aging.expire_days(connection, day_of(NOW) + 1)
        assert connection.execute(select(func.count()).select_from(set_asides)).scalar() == 0
