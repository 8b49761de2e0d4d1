import gzip
import hashlib
import hmac
import json
from dataclasses import replace
from pathlib import Path
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.app.telling import Teller
from agent.core.canonical import canonical
from central.core.device import Device
from central.core.envelope import Envelope, Limits, hashed
from central.core.receive import Admission, Taken, receive
from central.core.refusal import Refusal
from central.store.devices import Credential
from tests.sim.clock import ManualClock
from tests.sim.reporter import NOW, Reporter

ADMISSION = Admission(limits=Limits(body_bytes=100_000, unpacked_bytes=300_000, events=50))


def known(reporter: Reporter) -> tuple[Device, Credential]:
    return (
        Device(id=reporter.id, hostname="laptop-7"),
        Credential(hashed(reporter.credential), None, None, issued_at=NOW, revoked_at=None),
    )


@pytest.fixture
def reporter(tmp_path: Path) -> Reporter:
    made = Reporter(tmp_path)
    made.beats()
    return made


def code(reporter: Reporter, envelope: Envelope, admission: Admission = ADMISSION) -> str:
    outcome = receive(*known(reporter), envelope, admission, NOW)
    return outcome.code if isinstance(outcome, Refusal) else "taken"


def test_a_sign_of_life_becomes_how_the_device_stands(reporter: Reporter) -> None:
    outcome = receive(*known(reporter), reporter.sends(), ADMISSION, NOW)
    assert isinstance(outcome, Taken)
    assert (outcome.device.state, outcome.device.hostname, outcome.device.policy_digest) == (
        "compliant",
        "laptop-7",
        "d1",
    )
    assert outcome.absorbed.history == ()


def test_a_device_writes_only_as_itself(reporter: Reporter, tmp_path: Path) -> None:
    other = Reporter(tmp_path, "2")
    other.beats()
    assert code(reporter, replace(other.sends(), device=reporter.id)) == "credential-unknown"
    stolen = replace(other.envelope(reporter.batch()), device=other.id)
    outcome = receive(*known(other), stolen, ADMISSION, NOW)
    assert isinstance(outcome, Taken)
    assert dict(outcome.refused) == {"other-device": 1}
    assert outcome.device.state == "unknown"


def test_a_revoked_credential_is_refused_for_good(reporter: Reporter) -> None:
    device, stored = known(reporter)
    outcome = receive(device, replace(stored, revoked_at=NOW), reporter.sends(), ADMISSION, NOW)
    assert isinstance(outcome, Refusal)
    assert (outcome.status, outcome.code) == (403, "credential-revoked")


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"credential": None}, "credential-missing"),
        ({"credential": hashed("another")}, "credential-unknown"),
        ({"encoding": "br"}, "encoding-unknown"),
        ({"body": b"no gzip"}, "body-malformed"),
        ({"body": gzip.compress(b"")}, "body-empty"),
        ({"body": gzip.compress(b"{}\n")[:-3]}, "body-malformed"),
        ({"body": gzip.compress(b"{}\n") + b"more"}, "body-malformed"),
        ({"body": gzip.compress(b"a" * 300_001)}, "body-large"),
        ({"body": b"a" * 100_001, "encoding": ""}, "body-large"),
        ({"body": gzip.compress(b"{}\n" * 51)}, "body-large"),
    ],
)
def test_a_batch_is_refused_with_its_reason(reporter: Reporter, change: dict[str, object], expected: str) -> None:
    assert code(reporter, replace(reporter.sends(), **change)) == expected  # type: ignore[arg-type]


def test_a_bomb_is_not_unpacked_whole(reporter: Reporter) -> None:
    bomb = gzip.compress(b"0" * (64 << 20))
    assert len(bomb) < 100_000
    assert code(reporter, replace(reporter.sends(), body=bomb)) == "body-large"


def test_a_signed_batch_counts_within_the_window_alone(reporter: Reporter) -> None:
    admission = replace(ADMISSION, hmac_key=b"key")
    envelope = reporter.sends()

    def signed(stamp: int, key: bytes = b"key") -> Envelope:
        mac = hmac.new(key, str(stamp).encode() + b"." + envelope.body, hashlib.sha256).hexdigest()
        return replace(envelope, timestamp=stamp, signature=f"sha256={mac}")

    assert code(reporter, envelope, admission) == "signature-missing"
    assert code(reporter, signed(int(NOW), b"other"), admission) == "signature-wrong"
    assert code(reporter, replace(signed(int(NOW)), timestamp=int(NOW) + 1), admission) == "signature-wrong"
    assert code(reporter, signed(int(NOW) - 301), admission) == "timestamp-outside"
    assert code(reporter, signed(int(NOW) - 299), admission) == "taken"


def test_one_bad_event_costs_that_event_and_keeps_its_place_in_the_chain(reporter: Reporter) -> None:
    reporter.has()
    reporter.obeys("a", digest="d1")
    reporter.obeys("b", digest="d2")
    batch = reporter.batch()
    lines = [json.dumps(event, sort_keys=True, separators=(",", ":")).encode() for event in batch.events]
    lines[1] = b"\xff not JSON"
    outcome = receive(*known(reporter), reporter.sealed(lines), ADMISSION, NOW)
    assert isinstance(outcome, Taken)
    assert dict(outcome.refused) == {"not-json": 1}
    assert set(outcome.absorbed.policies) == {"d2"}
    assert sum(line.missing for line in outcome.device.lines) == 0


def test_the_same_batch_again_is_acknowledged_and_changes_nothing(reporter: Reporter) -> None:
    device, stored = known(reporter)
    envelope = reporter.sends()
    first = receive(device, stored, envelope, ADMISSION, NOW)
    assert isinstance(first, Taken)
    again = receive(first.device, stored, envelope, ADMISSION, NOW + 5)
    assert isinstance(again, Taken)
    assert (again.events, replace(again.device, contact_at=NOW)) == (0, first.device)


