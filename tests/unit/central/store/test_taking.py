"""What a batch leaves in the database, and what it does not."""

from pathlib import Path

from sqlalchemy import Engine, event

from agent.core.canonical import canonical
from central.core.envelope import hashed
from central.core.receive import Taken
from central.core.refusal import Refusal
from tests.sim.central import Receiver
from tests.sim.deviations import findings
from tests.sim.reporter import Reporter


def test_every_event_of_a_batch_is_kept_once_however_often_it_comes(receiver: Receiver, laptop: Reporter) -> None:
    laptop.finds(findings(["a", "b"]))
    batch = laptop.batch()
    first, again = receiver.takes(laptop.envelope(batch)), receiver.takes(laptop.envelope(batch))
    assert isinstance(first[0], Taken)
    assert isinstance(again[0], Taken)
    kept = receiver.stored()
    assert [sequence for _, sequence in kept] == [event["metadata"]["sequence"] for event in batch.events]
    assert receiver.fed() == sum(event["class_uid"] == 2004 for event in batch.events)  # the feed is of alerts


def test_a_device_writes_only_as_itself(receiver: Receiver, laptop: Reporter, tmp_path: Path) -> None:
    other = Reporter(tmp_path, "2")
    receiver.admits(other)
    other.beats()
    envelope = other.sends()
    (outcome,) = receiver.takes(
        type(envelope)(
            device=laptop.id,
            batch=envelope.batch,
            body=envelope.body,
            encoding="gzip",
            credential=hashed(laptop.credential),
        )
    )
    assert isinstance(outcome, Taken)
    assert outcome.refused["other-device"] == 1
    assert receiver.stored() == []
    (outcome,) = receiver.takes(
        type(envelope)(
            device=laptop.id, batch="b" * 8, body=envelope.body, encoding="gzip", credential=hashed(other.credential)
        )
    )
    assert isinstance(outcome, Refusal)
    assert outcome.code == "credential-unknown"


def test_one_bad_line_costs_that_line_alone(receiver: Receiver, laptop: Reporter) -> None:
    laptop.finds(findings(["a"]))
    lines = [b"{", b'{"class_uid": 1}', *(canonical(event).encode() for event in laptop.batch().events)]
    (outcome,) = receiver.takes(laptop.sealed(lines))
    assert isinstance(outcome, Taken)
    assert outcome.refused["not-json"] == 1
    assert outcome.refused.total() == 2
    assert len(receiver.stored()) == outcome.events == 2


def test_who_never_enrolled_is_refused_and_leaves_nothing(receiver: Receiver, tmp_path: Path) -> None:
    stranger = Reporter(tmp_path, "3")
    stranger.beats()
    (outcome,) = receiver.takes(stranger.sends())
    assert isinstance(outcome, Refusal)
    assert outcome.status == 401
    assert receiver.stored() == []


def test_a_server_on_many_devices_takes_as_many_statements_as_one_on_a_single_device(
    engine: Engine, receiver: Receiver, tmp_path: Path
) -> None:
    """What a statement costs is its way to the database; in an incident every device of a group has findings and alerts."""
    laptops = [Reporter(tmp_path, f"laptop-{number}") for number in range(8)]
    for laptop in laptops:
        receiver.admits(laptop)
        laptop.finds(findings(["a", "b"]))
    asked: list[str] = []

    def count(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        asked.append(statement)

    event.listen(engine, "before_cursor_execute", count)
    receiver.takes(laptops[0].sends())
    for_one = len(asked)
    asked.clear()
    assert all(isinstance(outcome, Taken) for outcome in receiver.takes(*(laptop.sends() for laptop in laptops[1:])))
    assert 0 < len(asked) <= for_one
