"""What is told beside deviations is told once, also over restarts; nothing of it is lost when the journal cannot store."""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Any

import pytest

from agent.app.telling import Teller
from agent.core.deviation import Severity
from agent.core.documents import (
    CheckDocument,
    ConditionRow,
    CoverageRow,
    DeviceRow,
    PolicyRow,
    StatusDocument,
    SummaryRow,
)
from agent.core.event import finding_uid
from agent.core.observation import CoverageState
from agent.ports import StoreError
from agent.store.journal import Journal
from agent.store.outbox import FOLDED
from tests.sim.clock import ManualClock
from tests.sim.deviations import deviation, encode, findings
from tests.sim.statuses import server

DEVICE = DeviceRow("device-1", "host", "linux", "12", "0.1", "/")
POLICY = PolicyRow("effective", (), exclusive=False, locked=True, allow=(), deny=(), client_version=None, digest="one")
DOCUMENT = StatusDocument(
    1.0, 300.0, 0.0, 1, CheckDocument(DEVICE, POLICY, (), (), (), (), (), SummaryRow("compliant", {}, "It complies."))
)


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    it = Journal(tmp_path / "journal.db", ManualClock().now, device="device-1")
    it.use_sinks(["central"])
    yield it
    it.close()


def teller(journal: Journal, clock: ManualClock | None = None) -> Teller:
    return Teller(DEVICE, journal, clock or ManualClock(), 3_600.0, Random(1), dict)


def told(journal: Journal) -> list[dict[str, Any]]:
    batch = journal.pending("central", 1_000, 10_000_000)
    return list(batch.events) if batch else []


def with_policy(digest: str) -> StatusDocument:
    return replace(DOCUMENT, check=replace(DOCUMENT.check, policy=replace(POLICY, digest=digest)))


def test_the_policy_is_told_once_and_again_only_when_it_changes_also_over_a_restart(journal: Journal) -> None:
    for agent in (teller(journal), teller(journal)):
        agent.look(DOCUMENT)
        agent.look(DOCUMENT)
    assert [event["class_uid"] for event in told(journal)] == [5019]
    teller(journal).look(with_policy("two"))
    assert [event["unmapped"]["now"]["digest"] for event in told(journal)] == ["one", "two"]


def test_what_could_not_be_stored_is_told_at_the_next_look(journal: Journal, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_: object) -> None:
        raise StoreError("the disk is full")

    agent = teller(journal)
    with monkeypatch.context() as patch:
        patch.setattr(journal, "append", fails)
        agent.look(DOCUMENT)
    assert told(journal) == []
    agent.look(DOCUMENT)
    assert [event["class_uid"] for event in told(journal)] == [5019]


def test_a_run_that_did_not_end_in_order_is_told_at_the_next_start(journal: Journal) -> None:
    teller(journal).started()
    second = teller(journal)
    second.started()
    second.stopped("it was told to")
    teller(journal).started()
    assert [(event["activity_name"], event["unmapped"].get("clean")) for event in told(journal)] == [
        ("Start", True),
        ("Start", False),
        ("Stop", None),
        ("Start", True),
    ]


def test_a_health_condition_is_told_when_it_appears_and_again_when_it_comes_back(journal: Journal) -> None:
    rows = (ConditionRow("journal.replaced", Severity.HIGH, "It was damaged.", 1.0),)
    agent = teller(journal)
    for held in (rows, rows, (), rows):
        agent.health(held)
    assert [event["status_code"] for event in told(journal)] == ["journal.replaced"] * 2


def test_the_sign_of_life_comes_at_its_interval_and_not_in_step_with_other_devices(journal: Journal) -> None:
    clock = ManualClock()
    agent = teller(journal, clock)
    agent.heartbeat(DOCUMENT)
    clock.pass_s(3_600 * 0.89)
    agent.heartbeat(DOCUMENT)
    assert journal.counters().last_sequence == 1
    clock.pass_s(3_600 * 0.22)
    agent.heartbeat(DOCUMENT)
    assert journal.counters().last_sequence == 2


def test_signs_of_life_that_nobody_took_become_one_that_names_what_it_stands_for(journal: Journal) -> None:
    clock = ManualClock()
    agent = teller(journal, clock)
    for subjects in ([], [], ["a"], ["a"], ["a"]):
        journal.commit(findings(subjects), clock.now(), encode)
        agent.heartbeat(DOCUMENT)
        clock.pass_s(4_000)
    events = told(journal)
    assert [event["class_uid"] for event in events] == [2003, 5001]
    assert [event["metadata"]["sequence"] for event in events] == [3, 6]
    assert events[1]["unmapped"]["folded"] == [[1, 2], [4, 5]]
    assert journal.counters().dropped == {FOLDED: 4}


def test_a_sign_of_life_that_is_on_its_way_is_not_folded(journal: Journal) -> None:
    clock = ManualClock()
    agent = teller(journal, clock)
    agent.heartbeat(DOCUMENT)
    batch = journal.pending("central", 10, 10_000)
    assert batch is not None
    journal.claim("central", batch)
    clock.pass_s(4_000)
    agent.heartbeat(DOCUMENT)
    assert journal.pending("central", 10, 10_000) == batch
    assert journal.counters().events == 2


