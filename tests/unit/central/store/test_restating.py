"""A device whose reports broke off tells all that holds, and what is not in that is closed: on both databases."""

from collections.abc import Sequence
from pathlib import Path
from random import Random

import orjson
from sqlalchemy import select

from agent.app.telling import Teller
from central.core.receive import Taken
from central.store import feeding
from central.store.engine import reading
from central.store.schema import deviations, servers
from tests.sim import statuses
from tests.sim.central import Receiver
from tests.sim.clock import ManualClock
from tests.sim.deviations import findings
from tests.sim.reporter import SINK, Reporter


def sent(receiver: Receiver, laptop: Reporter) -> Taken:
    laptop.now += 60
    receiver.now += 60
    (outcome,) = receiver.takes(laptop.sends())
    assert isinstance(outcome, Taken)
    return outcome


def present(receiver: Receiver) -> set[str]:
    with reading(receiver.engine) as connection:
        return set(connection.execute(select(servers.c.key).where(servers.c.gone_at.is_(None))).scalars())


def fed(receiver: Receiver) -> list[tuple[str, str, str]]:
    with reading(receiver.engine) as connection:
        events = [orjson.loads(line) for _, line in feeding.after(connection, 0, 1_000)]
    return [
        (event["activity_name"], event["resources"][0]["name"], event["metadata"]["product"]["name"])
        for event in events
        if event["finding_info"]["types"] == ["server.unapproved.running"]
    ]


def lost(laptop: Reporter) -> None:
    """Have a batch acknowledged that is not there any more."""
    laptop.taken(laptop.batch())


def test_what_closed_in_reports_that_are_lost_is_closed_once_the_device_told_all_that_holds(
    receiver: Receiver, laptop: Reporter
) -> None:
    laptop.finds(findings(["a", "b"]))
    laptop.has(statuses.server("ann"), statuses.server("bob"))
    assert "restate" not in sent(receiver, laptop).answer
    laptop.finds(findings(["b"]))
    laptop.has(statuses.server("bob"))
    lost(laptop)

    laptop.finds(findings(["b", "c"]))
    asked = sent(receiver, laptop).answer["restate"]
    assert receiver.open() == {"a", "b", "c"}
    laptop.journal.owe()
    laptop.finds(findings(["b", "c"]))
    assert sent(receiver, laptop).answer["restate"] == asked, "it goes on asking"
    laptop.beats(restate=asked)
    assert "restate" not in sent(receiver, laptop).answer
    assert receiver.open() == {"b", "c"}
    assert present(receiver) == {"cursor:bob"}
    assert fed(receiver)[-1] == ("Close", "a", "mcp-compliance-central")
    laptop.beats()
    assert "restate" not in sent(receiver, laptop).answer


def test_an_opening_that_came_and_went_in_lost_reports_is_not_the_one_that_is_open_now(
    receiver: Receiver, laptop: Reporter
) -> None:
    laptop.finds(findings(["a"]))
    sent(receiver, laptop)
    laptop.now += 5
    laptop.finds(findings())
    lost(laptop)
    laptop.finds(findings(["a"]))
    asked = sent(receiver, laptop).answer["restate"]
    laptop.beats(restate=asked)
    sent(receiver, laptop)
    with reading(receiver.engine) as connection:
        rows = connection.execute(
            select(deviations.c.closed_at).where(deviations.c.source == "agent").order_by(deviations.c.opened_at)
        )
        closed = [row.closed_at is not None for row in rows]
    assert closed == [True, False]


def test_what_comes_in_one_group_with_all_that_holds_is_not_closed_by_it(receiver: Receiver, laptop: Reporter) -> None:
    laptop.finds(findings(["a"]))
    sent(receiver, laptop)
    laptop.beats()
    lost(laptop)
    laptop.finds(findings(["a"]))
    laptop.beats()
    asked = sent(receiver, laptop).answer["restate"]
    laptop.beats(restate=asked)
    laptop.finds(findings(["a", "later"]))
    laptop.has(statuses.server("ann"))
    receiver.takes(*_apart(laptop))
    assert receiver.open() == {"a", "later"}
    assert present(receiver) == {"cursor:ann"}


