import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from agent.store.anchor import NAME, drop, tampered
from agent.store.journal import Journal
from tests.sim.clock import ManualClock
from tests.sim.deviations import heartbeat


class State:
    """A state folder with a journal that is opened, written and closed."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.journal = folder / "journal.sqlite3"

    def writes(self, events: int) -> None:
        journal = Journal(self.journal, ManualClock().now, device="device-1")
        journal.use_sinks(["central"])
        for number in range(events):
            journal.append([heartbeat(number)], 1.0)
        drop(self.folder, self.journal)
        journal.close()

    def edits(self, statement: str) -> None:
        with closing(sqlite3.connect(self.journal)) as connection, connection:
            connection.execute(statement)

    def says(self) -> str | None:
        return tampered(self.folder, self.journal)


@pytest.fixture
def state(tmp_path: Path) -> State:
    found = State(tmp_path)
    found.writes(3)
    return found


def test_a_journal_that_only_the_agent_wrote_is_in_order(state: State) -> None:
    assert state.says() is None
    state.writes(2)
    assert state.says() is None


def test_a_first_start_is_in_order(tmp_path: Path) -> None:
    assert tampered(tmp_path, tmp_path / "journal.sqlite3") is None


def test_a_journal_that_was_put_back_is_an_older_copy(state: State) -> None:
    shutil.copy(state.journal, state.folder / "copy")
    state.writes(2)
    for extra in state.folder.glob("journal.sqlite3*"):
        extra.unlink()
    shutil.copy(state.folder / "copy", state.journal)
    assert "older copy: it ends at event 3, and had come to 5" in (state.says() or "")


def test_an_event_that_was_edited_breaks_the_chain(state: State) -> None:
    state.edits("UPDATE outbox SET event = replace(event, '\"sequence\":2', '\"sequence\": 2') WHERE sequence = 2")
    assert "event 2 is not the one that was written" in (state.says() or "")


def test_the_newest_event_is_held_by_the_head_of_the_chain(state: State) -> None:
    state.edits("UPDATE outbox SET event = replace(event, '\"sequence\":3', '\"sequence\": 3') WHERE sequence = 3")
    assert "event 3 is not the one that was written" in (state.says() or "")


def test_another_journal_and_a_journal_that_is_gone_are_told(state: State) -> None:
    state.edits("UPDATE meta SET value = 'another' WHERE key = 'journal'")
    assert "another journal" in (state.says() or "")
    state.journal.unlink()
    assert "is gone" in (state.says() or "")


def test_a_note_that_was_lost_leaves_the_chain(state: State) -> None:
    (state.folder / NAME).write_text("nonsense")
    assert state.says() is None
