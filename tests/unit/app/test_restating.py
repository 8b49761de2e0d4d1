"""What the endpoint asks to be told anew is owed once for each request, whatever became of the events."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from agent.app.restating import Restating
from agent.ports import StoreError
from agent.store.addressees import NO, OWED_FINDINGS, OWED_STATE
from agent.store.journal import Journal
from tests.sim.clock import ManualClock
from tests.sim.deviations import encode, findings


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    it = Journal(tmp_path / "journal.db", ManualClock().now, device="device-1")
    yield it
    it.close()


def test_a_request_has_all_told_once_more_and_a_look_taken_and_the_same_one_again_does_not(journal: Journal) -> None:
    looks: list[int] = []
    restating = Restating(journal, lambda: looks.append(1))
    journal.commit(findings(["a"]), 1.0, encode)
    restating.ask(None)
    assert (restating.wanted, looks) == (None, [])
    for _ in range(3):
        restating.ask(7.0)
        restating.ask(None)  # an answer that refuses asks for nothing
        journal.commit(findings(["a"]), 2.0, encode)
        journal.append([], 2.0, {OWED_STATE: NO})
    restating.ask(7.0)
    assert (restating.wanted, len(looks), journal.counters().last_sequence) == (7.0, 1, 2)
    restating.ask(8.0)
    journal.commit(findings(["a"]), 3.0, encode)
    assert journal.counters().last_sequence == 3
    assert journal.note(OWED_FINDINGS) == "false"


def test_a_request_that_could_not_be_noted_is_taken_at_the_next_answer(
    journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails() -> None:
        raise StoreError("the disk is full")

    restating = Restating(journal, lambda: None)
    with monkeypatch.context() as patch:
        patch.setattr(journal, "owe", fails)
        restating.ask(7.0)
    assert journal.note(OWED_FINDINGS) is None
    restating.ask(7.0)
    assert journal.note(OWED_FINDINGS) == "true"
