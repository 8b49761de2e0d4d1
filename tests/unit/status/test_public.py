"""What an ordinary user may know: how the device stands, and the own servers. Nothing of anybody else."""

import os
import stat
from pathlib import Path

import pytest
from pydantic import TypeAdapter

from agent.core.control import CONTROLS
from agent.core.documents import StatusDocument
from agent.core.public import PublicDocument, UserDocument, public_document, user_document
from agent.status.document import write
from agent.status.public import public_folder, user_file, write_public
from agent.status.word import last_word
from tests.sim.statuses import SECRET, deviation, status, with_trouble

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
