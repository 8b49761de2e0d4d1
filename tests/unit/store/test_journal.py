import stat
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

from agent.core.deviation import Findings, Severity
from agent.core.ledger import Change, ChangeKind
from agent.ports import JSON
from agent.store.journal import SECONDS_PER_DAY, Journal, Retention, retention_within
from tests.sim.clock import ManualClock
from tests.sim.deviations import KINDS, deviation, encode, findings, heartbeat

Open = Callable[..., Journal]
EVERYTHING = (1_000, 10_000_000)


@pytest.fixture
def opened(tmp_path: Path) -> Iterator[Open]:
    """Open the journal of this test; whatever was opened is closed at the end."""
    journals: list[Journal] = []

    def one(device: str | None = "device-1", retention: Retention | None = None) -> Journal:
        path = tmp_path / "state" / "journal.db"
        journals.append(Journal(path, ManualClock().now, device=device, retention=retention))
        journals[-1].use_sinks(["central"])
        return journals[-1]

    yield one
    for journal in journals:
        journal.close()


def told(journal: Journal) -> list[tuple[int, str]]:
    """What waits for the central sink, as (sequence, activity)."""
    batch = journal.pending("central", *EVERYTHING)
    return [(e["metadata"]["sequence"], e.get("activity", "-")) for e in batch.events] if batch else []


def test_a_change_is_committed_with_the_event_that_tells_it(opened: Open) -> None:
    journal = opened()
    [change] = journal.commit(findings(["a"]), 10.0, encode)
    assert change.kind is ChangeKind.OPENED
    assert [record.deviation for record in journal.open_deviations()] == [deviation("a")]
    assert told(journal) == [(1, "opened")]


def test_a_deviation_is_told_opened_once_and_closed_once_over_restarts(opened: Open) -> None:
    for at in (1.0, 2.0, 3.0):
        journal = opened()
        journal.commit(findings(["a"]), at, encode)
        journal.close()
    journal = opened()
    journal.commit(findings(inconclusive=frozenset({"config"})), 4.0, encode)
    [closed] = journal.commit(findings(), 5.0, encode)
    assert journal.commit(findings(), 6.0, encode) == ()
    assert (closed.first_seen, closed.record.closed_at) == (1.0, 5.0)
    assert told(journal) == [(1, "opened"), (2, "closed")]
    assert journal.open_deviations() == ()


def test_a_deviation_that_comes_back_is_opened_anew(opened: Open) -> None:
    journal = opened()
    for at, subjects in enumerate((["a"], [], ["a"])):
        journal.commit(findings(subjects), float(at), encode)
    assert [record.again for record in journal.history(0.0)] == [False, True]
    assert [kind for _, kind in told(journal)] == ["opened", "closed", "opened"]


def test_other_content_is_told_as_an_update_and_stored(opened: Open) -> None:
    journal = opened()
    journal.commit(findings(["a"]), 1.0, encode)
    other = deviation("a", text="It runs twice.")
    [change] = journal.commit(Findings(present={other.key: other}, looked=KINDS), 2.0, encode)
    journal.close()
    assert (change.kind, change.before) == (ChangeKind.UPDATED, deviation("a"))
    assert [record.deviation for record in opened().open_deviations()] == [other]


def test_seeing_the_same_again_writes_nothing_until_last_seen_is_an_hour_old(opened: Open) -> None:
    journal = opened()
    journal.commit(findings(["a"]), 0.0, encode)
    journal.commit(findings(["a"]), 3_599.0, encode)
    assert [record.last_seen for record in journal.open_deviations()] == [0.0]
    journal.commit(findings(["a"]), 3_600.0, encode)
    assert [record.last_seen for record in journal.open_deviations()] == [3_600.0]
    [closed] = journal.commit(findings(), 3_700.0, encode)
    assert closed.last_seen == 3_600.0


