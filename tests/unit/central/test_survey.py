"""What the survey finds out, and that copies of the program share its work."""

import json
from collections import Counter
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest
from sqlalchemy import Engine, select

from agent.core.documents import ServerRow
from agent.core.verdict import Answer
from central.core.fleet import Terms
from central.store import feeding, fleet
from central.store.engine import reading, upsert, writing
from central.store.schema import deviations, events, facts, tallies
from central.store.taking import Rules
from central.surveying.survey import Survey
from tests.sim import statuses
from tests.sim.central import Receiver
from tests.sim.deviations import findings
from tests.sim.reporter import NOW, Reporter

DAY_S = 86_400.0
TERMS = Terms(spread_devices=3, learning_s=100.0)


@dataclass(eq=False)
class Scene:
    """A receiver, and a survey of the same database at the same time."""

    engine: Engine
    folder: Path
    terms: Terms = TERMS
    receiver: Receiver = field(init=False)
    survey: Survey = field(init=False)

    def __post_init__(self) -> None:
        self.receiver = Receiver(self.engine, Rules(terms=self.terms))
        self.survey = self.copy()

    def copy(self) -> Survey:
        return Survey(self.engine, Rules(terms=self.terms), lambda: self.receiver.now, kept_days=90, closed_days=400)

    def laptop(self, name: str, **facts: str) -> Reporter:
        reporter = Reporter(self.folder, name, **facts)
        self.receiver.admits(reporter)
        return reporter

    def reports(self, laptop: Reporter) -> None:
        laptop.now = self.receiver.now
        self.receiver.rules = self.survey.current()
        self.receiver.takes(laptop.sends())

    def beats(self, laptop: Reporter, **more: str) -> None:
        laptop.beats(**more)  # type: ignore[arg-type] # digest
        self.reports(laptop)

    def has(self, laptop: Reporter, *servers: ServerRow) -> None:
        laptop.has(*servers)
        self.reports(laptop)

    def later(self, seconds: float) -> None:
        self.receiver.now += seconds
        self.survey.turn()

    def open(self) -> Counter[str]:
        with reading(self.engine) as connection:
            query = select(deviations.c.control).where(
                deviations.c.source == "central", deviations.c.closed_at.is_(None)
            )
            return Counter(connection.execute(query).scalars())

    def text(self, control: str) -> str:
        with reading(self.engine) as connection:
            query = select(deviations.c.text).where(deviations.c.control == control, deviations.c.closed_at.is_(None))
            return str(connection.execute(query).scalars().first())

    def fed(self, control: str) -> list[str]:
        """Return what the feed tells of a control: Create, Update, Close."""
        with reading(self.engine) as connection:
            lines = [json.loads(line) for _, line in feeding.after(connection, 0, 1_000)]
        return [line["activity_name"] for line in lines if control in line["finding_info"]["types"]]


@pytest.fixture
def scene(engine: Engine, tmp_path: Path) -> Scene:
    return Scene(engine, tmp_path)


def server(*command: str, verdict: Answer = Answer.BLOCKED) -> ServerRow:
    return replace(statuses.server("ann"), key=f"cursor:{command}", command=command, verdict=verdict)


def test_a_device_that_falls_silent_is_an_alert_once_and_closes_when_it_is_back(scene: Scene) -> None:
    laptop = scene.laptop("1")
    scene.beats(laptop)
    scene.later(2 * DAY_S)
    assert scene.open() == {}
    scene.later(DAY_S)
    assert scene.open() == {"device.silent": 1}
    scene.later(DAY_S)
    assert scene.fed("device.silent") == ["Create"]
    scene.beats(laptop)
    assert scene.open() == {}
    assert scene.fed("device.silent") == ["Create", "Close"]


def test_a_device_that_never_reported_is_silent_too(scene: Scene) -> None:
    scene.laptop("1")
    scene.later(3 * DAY_S)
    assert "ever since it was enrolled" in scene.text("device.silent")


def test_a_policy_that_is_not_the_fleets_is_told_with_what_is_other_about_it(scene: Scene) -> None:
    for number in range(6):
        laptop = scene.laptop(str(number))
        laptop.obeys("npx approved", digest="usual")
        scene.beats(laptop, digest="usual")
    scene.later(60)
    odd = scene.laptop("99")
    scene.beats(odd, digest="odd")
    assert "no device has told yet what its own says" in scene.text("policy.drift")
    odd.obeys("npx approved", "npx other", digest="odd")
    scene.beats(odd, digest="odd")
    assert "it also allows npx other" in scene.text("policy.drift")
    scene.beats(odd, digest="usual")
    assert scene.open() == {}


def test_an_agent_older_than_what_the_fleet_runs_is_outdated(scene: Scene) -> None:
    for number in range(6):
        scene.beats(scene.laptop(str(number), agent="0.2.0"))
    scene.later(60)
    scene.beats(scene.laptop("99", agent="0.1.0"))
    assert scene.open() == {"agent.outdated": 1}


