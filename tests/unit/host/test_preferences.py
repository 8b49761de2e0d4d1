import plistlib
from pathlib import Path

import pytest

from agent.core.own_places import PREFERENCES_DOMAIN
from agent.host.preferences import managed_preferences

NAME = f"{PREFERENCES_DOMAIN}.plist"


@pytest.mark.parametrize("form", [plistlib.FMT_XML, plistlib.FMT_BINARY], ids=["xml", "binary"])
def test_a_profiles_payload_is_the_settings_as_they_stand_there(tmp_path: Path, form: plistlib.PlistFormat) -> None:
    document = {"endpoint": {"url": "https://central.example"}, "policy": {"required": False}}
    (tmp_path / NAME).write_bytes(plistlib.dumps(document, fmt=form))
    pushed = managed_preferences(tmp_path)
    assert pushed is not None
    assert (pushed.document, pushed.problem) == (document, None)
    assert pushed.origin == str(tmp_path / NAME)


def test_no_profile_is_nothing_and_no_problem(tmp_path: Path) -> None:
    assert managed_preferences(tmp_path) is None


@pytest.mark.parametrize(
    "raw", [b"", b"{", b"<plist><dict><key>", b"bplist00garbage", plistlib.dumps(["a"]), b" " * (1 << 20) + b" "]
)
def test_a_broken_payload_is_a_problem_in_words_and_never_an_exception(tmp_path: Path, raw: bytes) -> None:
    (tmp_path / NAME).write_bytes(raw)
    pushed = managed_preferences(tmp_path)
    assert pushed is not None
    assert pushed.document == {}
    assert pushed.problem


def test_a_folder_in_its_place_is_a_problem(tmp_path: Path) -> None:
    (tmp_path / NAME).mkdir()
    pushed = managed_preferences(tmp_path)
    assert pushed is not None
    assert pushed.problem == "Is a directory"
