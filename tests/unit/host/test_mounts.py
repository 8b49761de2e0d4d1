"""File systems that may never answer are told by their path, before anything is asked of them."""

import os
from pathlib import Path
from typing import Any

import pytest

from agent.catalog.rows import catalog
from agent.core.observation import CoverageState
from agent.core.place import Data, Missing, Names, Trouble, Unreadable
from agent.host.files import RootedFiles
from agent.host.mounts import SYSTEM_MOUNTS, Mounts, is_local_folder
from agent.host.users import HomeUsers
from agent.sources.configs import ConfigSource

if os.name == "nt":
    pytest.skip("walks of POSIX systems", allow_module_level=True)


def tree(root: Path, **kinds: str) -> RootedFiles:
    (root / "home/ann/net/.cursor").mkdir(parents=True)
    (root / "home/ann/net/.cursor/mcp.json").write_text("{}")
    (root / "home/ann/link").symlink_to("net")
    table = {f"{root}/home/ann/{name}": kind for name, kind in kinds.items()}
    return RootedFiles(root, "linux", mounts=Mounts(lambda: table))


@pytest.mark.parametrize("kind", ["nfs4", "cifs", "fuse.sshfs", "autofs", "fuse", "9p", "never-heard-of"])
@pytest.mark.parametrize("path", ["/home/ann/net/.cursor/mcp.json", "/home/ann/net", "/home/ann/link/.cursor/mcp.json"])
def test_a_mount_that_may_never_answer_is_not_touched(
    kind: str, path: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = tree(tmp_path, net=kind)
    touched: list[object] = []
    opens, stats = os.open, os.stat

    def noting_open(name: str, flags: int, **options: int) -> int:
        touched.append(name)
        return opens(name, flags, **options)

    def noting_stat(name: str, **options: Any) -> os.stat_result:  # noqa: ANN401 - as os.stat has them
        touched.append(name)
        return stats(name, **options)

    monkeypatch.setattr(os, "open", noting_open)
    monkeypatch.setattr(os, "stat", noting_stat)
    for found in (files.read(path), files.names(path)):
        assert isinstance(found, Unreadable)
        assert found.trouble is Trouble.FOREIGN
        assert kind in found.text
    assert "net" not in touched
    assert ".cursor" not in touched


@pytest.mark.parametrize("kind", ["ext4", "tmpfs", "apfs", "fuseblk"])
def test_a_local_mount_is_entered(kind: str, tmp_path: Path) -> None:
    files = tree(tmp_path, net=kind)
    assert isinstance(files.read("/home/ann/net/.cursor/mcp.json"), Data)
    assert isinstance(files.names("/home/ann/net"), Names)
    assert isinstance(files.read("/home/ann/net/none"), Missing)


def test_a_home_on_a_share_is_a_user_of_whom_nothing_was_seen(tmp_path: Path) -> None:
    (tmp_path / "home/ben").mkdir(parents=True)
    table = {f"{tmp_path}/home/ben": "nfs4"}
    files = RootedFiles(tmp_path, "linux", mounts=Mounts(lambda: table))
    (look,) = ConfigSource(files, HomeUsers(files), catalog()).look()
    (row,) = look.coverage
    assert (look.user.name, row.state) == ("ben", CoverageState.UNREADABLE)
    assert "nfs4" in (row.problem or "")


def test_a_folder_is_watched_only_where_no_link_of_a_user_and_no_share_leads_there(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "real")
    (tmp_path / "file").touch()
    assert is_local_folder(str(tmp_path / "real"))
    assert not is_local_folder(str(tmp_path / "real"), Mounts(lambda: {str(tmp_path / "real"): "nfs"}))
    assert is_local_folder(str(tmp_path / "link")) == (os.geteuid() == 0)  # a link of root's counts
    if os.geteuid() == 0:
        os.lchown(tmp_path / "link", 1000, 1000)
        assert not is_local_folder(str(tmp_path / "link"))
    for name in ("file", "none", "a\0b"):
        assert not is_local_folder(str(tmp_path / name))


def test_the_table_of_this_machine_can_be_read() -> None:
    assert SYSTEM_MOUNTS.foreign("/") is None