def test_a_server_seen_for_the_first_time_is_told_once_the_fleet_was_learned(scene: Scene) -> None:
    one, two = scene.laptop("1"), scene.laptop("2")
    scene.has(one, server("npx", "known"))
    scene.later(50)
    scene.has(two, server("npx", "known"), server("npx", "also"))
    scene.later(100)
    assert scene.open() == {}
    scene.has(two, server("npx", "known"), server("npx", "also"), server("npx", "new"))
    assert scene.open() == {"server.first-seen": 1}
    assert scene.text("server.first-seen") == "laptop-7 is the first device that has it."
    scene.has(one, server("npx", "known"), server("npx", "new"))
    assert scene.open() == {"server.first-seen": 1}
    scene.has(two, server("npx", "known"), server("npx", "also"))
    assert scene.open() == {}


def test_a_server_that_is_not_approved_and_spreads_is_one_alert_until_it_is_gone(scene: Scene) -> None:
    fleet_ = [scene.laptop(str(number)) for number in range(4)]
    bad = server("npx", "bad")
    for laptop in fleet_[:2]:
        scene.has(laptop, bad, server("npx", "good", verdict=Answer.ALLOWED))
    scene.later(60)
    assert scene.open() == {}
    for laptop in fleet_[2:]:
        scene.has(laptop, bad, server("npx", "good", verdict=Answer.ALLOWED))
    scene.later(60)
    assert scene.open()["server.spreading"] == 1
    scene.later(30 * DAY_S)
    assert scene.open()["server.spreading"] == 1, "it is there still"
    for laptop in fleet_[:2]:
        scene.has(laptop)
    scene.later(60)
    assert scene.open()["server.spreading"] == 0
    assert scene.fed("server.spreading") == ["Create", "Close"]


def test_copies_share_the_work_and_all_know_what_came_of_it(scene: Scene) -> None:
    for number in range(6):
        scene.beats(scene.laptop(str(number)), digest="usual")
    other = scene.copy()
    done: list[str] = []
    for name, survey in (("one", scene.survey), ("other", other)):
        original = survey._fleet

        def work(name: str = name, original: object = original) -> None:
            done.append(name)
            original()  # type: ignore[operator] # a bound method

        survey._fleet = work  # type: ignore[method-assign]
    scene.survey.turn()
    other.turn()
    assert done == ["one"]
    assert other.current().fleet.policy_digest == scene.survey.current().fleet.policy_digest == "usual"


def test_what_is_older_than_it_is_to_be_kept_goes_and_what_is_open_stays(scene: Scene) -> None:
    laptop = scene.laptop("1")
    laptop.finds(findings(["open", "closed"]))
    scene.reports(laptop)
    laptop.finds(findings(["open"]))
    scene.reports(laptop)
    scene.later(89 * DAY_S)
    assert scene.receiver.stored() != []
    scene.later(2 * DAY_S)
    with reading(scene.engine) as connection:
        assert connection.execute(select(events.c.sequence)).all() == []
        assert feeding.after(connection, 0, 10) != [], "the alert that it is silent is younger"
        labels = connection.execute(select(deviations.c.label).where(deviations.c.source == "agent")).scalars().all()
    assert sorted(labels) == ["closed", "open"]
    scene.later(400 * DAY_S)
    with reading(scene.engine) as connection:
        labels = connection.execute(select(deviations.c.label).where(deviations.c.source == "agent")).scalars().all()
    assert labels == ["open"]


def test_devices_are_counted_by_how_they_stand_and_the_silent_ones_are_unknown(scene: Scene) -> None:
    scene.beats(scene.laptop("1"))
    scene.laptop("2")
    scene.survey.turn()
    scene.later(4 * 3_600.0)
    with reading(scene.engine) as connection:
        rows = connection.execute(select(tallies.c.states).order_by(tallies.c.at)).scalars().all()
    assert rows == [
        {"compliant": 1, "deviating": 0, "unknown": 1},
        {"compliant": 0, "deviating": 0, "unknown": 2},
    ]


def test_an_event_that_comes_late_changes_nothing_that_a_newer_one_said(scene: Scene) -> None:
    laptop = scene.laptop("1", hostname="old-name")
    laptop.obeys("npx a", digest="one")
    late = laptop.sends()
    laptop.device = replace(laptop.device, hostname="new-name")
    laptop.obeys("npx b", digest="two")
    scene.reports(laptop)
    (outcome,) = scene.receiver.takes(late)
    assert outcome.device.hostname == "new-name"  # type: ignore[union-attr] # it was taken
    assert outcome.device.policy_digest == "two"  # type: ignore[union-attr] # as above


def test_a_wrong_clock_is_seen_by_the_time_that_each_batch_says(scene: Scene) -> None:
    laptop = scene.laptop("1")
    laptop.beats()
    scene.receiver.takes(replace(laptop.sends(), timestamp=int(NOW - 3_600)))
    assert "is more than 5 minutes behind" in scene.text("device.clock-off")


def test_what_people_accepted_is_no_drift(scene: Scene) -> None:
    with writing(scene.engine) as connection:
        upsert(connection, facts, [{"name": fleet.ACCEPTED, "value": ["odd"], "at": NOW}], ("value", "at"))
    for number in range(6):
        scene.beats(scene.laptop(str(number)), digest="usual")
    scene.later(60)
    scene.beats(scene.laptop("99"), digest="odd")
    assert scene.open() == {}