def test_an_old_credential_is_to_be_changed(reporter: Reporter) -> None:
    device, stored = known(reporter)
    outcome = receive(device, replace(stored, issued_at=NOW - 91 * 86_400), reporter.sends(), ADMISSION, NOW)
    assert isinstance(outcome, Taken)
    assert outcome.answer["rotate"] is True


def test_a_look_that_was_asked_for_is_in_the_answer_until_it_came(reporter: Reporter) -> None:
    device, stored = known(reporter)
    outcome = receive(replace(device, look_wanted_at=NOW - 5), stored, reporter.sends(), ADMISSION, NOW)
    assert isinstance(outcome, Taken)
    assert outcome.answer["look"] == NOW - 5
    reporter.beats("deviating")
    seen = replace(outcome.device, looked_at=NOW)
    after = receive(seen, stored, reporter.sends(), ADMISSION, NOW)
    assert isinstance(after, Taken)
    assert "look" not in after.answer


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


@given(st.lists(st.binary(max_size=60), max_size=5))
def test_law_no_bytes_raise(lines: list[bytes]) -> None:
    envelope = Envelope(device="device-1", batch="b" * 8, body=b"\n".join(lines), credential=hashed("c"))
    stored = Credential(hashed("c"), None, None, issued_at=NOW, revoked_at=None)
    receive(Device(id="device-1"), stored, envelope, ADMISSION, NOW)


@given(st.sampled_from([2003, 2004, 5001, 5019, 5020, 6002]), st.data())
def test_law_an_event_with_any_field_replaced_raises_nothing(class_uid: int, data: st.DataObject) -> None:
    event = {
        "class_uid": class_uid,
        "activity_id": 1,
        "time": 1,
        "severity_id": 1,
        "message": "m",
        "metadata": {"sequence": 1, "product": {"version": "1"}},
        "device": {"uid": "device-1", "hostname": "h", "os": {"name": "Linux", "version": "1"}},
        "unmapped": {
            "chain": {"journal": "j" * 8, "previous": "0" * 64},
            "state": "compliant",
            "now": {"digest": "d"},
            "server": {"key": "k", "change": "gone"},
        },
        "finding_info": {"uid": "u", "created_time": 1, "types": ["c"], "related_events": [{"uid": "u"}]},
        "resources": [{"name": "n", "uid": "s"}],
        "evidences": [],
        "remediation": {"desc": "r"},
        "package": {},
    }
    target = event
    for _ in range(data.draw(st.integers(0, 2))):
        inner = [value for value in target.values() if isinstance(value, dict) and value]
        if not inner:
            break
        target = data.draw(st.sampled_from(inner))
    target[data.draw(st.sampled_from(sorted(target)))] = data.draw(_JSON)
    line = json.dumps(event).encode()
    envelope = Envelope(device="device-1", batch="b" * 8, body=line, credential=hashed("c"))
    stored = Credential(hashed("c"), None, None, issued_at=NOW, revoked_at=None)
    receive(Device(id="device-1"), stored, envelope, ADMISSION, NOW)


def after_a_loss(reporter: Reporter, event: str, **facts: object) -> Taken:
    """Return what becomes of a batch that lacks its second event and whose last one, `event`, says `facts`."""
    for _ in range(2):
        reporter.obeys(digest=str(reporter.journal.counters().events))
    if event == "start":
        Teller(reporter.device, reporter.journal, ManualClock(NOW), 3_600.0, Random(1), dict).started()
    else:
        reporter.beats()
    first, _, *rest, last = reporter.batch().events
    last = {**last, "unmapped": {**last["unmapped"], **facts}}
    lines = [canonical(each).encode() for each in (first, *rest, last)]
    outcome = receive(*known(reporter), reporter.sealed(lines), ADMISSION, NOW)
    assert isinstance(outcome, Taken)
    return outcome


@pytest.fixture
def talker(tmp_path: Path) -> Reporter:
    made = Reporter(tmp_path)
    made.obeys(digest="first")
    return made


def declared(first: int, **more: object) -> dict[str, object]:
    return {"destination": "https", "first": first, "last": first, "since": 5.0} | more


def test_a_start_declares_what_was_not_owed_and_of_very_much_only_the_newest_counts(talker: Reporter) -> None:
    rows = [declared(2), *(declared(9, destination="file") for _ in range(100))]
    told = after_a_loss(talker, "start", not_owed=rows)
    assert [gap.away_since for gap in told.device.lines[0].gaps] == [5.0]


def test_a_start_that_declares_more_than_is_remembered_is_heard_in_part(talker: Reporter) -> None:
    told = after_a_loss(talker, "start", not_owed=[declared(2), *map(declared, range(1_000, 1_064))])
    assert [gap.away_since for gap in told.device.lines[0].gaps] == [None]


@pytest.mark.parametrize("since", ["-inf", "nan", "5", None, True])
def test_a_declaration_since_no_time_is_malformed(talker: Reporter, since: object) -> None:
    told = after_a_loss(talker, "start", not_owed=[declared(2, since=since)])
    assert dict(told.refused) == {"fields-malformed": 1}
    assert [gap.away_since for gap in told.device.lines[0].gaps] == [None]


@pytest.mark.parametrize(("more", "missing"), [(127, 0), (128, 1)])
def test_a_sign_of_life_stands_for_the_newest_of_very_many(talker: Reporter, more: int, missing: int) -> None:
    told = after_a_loss(talker, "beat", folded=[[2, 2], *([n, n] for n in range(1_000, 1_000 + more))])
    assert told.device.lines[0].missing == missing