def test_who_is_owed_what_holds_is_told_the_policy_once_more_as_for_the_first_time(journal: Journal) -> None:
    agent = teller(journal)
    agent.look(DOCUMENT)
    batch = journal.pending("central", 1_000, 10_000_000)
    assert batch is not None
    journal.acknowledge("central", batch)
    journal.tell_anew()
    for each in (agent, agent, teller(journal)):
        each.look(DOCUMENT)
    [event] = told(journal)
    assert event["class_uid"] == 5019
    assert "before" not in event["unmapped"]


def test_servers_of_claude_code_are_told_with_the_version_by_whose_rules_they_were_judged(journal: Journal) -> None:
    check = DOCUMENT.check
    servers, policy = (replace(server(), client="claude-code"),), replace(POLICY, client_version="2.1.1")
    teller(journal).look(replace(DOCUMENT, check=replace(check, servers=servers, policy=policy)))
    [event] = [one for one in told(journal) if one["class_uid"] == 5020]
    assert event["unmapped"]["server"]["client_version"] == "2.1.1"


def test_what_destinations_that_are_back_were_never_owed_is_told_once_by_the_start(journal: Journal) -> None:
    row = {"destination": "https", "first": 3, "last": 9, "since": 7.0}
    journal.append([], 1.0, {"not-owed": json.dumps([row])})
    for _ in range(2):
        teller(journal).started()
    first, second = told(journal)
    assert first["unmapped"]["not_owed"] == [row]
    assert (
        first["message"]
        == "The agent 0.1 started. Its settings name the endpoint again: reports 3 to 9 were not for it."
    )
    assert "not_owed" not in second["unmapped"]


def test_who_comes_back_is_told_which_of_the_servers_it_knows_are_gone(journal: Journal) -> None:
    agent, here = teller(journal), replace(server(), key="here")
    agent.look(replace(DOCUMENT, check=replace(DOCUMENT.check, servers=(here, replace(server(), key="last")))))
    batch = journal.pending("central", 1_000, 10_000_000)
    assert batch is not None
    journal.acknowledge("central", batch)
    journal.append([], 1.0, {"owed-servers": '["here", "old"]', "owed-state": "true"})
    agent.look(replace(DOCUMENT, check=replace(DOCUMENT.check, servers=(here,))))
    servers = [event["unmapped"]["server"] for event in told(journal) if event["class_uid"] == 5020]
    assert {row["key"]: row["change"] for row in servers} == {"here": "new", "last": "gone", "old": "gone"}


def test_the_endpoint_that_asks_for_all_that_holds_is_told_at_once_and_in_every_sign_of_life_until_it_has_it(
    journal: Journal,
) -> None:
    clock, wanted = ManualClock(), [None, 5.5, 5.5, 5.5, None, 6.5]
    agent = teller(journal, clock)
    agent.look(replace(DOCUMENT, check=replace(DOCUMENT.check, servers=(server(),))))
    journal.commit(findings(["a"]), 2.0, encode)
    told_by: list[object] = []
    for each, waits_s in zip(wanted, (0, 0, 0, 4_000, 4_000, 0), strict=True):
        clock.pass_s(waits_s)
        agent.wanted = lambda asked=each: asked  # type: ignore[misc]
        before = journal.counters().last_sequence
        agent.heartbeat(DOCUMENT)
        beaten = journal.counters().last_sequence > before
        told_by.append(told(journal)[-1]["unmapped"].get("whole", {}).get("asked") if beaten else "nothing")
    assert told_by == [None, 5.5, "nothing", 5.5, None, 6.5]
    uid = finding_uid("device-1", deviation("a").key)
    assert told(journal)[-1]["unmapped"]["whole"] == {"asked": 6.5, "open": [[uid, 2_000]], "servers": ["cursor:ann"]}


def test_all_that_holds_is_not_told_before_it_is_known(journal: Journal) -> None:
    agent = teller(journal)
    agent.wanted = lambda: 5.5
    agent.heartbeat(DOCUMENT)
    assert "whole" not in told(journal)[-1]["unmapped"]


def test_what_is_owed_while_a_look_is_being_told_is_told_by_the_next_one(
    journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    append = journal.append

    def asked_meanwhile(*arguments: Any) -> None:  # noqa: ANN401 - as they come
        journal.owe()
        append(*arguments)

    agent = teller(journal)
    agent.look(DOCUMENT)
    with monkeypatch.context() as patch:
        patch.setattr(journal, "append", asked_meanwhile)
        agent.look(with_policy("two"))
    for _ in range(2):
        agent.look(with_policy("two"))
    assert [event["unmapped"]["now"]["digest"] for event in told(journal)] == ["one", "two", "two"]


@pytest.mark.parametrize("obstacle", ["unreadable", "not-stored"])
def test_all_that_holds_is_not_told_by_a_journal_that_never_knew_it_and_is_by_one_that_did(
    journal: Journal, obstacle: str
) -> None:
    check = replace(DOCUMENT.check, coverage=(CoverageRow("ann", "ann", None, CoverageState.UNREADABLE, "no"),))
    failing = ConditionRow("journal.failing", Severity.HIGH, "It cannot store.", 1.0)
    hindered = replace(DOCUMENT, check=check) if obstacle == "unreadable" else replace(DOCUMENT, health=(failing,))
    clock = ManualClock()
    agent = teller(journal, clock)
    agent.wanted = lambda: 5.5
    said = []
    for document in (hindered, DOCUMENT, hindered):
        agent.look(document)
        agent.heartbeat(document)
        said.append("whole" in told(journal)[-1]["unmapped"])
        clock.pass_s(4_000)
    assert said == [False, True, True]