def _apart(laptop: Reporter) -> Sequence:  # type: ignore[type-arg]
    """Return what waits as one batch for each event."""
    return [laptop.sends(1) for _ in range(laptop.journal.counters().events)]


def test_a_device_that_begins_a_journal_anew_closes_what_its_old_one_left_open(
    receiver: Receiver, laptop: Reporter, tmp_path: Path
) -> None:
    laptop.finds(findings(["a", "b"]))
    sent(receiver, laptop)
    (tmp_path / "anew").mkdir()
    again = Reporter(tmp_path / "anew")
    again.now = receiver.now
    again.finds(findings(["b"]))
    asked = sent(receiver, again).answer["restate"]
    again.beats(restate=asked)
    sent(receiver, again)
    assert receiver.open() == {"b"}
    with reading(receiver.engine) as connection:
        query = select(deviations.c.opened_at).where(deviations.c.subject == "b", deviations.c.closed_at.is_(None))
        assert len(list(connection.execute(query))) == 1


def test_all_that_holds_that_comes_late_closes_nothing(receiver: Receiver, laptop: Reporter) -> None:
    laptop.finds(findings(["a"]))
    sent(receiver, laptop)
    laptop.beats(restate=1.0)
    late = laptop.batch()
    laptop.taken(late)
    laptop.finds(findings(["a", "b"]))
    sent(receiver, laptop)
    receiver.takes(laptop.envelope(late))
    assert receiver.open() == {"a", "b"}


def test_a_whole_that_is_none_costs_that_event_alone(receiver: Receiver, laptop: Reporter) -> None:
    laptop.finds(findings(["a"]))
    sent(receiver, laptop)
    laptop.beats(restate=1.0)
    event = next(iter(laptop.batch().events))
    for bad in (
        7,
        {"asked": 1.0},
        {"asked": 1.0, "open": [["a"]], "servers": []},
        {"asked": 1, "open": [[1, 2]], "servers": []},
    ):
        whole = {**event, "unmapped": {**event["unmapped"], "whole": bad}}
        (outcome,) = receiver.takes(laptop.sealed([orjson.dumps(whole)]))
        assert isinstance(outcome, Taken)
        assert outcome.refused["fields-malformed"] == 1
    assert receiver.open() == {"a"}


def test_what_one_of_two_machines_with_one_identity_holds_closes_nothing_of_the_other(
    receiver: Receiver, laptop: Reporter, tmp_path: Path
) -> None:
    (tmp_path / "copy").mkdir()
    copy = Reporter(tmp_path / "copy")
    laptop.finds(findings(["ours"]))
    sent(receiver, laptop)
    copy.now = receiver.now
    copy.finds(findings(["theirs"]))
    assert "restate" in sent(receiver, copy).answer, "so far it may be a journal that was begun anew"
    laptop.finds(findings(["ours", "more"]))
    assert "restate" not in sent(receiver, laptop).answer
    copy.beats(restate=receiver.now)
    sent(receiver, copy)
    assert receiver.open() == {"ours", "more", "theirs"}


def test_what_the_device_declares_by_itself_is_not_asked_for(receiver: Receiver, laptop: Reporter) -> None:
    laptop.finds(findings(["a"]))
    sent(receiver, laptop)
    laptop.journal.use_sinks(["jsonl"])
    laptop.finds(findings(["a", "b"]))
    gone = laptop.journal.pending("jsonl", 500, 1 << 20)
    assert gone is not None
    laptop.journal.acknowledge("jsonl", gone)
    laptop.journal.use_sinks(["jsonl", SINK])
    Teller(laptop.device, laptop.journal, ManualClock(laptop.now), 3_600.0, Random(1), dict).started()
    assert "restate" not in sent(receiver, laptop).answer