def test_an_encoder_that_fails_leaves_neither_state_nor_event(opened: Open) -> None:
    journal = opened()
    journal.commit(findings(["a"]), 1.0, encode)

    def broken(change: Change) -> Sequence[JSON]:
        raise ZeroDivisionError(change)

    with pytest.raises(ZeroDivisionError):
        journal.commit(findings(["b"]), 2.0, broken)
    assert told(journal) == [(1, "opened")]
    assert [c.kind for c in journal.commit(findings(["b"]), 3.0, encode)] == [ChangeKind.CLOSED, ChangeKind.OPENED]


def test_an_event_that_is_not_json_leaves_neither_state_nor_event(opened: Open) -> None:
    journal = opened()
    with pytest.raises(ValueError, match="JSON"):
        journal.commit(findings(["a"]), 1.0, lambda _: [{"n": float("nan")}])
    assert journal.open_deviations() == ()
    assert told(journal) == []


def test_history_holds_what_was_open_at_some_time_since(opened: Open) -> None:
    journal = opened()
    for at, subjects in ((10.0, ["a"]), (20.0, ["b"]), (30.0, ["b"])):
        journal.commit(findings(subjects), at, encode)
    assert [r.deviation.label for r in journal.history(0.0)] == ["a", "b"]
    assert [r.deviation.label for r in journal.history(20.5)] == ["b"]


def test_history_is_forgotten_by_age_and_number_but_what_is_open_stays(opened: Open) -> None:
    journal = opened(retention=Retention(history_days=1.0, history_max_rows=2))
    journal.commit(findings(["open", "old"]), 0.0, encode)
    journal.commit(findings(["open"]), 1.0, encode)
    journal.commit(findings(["open", "x"]), SECONDS_PER_DAY + 2.0, encode)
    assert [r.deviation.label for r in journal.history(0.0)] == ["open", "x"]
    for number in range(4):
        journal.commit(findings(["open", f"n{number}"]), SECONDS_PER_DAY + 3.0 + number, encode)
    assert [r.deviation.label for r in journal.history(0.0)] == ["open", "n1", "n2", "n3"]


def test_whoever_subscribed_is_woken_by_what_is_queued_and_by_nothing_else(opened: Open) -> None:
    journal, wakes = opened(), list[int]()
    journal.subscribe(lambda: wakes.append(1))
    journal.commit(findings(["a"]), 1.0, encode)
    journal.commit(findings(["a"]), 2.0, encode)
    journal.append([heartbeat()], 3.0)
    assert len(wakes) == 2


def test_the_device_keeps_the_id_that_it_was_first_given(opened: Open) -> None:
    made_up = opened(device=None).device_id
    assert made_up
    assert opened(device=None).device_id == made_up
    assert opened(device="serial-42").device_id == "serial-42"
    assert opened(device=None).device_id == "serial-42"


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX modes")
def test_only_the_owner_may_read_the_journal_and_enter_its_folder(opened: Open, tmp_path: Path) -> None:
    path = tmp_path / "state" / "journal.db"
    opened().commit(findings(["a"]), 1.0, encode)
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert {stat.S_IMODE(file.stat().st_mode) for file in path.parent.iterdir()} == {0o600}
    path.chmod(0o644)
    opened()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_critical_finding_is_urgent_and_no_other(opened: Open) -> None:
    journal = opened()
    journal.append([heartbeat()], 1.0)
    journal.commit(findings(["a"]), 1.0, encode)
    assert not journal.urgent("central")
    critical = deviation("b", severity=Severity.CRITICAL)
    journal.commit(Findings(present={critical.key: critical}, looked=KINDS), 2.0, encode)
    assert journal.urgent("central")


def test_a_journal_that_drops_all_the_time_stays_within_its_room_on_the_disk(tmp_path: Path) -> None:
    room = 24_000_000
    it = Journal(tmp_path / "bounded.db", lambda: 0.0, retention=retention_within(room))
    it.use_sinks(["central"])
    for _ in range(25):
        it.append([heartbeat(number, "x" * 2_000) for number in range(200)], 1.0)
        assert sum(path.stat().st_size for path in tmp_path.glob("bounded.db*")) < room
    assert it.counters().dropped
    it.close()
