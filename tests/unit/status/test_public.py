"""What an ordinary user may know: how the device stands, and the own servers. Nothing of anybody else."""

import os
import stat
from pathlib import Path

import pytest
from pydantic import TypeAdapter

from agent.core.assess import Assessment
from agent.core.control import CONTROLS
from agent.core.deviation import Findings
from agent.core.documents import StatusDocument
from agent.core.public import PublicDocument, UserDocument, public_document, user_document
from agent.host.machine import own_folder
from agent.status.document import write
from agent.status.health import Health
from agent.status.public import public_folder, user_file, write_public
from agent.status.publisher import Facts, Publisher
from agent.status.word import last_word
from tests.sim.clock import ManualClock
from tests.sim.statuses import DEVICE, SECRET, deviation, status, with_trouble

PUBLIC, USER, FULL = TypeAdapter(PublicDocument), TypeAdapter(UserDocument), TypeAdapter(StatusDocument)
DOCUMENT = with_trouble(status("deviating", *(deviation(control) for control in CONTROLS)))


def test_nothing_of_any_subject_user_rule_or_detail_is_in_the_public_part() -> None:
    text = PUBLIC.dump_json(public_document(DOCUMENT)).decode()
    for private in (SECRET, "ann:", '"ann', "bob", "npx", "connection refused", "device-1"):
        assert private not in text


def test_the_public_part_says_how_the_device_stands_since_when_and_what_it_must_do() -> None:
    public = public_document(DOCUMENT)
    assert public.check.summary.state == "deviating"
    assert "open deviations, the worst is critical" in public.check.summary.why
    assert (public.state_since, public.delivery[0].problem) == (900.0, "reports do not get through")
    assert [row.control for row in public.check.deviations] == list(CONTROLS)


def test_a_user_sees_the_own_servers_and_deviations_and_nobody_elses() -> None:
    document = status("deviating", deviation("server.denied.running", "ann"), deviation("policy.missing", None))
    ann, bob = user_document(document, "ann"), user_document(document, "bob")
    assert ([row.user for row in ann.servers], [row.user for row in ann.deviations]) == (["ann"], ["ann"])
    assert ([row.user for row in bob.servers], bob.deviations) == (["bob"], ())


@pytest.mark.skipif(os.name != "posix", reason="POSIX modes")
def test_everybody_can_read_the_public_part_and_only_its_owner_a_users_part(tmp_path: Path) -> None:
    state = tmp_path / "state"
    state.mkdir(mode=0o700)
    write(state, b"{}")
    write_public(state, PUBLIC.dump_json(public_document(DOCUMENT)), {4711: b"{}"})
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in (state, *state.rglob("*"))}
    assert modes | {"4711.json": 0o400} == {
        "state": 0o711,
        "public": 0o755,
        "users": 0o711,
        "status.json": 0o644,  # the public one: it comes after the full one
        "4711.json": 0o400,
    }
    assert stat.S_IMODE((state / "status.json").stat().st_mode) == 0o600
    if os.geteuid() == 0:
        assert user_file(state, 4711).stat().st_uid == 4711
        write_public(state, b"{}", {})
        assert not user_file(state, 4711).exists()


@pytest.mark.skipif(os.name != "posix", reason="POSIX modes")
@pytest.mark.parametrize(
    ("mode", "could"), [(0o777, "written"), (0o720, "written"), (0o755, "listed"), (0o740, "listed")]
)
def test_a_state_folder_that_others_had_rights_to_is_taken_back_and_that_is_told(
    tmp_path: Path, mode: int, could: str
) -> None:
    state = tmp_path / "state"
    assert own_folder(state) is None, "a new one"
    state.chmod(mode)
    assert own_folder(state) == f"{state} could be {could} by others (mode {mode:04o}, now 0700)"
    assert stat.S_IMODE(state.stat().st_mode) == 0o700
    state.chmod(mode)
    assert write_public(state, b"{}", {}) == f"{state} could be {could} by others (mode {mode:04o}, now 0711)"
    assert write_public(state, b"{}", {}) is None
    assert own_folder(state) is None, "what lets others pass is the agent's own doing"


@pytest.mark.skipif(os.name != "posix", reason="POSIX modes")
def test_the_status_says_that_the_state_folder_was_open_to_others_until_the_agent_ends(tmp_path: Path) -> None:
    clock = ManualClock()
    health, policy = Health(clock), status().check.policy
    told = Facts(DEVICE, 0.0, 1, 180.0, 60.0, health, opened=tuple, delivery=tuple, public=True)
    publisher, assessed = (
        Publisher(tmp_path, clock, told),
        Assessment(complete=True, findings=Findings(), policy=policy),
    )
    own_folder(tmp_path)
    assert publisher.publish(assessed, {}).health == ()
    tmp_path.chmod(0o777)
    for _ in range(3):
        clock.pass_s(60.0)
        publisher.refresh()
    assert publisher.last is not None
    (row,) = publisher.last.health
    assert (row.code, "could be written by others (mode 0777" in row.text) == ("state.exposed", True)


def test_who_may_not_read_the_full_document_gets_the_public_part_with_the_own_rows(tmp_path: Path) -> None:
    document = status("deviating", deviation("server.denied.running", "ann"), deviation("policy.missing", None))
    public_folder(tmp_path).mkdir()
    (public_folder(tmp_path) / "status.json").write_bytes(PUBLIC.dump_json(public_document(document)))
    user_file(tmp_path, 7).parent.mkdir()
    user_file(tmp_path, 7).write_bytes(USER.dump_json(user_document(document, "ann")))
    ann, stranger = last_word((tmp_path,), 1_000.0, 7), last_word((tmp_path,), 1_000.0, 8)
    assert (ann.state, stranger.state, ann.public) == ("deviating", "deviating", True)
    assert SECRET in ann.deviations[0]["text"]
    assert [row["user"] for row in ann.check["servers"]] == ["ann"]
    assert SECRET not in str(stranger.document)
    assert ann.check["deviations"][1]["subject"] == "on this device"


def test_the_full_document_counts_before_the_public_part(tmp_path: Path) -> None:
    document = status("compliant")
    write(tmp_path, FULL.dump_json(document))
    write_public(tmp_path, PUBLIC.dump_json(public_document(document)), {})
    assert not last_word((tmp_path,), 1_000.0, None).public


def test_a_stale_public_part_says_unknown(tmp_path: Path) -> None:
    write_public(tmp_path, PUBLIC.dump_json(public_document(status("compliant"))), {})
    word = last_word((tmp_path,), 5_000.0, None)
    assert (word.state, word.alive, word.document) == ("unknown", False, {})
    assert word.age_s == 4_010.0
