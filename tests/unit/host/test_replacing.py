"""A file is replaced whole or not at all, whatever lies in the way."""

import sys
from pathlib import Path

import pytest

from agent.host.replacing import replace_durably, replace_file


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "status.json"


def test_it_replaces_and_leaves_nothing_else_in_the_folder(path: Path) -> None:
    replace_file(path, b"old", mode=0o600)
    replace_durably(path, b"new")
    assert path.read_bytes() == b"new"
    assert list(path.parent.iterdir()) == [path]


@pytest.mark.skipif(sys.platform == "win32", reason="no modes there")
def test_it_has_the_mode_that_was_asked_for(path: Path) -> None:
    replace_file(path, b"x", mode=0o644)
    assert path.stat().st_mode & 0o777 == 0o644
    replace_durably(path, b"x")
    assert path.stat().st_mode & 0o777 == 0o600


def test_what_a_crash_left_in_its_way_is_taken_away(path: Path) -> None:
    (path.parent / ".status.json.new").write_bytes(b"left over, and longer than the new one")
    replace_file(path, b"new", mode=0o600)
    assert path.read_bytes() == b"new"


@pytest.mark.skipif(sys.platform == "win32", reason="links need rights there")
def test_a_link_that_was_laid_in_its_way_is_not_followed(path: Path) -> None:
    victim = path.parent / "victim"
    victim.write_bytes(b"kept")
    (path.parent / ".status.json.new").symlink_to(victim)
    replace_file(path, b"new", mode=0o600)
    assert (victim.read_bytes(), path.read_bytes(), path.is_symlink()) == (b"kept", b"new", False)


def test_what_cannot_be_written_leaves_the_old_one_and_no_litter(path: Path) -> None:
    path.mkdir()
    (path / "inside").touch()
    with pytest.raises(OSError, match=r"(?i)director|denied"):
        replace_file(path, b"new", mode=0o600)
    assert list(path.parent.iterdir()) == [path]
