"""From the settings to deliveries: whom reports wait for, and who is spared a fleet that wakes together."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from agent.app.delivering import deliveries
from agent.app.sender import Sender
from agent.config.settings import load
from agent.runtime.budgets import Budgets
from agent.runtime.delivery import Delivery
from agent.runtime.waiting import usual
from agent.status.health import Health
from agent.store.journal import Journal
from tests.sim.clock import ManualClock
from tests.sim.deviations import heartbeat


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    it = Journal(tmp_path / "journal.db", ManualClock().now, device="device-1")
    it.append([heartbeat()], 1.0)
    yield it
    it.close()


def delivered(journal: Journal, folder: Path, settings: str) -> dict[str, Delivery]:
    file = folder / "agent.toml"
    file.write_text(settings)
    clock = ManualClock()
    found = deliveries(
        load(file, {}).settings, Sender(folder, "device-1"), journal, clock, Budgets(), Health(clock), usual
    )
    return {delivery.sink.name: delivery for delivery in found}


def test_reports_for_a_destination_that_cannot_be_used_yet_wait_for_it(journal: Journal, tmp_path: Path) -> None:
    settings = (
        f'[endpoint]\nurl = "https://reports.example.com/v1/events"\ntoken_file = "{tmp_path.as_posix()}/token"\n'
    )
    assert set(delivered(journal, tmp_path, settings)) == {"jsonl"}
    batch = journal.pending("jsonl", 10, 10_000)
    assert batch is not None
    journal.acknowledge("jsonl", batch)
    (tmp_path / "token").write_text("t0ken")
    assert set(delivered(journal, tmp_path, settings)) == {"jsonl", "https"}
    assert journal.pending("https", 10, 10_000) is not None


def test_what_waits_from_an_earlier_run_is_spread_over_time_for_what_is_far_alone(
    journal: Journal, tmp_path: Path
) -> None:
    far = delivered(journal, tmp_path, '[endpoint]\nurl = "https://reports.example.com/v1/events"\n')
    assert far["https"].hold_s > 0
    assert far["jsonl"].hold_s == 0
    near = delivered(journal, tmp_path, '[endpoint]\nurl = "http://127.0.0.1:8470/v1/events"\n')
    assert near["https"].hold_s == 0
