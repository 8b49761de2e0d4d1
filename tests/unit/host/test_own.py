import os
import sys
from pathlib import Path

import pytest

from agent.host.machine import OwnPaths
from agent.host.own import own_facts, own_places


def test_the_facts_hold_everything_below_and_every_folder_above(tmp_path: Path) -> None:
    (tmp_path / "state/deep").mkdir(parents=True)
    (tmp_path / "state/deep/file").touch()
    found = {facts.path: facts.kind for facts in own_facts([tmp_path / "state", tmp_path / "gone/agent.toml"])}
    assert found[tmp_path.anchor] == "folder"
    assert found[str(tmp_path / "state/deep/file")] == "file"
    assert str(tmp_path / "gone") not in found


@pytest.mark.skipif(os.name != "posix", reason="links")
def test_a_link_to_the_real_place_is_passed_with_the_folders_above_it(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "real")
    found = {facts.path: facts.kind for facts in own_facts([tmp_path / "link"])}
    assert (found[str(tmp_path / "link")], found[str(tmp_path / "real")]) == ("link", "folder")


def test_the_agent_consists_of_program_interpreter_settings_and_state(tmp_path: Path) -> None:
    places = own_places(OwnPaths(tmp_path / "agent.toml", tmp_path / "state"))
    assert (places[0] / "core").is_dir()
    assert places[1].exists()
    assert places[2:] == (tmp_path / "agent.toml", tmp_path / "agent.d", tmp_path / "state")


def test_a_frozen_program_is_its_whole_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "frozen", True, raising=False)
    monkeypatch.setattr(sys, "executable", str(tmp_path / "mcp-compliance"))
    assert own_places(OwnPaths(tmp_path / "agent.toml", tmp_path / "state"))[0] == tmp_path
