"""A destination that is new to a journal, or was away, is told what holds now; what it cannot have any more is counted."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from agent.core.ledger import ChangeKind
from agent.store.journal import OWED_STATE, Journal
from agent.store.outbox import AWAY
from tests.sim.clock import ManualClock
from tests.sim.deviations import SCOPE, encode, findings

Open = Callable[..., Journal]


@pytest.fixture
def opened(tmp_path: Path) -> Iterator[Open]:
    journals: list[Journal] = []

    def one(*sinks: str, waiting: tuple[str, ...] = ()) -> Journal:
        for before in journals:
            before.close()
        journals.append(Journal(tmp_path / "journal.db", ManualClock().now, device="device-1"))
        journals[-1].use_sinks(sinks, waiting)
        return journals[-1]

    yield one
    for journal in journals:
        journal.close()


def taken(journal: Journal, sink: str) -> list[tuple[str, str]]:
    """Let `sink` take everything that waits for it."""
    batch = journal.pending(sink, 1_000, 10_000_000)
    if batch is None:
        return []
    journal.acknowledge(sink, batch)
    return [(event["finding_info"]["uid"], event["activity"]) for event in batch.events]


def test_a_destination_that_comes_later_is_told_once_what_is_open(opened: Open) -> None:
    journal = opened("file")
    journal.commit(findings(["a", "b"]), 1.0, encode)
    journal.commit(findings(["b"]), 2.0, encode)
    taken(journal, "file")

    journal = opened("file", "central")
    assert journal.note(OWED_STATE) == "true", "whoever tells the policy and the inventory tells all of it"
    changes = journal.commit(findings(["b", "c"]), 3.0, encode)
    assert [(change.kind, change.first_seen) for change in changes] == [
        (ChangeKind.UPDATED, 1.0),
        (ChangeKind.OPENED, 3.0),
    ]
    assert taken(journal, "central") == [("b", "updated"), ("c", "opened")]
    assert journal.commit(findings(["b", "c"]), 4.0, encode) == ()
    taken(journal, "file")
    journal = opened("file", "central")
    assert journal.commit(findings(["b", "c"]), 5.0, encode) == ()
    assert journal.counters().dropped == {}, "nothing was promised to it before"


def test_what_is_open_where_nobody_can_look_now_is_told_too(opened: Open) -> None:
    journal = opened("file")
    journal.commit(findings(["a"]), 1.0, encode)
    taken(journal, "file")
    journal = opened("file", "central")
    journal.commit(findings([], inconclusive=frozenset({str(SCOPE)})), 2.0, encode)
    assert taken(journal, "central") == [("a", "updated")]


def test_what_is_owed_outlives_a_crash_before_it_was_told(opened: Open) -> None:
    journal = opened("file")
    journal.commit(findings(["a"]), 1.0, encode)
    taken(journal, "file")
    opened("file", "central")
    journal = opened("file", "central")
    journal.commit(findings(["a"]), 2.0, encode)
    assert taken(journal, "central") == [("a", "updated")]


def test_a_destination_that_cannot_be_used_yet_misses_nothing(opened: Open) -> None:
    journal = opened("file", waiting=("central",))
    journal.commit(findings(["a"]), 1.0, encode)
    journal.commit(findings([]), 2.0, encode)
    taken(journal, "file")
    journal = opened("file", "central")
    assert journal.commit(findings([]), 3.0, encode) == ()
    assert taken(journal, "central") == [("a", "opened"), ("a", "closed")]


def test_what_a_destination_misses_while_the_settings_do_not_name_it_is_counted(opened: Open) -> None:
    journal = opened("file", "central")
    journal.commit(findings(["a"]), 1.0, encode)
    taken(journal, "file")
    taken(journal, "central")
    journal = opened("file")
    journal.commit(findings(["a", "b", "c"]), 2.0, encode)
    taken(journal, "file")
    journal = opened("file", "central")
    assert journal.counters().dropped == {AWAY: 2}
    journal.commit(findings(["a", "b", "c"]), 3.0, encode)
    assert taken(journal, "central") == [("a", "updated"), ("b", "updated"), ("c", "updated")]


def test_an_endpoint_that_forgot_the_device_is_told_anew_and_one_that_got_all_from_the_start_is_not(
    opened: Open,
) -> None:
    journal = opened("central")
    journal.tell_anew()
    journal.commit(findings(["a"]), 1.0, encode)
    assert journal.commit(findings(["a"]), 2.0, encode) == (), "everything that ever was still waits for it"
    taken(journal, "central")
    journal.tell_anew()
    journal.commit(findings(["a"]), 3.0, encode)
    assert taken(journal, "central") == [("a", "updated")]
