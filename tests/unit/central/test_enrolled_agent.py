"""A device that lets itself in at the real endpoint: its sink alone, and the whole agent as it is started."""

import stat
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from sqlalchemy import Engine, select, update

from agent.ports import Accepted, Asked, RetryLater
from agent.runtime.clock import SystemClock
from agent.sinks.enrolled import EnrolledSink
from agent.sinks.https import HttpsLimits, HttpsTarget
from agent.store.admission import NAME, KeptAdmission, load
from central.core.envelope import hashed
from central.store import enrolling
from central.store.engine import engine_of, reading, writing
from central.store.schema import credentials, deviations, devices, enrolment_keys
from tests.sim.deviations import findings
from tests.sim.reporter import Reporter
from tests.sim.serving import Served, serving


@dataclass(eq=False)
class Scene:
    """An endpoint, and a laptop with the sink that reports to it."""

    served: Served
    folder: Path
    laptop: Reporter
    heard: list[Asked] = field(default_factory=list)
    key: str = ""

    @property
    def engine(self) -> Engine:
        return engine_of(f"sqlite:///{self.served.state / 'central.sqlite'}")

    def sink(self) -> EnrolledSink:
        return EnrolledSink(
            target=HttpsTarget(url=f"{self.served.url}/v1/events", device_id=self.laptop.id),
            hostname="laptop-7",
            key=lambda: self.key,
            credentials=KeptAdmission(self.folder),
            clock=SystemClock(),
            limits=HttpsLimits(),
            heard=self.heard.append,
            admitted=self.laptop.journal.tell_anew,
        )

    def sends(self, sink: EnrolledSink, *subjects: str) -> object:
        self.laptop.finds(findings(subjects))
        batch = self.laptop.batch()
        outcome = sink.send(batch)
        if outcome == Accepted():
            self.laptop.taken(batch)
        sink.close()
        return outcome

    def known(self) -> bytes | None:
        """Return the hash by which the endpoint knows the device."""
        engine = self.engine
        with reading(engine) as connection:
            found = connection.execute(select(credentials.c.current)).scalar()
        engine.dispose()
        return found

    def changes(self, statement: object) -> None:
        engine = self.engine
        with writing(engine) as connection:
            connection.execute(statement)  # type: ignore[call-overload] # any statement
        engine.dispose()


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[Scene]:
    (tmp_path / "agent").mkdir()
    with serving(tmp_path / "central") as served:
        yield Scene(served, tmp_path / "agent", Reporter(tmp_path), key=served.key)


def test_it_is_let_in_with_the_organisations_key_and_reports_with_a_credential_of_its_own(scene: Scene) -> None:
    assert scene.sends(scene.sink(), "a") == Accepted()
    kept = load(scene.folder)
    assert kept.current is not None
    assert kept.next is None
    assert scene.known() == hashed(kept.current)
    assert stat.S_IMODE((scene.folder / NAME).stat().st_mode) == 0o600
    scene.changes(update(enrolment_keys).values(revoked_at=1.0))
    assert scene.sends(scene.sink(), "a", "b") == Accepted(), "the key is needed once"


def test_where_it_is_not_let_in_reports_wait_and_the_reason_says_what_to_do(scene: Scene) -> None:
    scene.key = "mcpc_enrol_wrong"
    outcome = scene.sends(scene.sink(), "a")
    assert isinstance(outcome, RetryLater)
    assert "the enrolment key is not valid" in outcome.reason
    assert scene.key not in outcome.reason
    kept = load(scene.folder)
    scene.key = scene.served.key
    assert scene.sends(scene.sink(), "a", "b") == Accepted()
    assert load(scene.folder).current == kept.next, "what it made at first is what it uses"


def test_an_endpoint_that_forgot_the_device_lets_it_in_again_and_is_told_what_is_open(scene: Scene) -> None:
    sink = scene.sink()
    scene.sends(sink, "a")
    for table in (credentials, devices, deviations):
        scene.changes(table.delete())
    assert scene.sends(sink, "a", "b") == Accepted()
    assert scene.sends(sink, "a", "b") == Accepted()
    engine = scene.engine
    with reading(engine) as connection:
        assert sorted(connection.execute(select(deviations.c.subject)).scalars()) == ["a", "b"]
    engine.dispose()


def test_a_revoked_device_gives_up_no_report_and_goes_on_once_it_is_readmitted(scene: Scene) -> None:
    sink = scene.sink()
    scene.sends(sink, "a")
    engine = scene.engine
    with writing(engine) as connection:
        enrolling.revoke(connection, scene.laptop.id, "test", 1.0)
    outcome = scene.sends(sink, "a", "b")
    assert isinstance(outcome, RetryLater)
    assert "an administrator must readmit it" in outcome.reason
    with writing(engine) as connection:
        enrolling.readmit(connection, scene.laptop.id)
    engine.dispose()
    batch = scene.laptop.batch()
    assert sink.send(batch) == Accepted()


def test_it_takes_a_new_credential_when_the_endpoint_asks_for_one_and_loses_no_report(scene: Scene) -> None:
    sink = scene.sink()
    scene.sends(sink, "a")
    old = load(scene.folder).current
    scene.changes(update(credentials).values(issued_at=1.0))
    assert scene.sends(sink, "a", "b") == Accepted()
    new = load(scene.folder).current
    assert new not in (None, old)
    assert scene.sends(sink, "a", "b", "c") == Accepted()
    assert scene.known() == hashed(new or "")


def test_a_crash_between_telling_and_keeping_a_new_credential_shuts_nobody_out(scene: Scene) -> None:
    scene.sends(scene.sink(), "a")
    kept, old = KeptAdmission(scene.folder), load(scene.folder).current
    kept.keep(old, "following" * 5)
    scene.changes(
        update(credentials).values(next=hashed("following" * 5), issued_at=1.0)
    )  # told, and then the power went
    assert scene.sends(scene.sink(), "a", "b") == Accepted()
    assert load(scene.folder).current == "following" * 5


def test_a_look_that_is_wanted_is_heard(scene: Scene) -> None:
    sink = scene.sink()
    scene.sends(sink, "a")
    scene.changes(update(devices).values(look_wanted_at=1_764_000_000.5))
    scene.sends(sink, "a", "b")
    assert scene.heard[-1].look == 1_764_000_000.5


def test_that_all_that_holds_is_to_be_told_anew_is_heard(scene: Scene) -> None:
    sink = scene.sink()
    scene.sends(sink, "a")
    assert scene.heard[-1].restate is None
    scene.laptop.finds(findings(["a", "b"]))
    scene.laptop.taken(scene.laptop.batch())  # and what was acknowledged is lost
    scene.sends(sink, "a", "b", "c")
    assert scene.heard[-1].restate is not None
