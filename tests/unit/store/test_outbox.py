from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

from agent.core.canonical import canonical, digest
from agent.core.ledger import Change
from agent.ports import JSON, Batch
from agent.store.journal import Journal, Retention
from tests.sim.clock import ManualClock
from tests.sim.deviations import encode, findings, heartbeat

Open = Callable[..., Journal]


@pytest.fixture
def opened(tmp_path: Path) -> Iterator[Open]:
    journals: list[Journal] = []

    def one(*sinks: str, max_bytes: int = 50_000_000) -> Journal:
        retention = Retention(outbox_max_bytes=max_bytes)
        journals.append(Journal(tmp_path / "journal.db", ManualClock().now, device="device-1", retention=retention))
        journals[-1].use_sinks(sinks or ("central",))
        return journals[-1]

    yield one
    for journal in journals:
        journal.close()


def batch_of(journal: Journal, sink: str = "central", events: int = 1_000, size: int = 10_000_000) -> Batch:
    batch = journal.pending(sink, events, size)
    assert batch is not None
    return batch


def numbers(journal: Journal, sink: str = "central") -> list[int]:
    batch = journal.pending(sink, 1_000, 10_000_000)
    return [event["metadata"]["sequence"] for event in batch.events] if batch else []


def beats(journal: Journal, count: int, padding: int = 0) -> None:
    for number in range(count):
        journal.append([heartbeat(number, "x" * padding)], float(number))


def alert(number: int) -> JSON:
    return {**heartbeat(number, "x" * 100), "is_alert": True}


def test_events_are_numbered_without_a_gap_and_chained_by_the_hash_of_the_one_before(opened: Open) -> None:
    journal = opened()
    beats(journal, 2)
    journal.commit(findings(["a"]), 1.0, encode)
    journal.close()
    journal = opened()
    beats(journal, 1)
    events = [*batch_of(journal).events]
    assert [e["metadata"]["sequence"] for e in events] == [1, 2, 3, 4]
    assert events[2]["metadata"]["version"] == "1.8.0"
    links = ["0" * 64, *(digest(canonical(event)) for event in events)]
    assert [e["unmapped"]["chain"]["previous"] for e in events] == links[:-1]
    assert len({e["unmapped"]["chain"]["journal"] for e in events}) == 1


def test_events_of_one_commit_are_made_and_stored_one_after_the_other(opened: Open) -> None:
    journal, stored = opened(), []

    def watched(change: Change) -> Sequence[JSON]:
        stored.append(journal.counters().events)
        return encode(change)

    journal.commit(findings(["a", "b", "c"]), 1.0, watched)
    each = journal.counters().events // 3
    assert stored == [0, each, 2 * each]


def test_what_is_queued_is_a_copy(opened: Open) -> None:
    event = heartbeat()
    opened().append([event], 1.0)
    assert event == heartbeat()


def test_a_batch_is_bounded_by_events_and_bytes_but_holds_at_least_one_event(opened: Open) -> None:
    journal = opened()
    beats(journal, 5, padding=1_000)
    assert len(batch_of(journal, events=3).lines) == 3
    assert len(batch_of(journal, size=2_600).lines) == 2
    assert len(batch_of(journal, size=1).lines) == 1


def test_the_same_rows_make_the_same_batch_id_and_others_another(opened: Open) -> None:
    journal = opened()
    beats(journal, 3)
    first = batch_of(journal, events=2)
    journal.close()
    journal = opened()
    assert batch_of(journal, events=2) == first
    assert batch_of(journal, events=3).id != first.id
    journal.acknowledge("central", first)
    assert batch_of(journal).id != first.id


def test_a_claimed_batch_comes_again_as_it_was_until_it_is_settled(opened: Open) -> None:
    journal = opened()
    beats(journal, 2)
    first = batch_of(journal)
    journal.claim("central", first)
    beats(journal, 2)
    journal.close()
    journal = opened()
    assert batch_of(journal, events=1) == first
    journal.acknowledge("central", first)
    assert numbers(journal) == [3, 4]


