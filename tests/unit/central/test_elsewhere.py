"""A device whose settings did not name this endpoint for a while: no false alarm, and nothing is hidden by it."""

import json
from pathlib import Path
from random import Random
from typing import Any

import pytest
from sqlalchemy import Engine, select

from agent.app.telling import Teller
from central.core.receive import Taken
from central.store import feeding
from central.store.engine import reading
from central.store.schema import deviations
from tests.sim.central import Receiver
from tests.sim.clock import ManualClock
from tests.sim.deviations import findings
from tests.sim.reporter import NOW, SINK, Reporter

HERE, THERE = "https://here.example/v1/events", "https://there.example/v1/events"


class Scene:
    """This endpoint, and a laptop that writes a file of its reports besides."""

    def __init__(self, engine: Engine, folder: Path) -> None:
        self.engine, self.laptop, self.receiver = engine, Reporter(folder), Receiver(engine)
        self.receiver.admits(self.laptop)
        self.at = NOW

    def starts(self, where: str | None) -> None:
        """Start the agent, with settings that name the endpoint at `where`, or none."""
        self.at += 3_600
        self.laptop.now = self.receiver.now = self.at
        sinks, addresses = (["jsonl"], {}) if where is None else (["jsonl", SINK], {SINK: where})
        self.laptop.journal.use_sinks(sinks, addresses=addresses)
        Teller(self.laptop.device, self.laptop.journal, ManualClock(self.at), 3_600.0, Random(1), dict).started()

    def tells(self, *subjects: str, lost: bool = False, here: bool = True) -> None:
        """Find these deviations, and let whoever the settings name take what waits."""
        self.at += 60
        self.laptop.now = self.receiver.now = self.at
        self.laptop.finds(findings(subjects))
        for sink in ("jsonl", SINK):
            batch = self.laptop.journal.pending(sink, 500, 1 << 20)
            if batch is None:
                continue
            if sink == SINK and here and not lost:
                (outcome,) = self.receiver.takes(self.laptop.envelope(batch))
                assert isinstance(outcome, Taken), outcome
            self.laptop.journal.acknowledge(sink, batch)

    def known(self) -> dict[str, Any]:
        """Return the text of what this endpoint sees itself, and of what the device told whether it is over."""
        with reading(self.engine) as connection:
            rows = connection.execute(select(deviations)).all()
        return {row.subject if row.source != "central" else row.control: row.closed_at is not None for row in rows}


@pytest.fixture
def scene(engine: Engine, tmp_path: Path) -> Scene:
    scene = Scene(engine, tmp_path)
    scene.starts(HERE)
    scene.tells("before")
    return scene


def test_an_endpoint_that_was_taken_out_of_the_settings_and_put_back_learns_what_opened_and_closed_meanwhile(
    scene: Scene,
) -> None:
    scene.starts(None)
    scene.tells("before", "hidden", here=False)
    scene.tells(here=False)
    scene.starts(HERE)
    scene.tells("after")
    assert scene.known() == {"before": True, "hidden": True, "after": False, "report.elsewhere": False}
    with reading(scene.engine) as connection:
        lines = [json.loads(line) for _, line in feeding.after(connection, 0, 100)]
    [told] = [line for line in lines if line["finding_info"]["types"] == ["report.elsewhere"]]
    assert told["message"] == (
        "laptop-7: The agent's settings on laptop-7 did not name this endpoint for 1 hour: 7 reports were not for it."
        " What holds, and what opened and closed meanwhile, was told when they named it again."
    )
    assert told["severity"] == "Low"


def test_a_device_that_was_moved_to_another_endpoint_and_back_is_no_gap(scene: Scene) -> None:
    scene.starts(THERE)
    scene.tells("there", here=False)
    scene.starts(HERE)
    scene.tells("there")
    assert scene.known() == {"before": True, "there": False, "report.elsewhere": False}


def test_what_was_lost_before_the_endpoint_left_the_settings_stays_a_gap(scene: Scene) -> None:
    scene.tells("before", "lost", lost=True)
    scene.tells("before", "lost", "seen")
    scene.starts(None)
    scene.tells("seen", here=False)
    scene.starts(HERE)
    scene.tells("seen")
    assert {"report.gap", "report.elsewhere"} <= scene.known().keys()


def test_what_was_lost_after_the_endpoint_was_back_stays_a_gap(scene: Scene) -> None:
    scene.starts(None)
    scene.tells("b", here=False)
    scene.starts(HERE)
    scene.tells("b", "c", lost=True)
    scene.tells("b", "c", "d")
    assert "report.gap" in scene.known(), "the declaration was lost too, and without one nothing is excused"


def test_what_other_destinations_were_not_owed_excuses_nothing_here(scene: Scene) -> None:
    scene.tells("lost", lost=True)
    scene.laptop.journal.append(
        [], NOW, {"not-owed": json.dumps([{"destination": "file", "first": 1, "last": 9, "since": 1.0}])}
    )
    scene.starts(HERE)
    scene.tells("lost")
    assert "report.gap" in scene.known()
    assert "report.elsewhere" not in scene.known()
