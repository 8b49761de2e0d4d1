"""The simulated file tree and the real one give the same answers, so that tests on the former speak of the latter."""

import os
import sys
from pathlib import Path

import pytest

from agent.core.place import Content, Data, Listing, Missing, Names, Os, Unreadable
from agent.host.files import RootedFiles
from agent.ports import Files
from tests.sim.files import Node, Tree

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="POSIX files")
TREE: dict[str, str | bytes | Node] = {
    "/home/ann/a.json": "{}",
    "/home/ann/d/z": "z",
    "/home/ann/d/B": "",
    "/home/ann/in": Node.link("d/../a.json"),
    "/home/ann/out": Node.link("/etc/x"),
    "/home/ann/up": Node.link("../../etc"),
    "/home/ann/gone": Node.link("nothing"),
    "/home/ann/loop": Node.link("loop"),
    "/home/ann/fifo": Node.fifo(),
    "/home/ben": Node.link("/home/ann"),
    "/etc/x": "secret",
}
PATHS = [
    *TREE,
    "/",
    "/home/ann",
    "/home/ann/d",
    "/home/ann/none",
    "/home/ann/none/deeper",
    "/home/ann/a.json/x",
    "/home/ann/up/x",
    "/home/ann/up/none",
    "/home/ben/a.json",
    "/home/ben/in",
    "/HOME/ann/a.json",
    "/home/ann/A.JSON",
]


@pytest.fixture
def real(tmp_path: Path) -> Path:
    for path, what in TREE.items():
        local = tmp_path / path[1:]
        local.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(what, str):
            local.write_text(what)
        elif isinstance(what, Node) and what.kind == "link":
            local.symlink_to(what.raw.decode())
        else:
            os.mkfifo(local)
    return tmp_path


def shown(found: Content | Listing) -> object:
    if isinstance(found, Data):
        return found.raw, found.facts.path, [facts.kind for facts in found.access]
    if isinstance(found, Names):
        return found.names, found.access[-1].path
    if isinstance(found, Missing):
        return "missing", found.link
    assert isinstance(found, Unreadable)
    return found.trouble


@pytest.mark.parametrize("os_", ["linux", "macos"])
@pytest.mark.parametrize("within", [None, "/home/ann", "/home/ben"])
@pytest.mark.parametrize("path", PATHS)
def test_both_give_the_same_answer(real: Path, path: str, within: str | None, os_: Os) -> None:
    trees: list[Files] = [RootedFiles(real, os_), Tree(TREE, os=os_)]
    rooted, simulated = (shown(tree.read(path, within=within)) for tree in trees)
    assert rooted == simulated
    rooted, simulated = (shown(tree.names(path, within=within)) for tree in trees)
    assert rooted == simulated