def test_a_claim_that_is_released_makes_room_for_a_smaller_batch(opened: Open) -> None:
    journal = opened()
    beats(journal, 4)
    journal.claim("central", batch_of(journal))
    journal.release("central")
    assert len(batch_of(journal, events=2).lines) == 2


def test_each_destination_has_its_own_cursor_and_events_stay_until_all_have_them(opened: Open) -> None:
    journal = opened("central", "file")
    beats(journal, 3)
    journal.acknowledge("file", batch_of(journal, "file"))
    assert (numbers(journal, "central"), numbers(journal, "file")) == ([1, 2, 3], [])
    assert journal.counters().events == 3
    journal.acknowledge("central", batch_of(journal, events=2))
    assert journal.counters().events == 1


def test_a_destination_that_is_no_longer_configured_holds_nothing_back(opened: Open) -> None:
    journal = opened("central", "file")
    beats(journal, 3)
    journal.acknowledge("file", batch_of(journal, "file"))
    journal.use_sinks(["file"])
    assert journal.counters().events == 0


def test_a_refused_batch_is_kept_apart_with_its_reason_and_what_follows_goes_on(opened: Open) -> None:
    journal = opened()
    beats(journal, 3)
    journal.set_aside("central", batch_of(journal, events=2), "401 Unauthorized")
    backlog = journal.counters().sinks["central"]
    assert (backlog.acked, backlog.waiting, backlog.set_aside) == (2, 1, 2)
    assert backlog.set_aside_reason == "401 Unauthorized"
    assert numbers(journal) == [3]


def test_set_aside_findings_are_tried_again_when_asked_and_telemetry_is_not(opened: Open) -> None:
    journal = opened()
    beats(journal, 1)
    journal.commit(findings(["a", "b"]), 1.0, encode)
    journal.set_aside("central", batch_of(journal), "401")
    beats(journal, 1)
    assert journal.try_again("central") == 2
    assert numbers(journal) == [2, 3]
    again = batch_of(journal)
    journal.claim("central", again)
    journal.set_aside("central", again, "403")
    assert journal.counters().sinks["central"].set_aside == 3
    assert journal.try_again("central") == 2
    journal.acknowledge("central", batch_of(journal))
    assert numbers(journal) == [4]
    assert journal.counters().sinks["central"].set_aside == 1


def test_telemetry_goes_before_findings_and_findings_before_alerts_and_each_drop_is_counted(opened: Open) -> None:
    journal = opened(max_bytes=3_000)
    journal.append([alert(0)], 0.0)
    journal.commit(findings(["a"]), 0.0, encode)
    beats(journal, 20, padding=100)
    kept = numbers(journal)
    assert kept[:2] == [1, 2]
    assert kept[-1] == 22
    assert journal.counters().dropped == {"outbox-full-telemetry": 22 - len(kept)}
    for number in range(30):
        journal.append([alert(number)], 0.0)
    counters = journal.counters()
    assert counters.bytes <= 3_000
    assert set(counters.dropped) == {"outbox-full-telemetry", "outbox-full-finding", "outbox-full-alert"}
    assert counters.events + sum(counters.dropped.values()) == counters.last_sequence == 52


def test_what_was_set_aside_is_dropped_before_what_still_waits(opened: Open) -> None:
    journal = opened(max_bytes=3_000)
    beats(journal, 3, padding=500)
    journal.set_aside("central", batch_of(journal), "401")
    beats(journal, 3, padding=500)
    assert numbers(journal) == [4, 5, 6]
    assert set(journal.counters().dropped) == {"set-aside-full-telemetry"}


def test_a_gap_made_by_a_drop_shows_in_the_sequence_and_the_chain(opened: Open) -> None:
    journal = opened(max_bytes=1_000)
    beats(journal, 6, padding=100)
    events = [*batch_of(journal).events]
    assert events[0]["metadata"]["sequence"] > 1
    assert events[0]["unmapped"]["chain"]["previous"] != "0" * 64


def test_the_counters_say_since_when_something_waits(opened: Open) -> None:
    journal = opened()
    assert journal.counters().sinks["central"].oldest_at is None
    journal.append([heartbeat()], 7.0)
    journal.append([heartbeat()], 8.0)
    assert journal.counters().sinks["central"].oldest_at == 7.0
