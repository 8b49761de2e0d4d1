"""A destination that is new to a journal, or was away, is told what holds now; what it was never owed is declared."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from agent.core.ledger import ChangeKind
from agent.store.addressees import NOT_OWED, OWED_SERVERS, OWED_STATE
from agent.store.journal import Journal
from tests.sim.deviations import SCOPE, encode, findings

Open = Callable[..., Journal]


@pytest.fixture
def opened(tmp_path: Path) -> Iterator[Open]:
    journals: list[Journal] = []

    def one(*sinks: str, waiting: tuple[str, ...] = (), at: float = 0.0, where: str | None = None) -> Journal:
        for before in journals:
            before.close()
        journals.append(Journal(tmp_path / "journal.db", lambda: at, device="device-1"))
        journals[-1].use_sinks(sinks, waiting, {} if where is None else {"central": where})
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
    assert [(change.kind, change.first_seen) for change in changes] == [(ChangeKind.OPENED, 3.0)], (
        "the rest is no news here"
    )
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


def declared(journal: Journal) -> list[tuple[str, int, int, float]]:
    return [tuple(row.values()) for row in json.loads(journal.note(NOT_OWED) or "[]")]


def test_what_a_destination_is_not_owed_while_the_settings_do_not_name_it_is_declared_and_what_ended_is_told(
    opened: Open,
) -> None:
    journal = opened("file", "central")
    journal.commit(findings(["a", "d"]), 1.0, encode)
    taken(journal, "file")
    taken(journal, "central")
    journal = opened("file", at=2.0)
    journal.commit(findings(["a", "b", "c"]), 3.0, encode)
    journal.commit(findings(["a", "b"]), 4.0, encode)
    taken(journal, "file")
    journal = opened("file", "central", at=5.0)
    assert declared(journal) == [("central", 3, 6, 2.0)]
    assert journal.counters().dropped == {}, "nothing of that was lost"
    changes = journal.commit(findings(["b"]), 6.0, encode)
    assert [change.deviation.key.subject for change in changes] == ["a"], (
        "what ended before, and what is open still, is no news here"
    )
    assert taken(journal, "central") == [("d", "closed"), ("c", "closed"), ("a", "closed"), ("b", "updated")]
    assert journal.commit(findings(["b"]), 7.0, encode) == ()


def test_what_a_destination_had_not_taken_when_it_left_the_settings_is_declared_and_told_anew_too(opened: Open) -> None:
    journal = opened("file", "central")
    journal.commit(findings(["a"]), 1.0, encode)
    taken(journal, "central")
    journal.commit(findings([]), 2.0, encode)
    taken(journal, "file")
    opened("file", at=50.0)
    journal = opened("file", "central", at=60.0)
    assert declared(journal) == [("central", 2, 2, 2.0)]
    journal.commit(findings([]), 61.0, encode)
    assert taken(journal, "central") == [("a", "closed")]


def test_a_destination_that_comes_back_to_all_of_its_events_has_missed_nothing(opened: Open) -> None:
    journal = opened("central")
    journal.commit(findings(["a"]), 1.0, encode)
    taken(journal, "central")
    journal = opened()
    journal.commit(findings(["a", "b"]), 2.0, encode)
    journal = opened("central")
    assert declared(journal) == []
    assert taken(journal, "central") == [("b", "opened")]


def test_one_that_is_new_is_expected_to_know_nothing_and_is_declared_nothing(opened: Open) -> None:
    journal = opened("file")
    journal.commit(findings(["a"]), 1.0, encode)
    taken(journal, "file")
    assert declared(opened("file", "central")) == []


def test_another_address_is_another_destination_and_the_first_is_known_when_it_comes_back(opened: Open) -> None:
    journal = opened("file", "central", where="https://one.example/v1/events")
    journal.commit(findings(["a"]), 1.0, encode)
    for sink in ("file", "central"):
        taken(journal, sink)
    journal = opened("file", "central", at=2.0, where="https://two.example/v1/events")
    assert declared(journal) == []
    journal.commit(findings(["a", "b"]), 3.0, encode)
    assert taken(journal, "central") == [("a", "updated"), ("b", "opened")], "the second is told what holds"
    journal.commit(findings(["a"]), 4.0, encode)
    for sink in ("file", "central"):
        taken(journal, sink)
    journal = opened("file", "central", at=5.0, where="https://one.example/v1/events")
    assert declared(journal) == [("central", 2, 4, 2.0)]
    journal.commit(findings(["a"]), 6.0, encode)
    assert taken(journal, "central") == [("b", "closed"), ("a", "updated")]


def test_the_servers_that_whoever_comes_back_knows_are_remembered(opened: Open) -> None:
    journal = opened("file", "central")
    journal.append([{}], 1.0, {"inventory": '{"one": "digest"}'})
    for sink in ("file", "central"):
        journal.acknowledge(sink, batch) if (batch := journal.pending(sink, 9, 9_999)) else None
    journal = opened("file")
    journal.append([{}], 2.0, {"inventory": '{"two": "digest"}'})
    journal.acknowledge("file", batch) if (batch := journal.pending("file", 9, 9_999)) else None
    assert json.loads(opened("file", "central").note(OWED_SERVERS) or "") == ["one"]


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
