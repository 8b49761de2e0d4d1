"""Which clients and servers go on from a program that is another one now: in a tree that a test lays out, and for real."""

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import psutil
import pytest

from agent.core.observation import Process
from agent.core.place import User
from agent.core.recognition import ClientMarks
from agent.core.superseded import Superseded
from agent.host.files import RootedFiles
from agent.host.process_reading import LiveReader
from agent.host.program_links import ProgramLink, program_link
from agent.sources.superseding import Superseding
from tests.sim.files import Tree

ANN = User("ann", "/home/ann", 1000, frozenset({1000}))
MARKS = (ClientMarks("claude-code", frozenset({"claude"})),)
CLIENT = Process(10, 100.0, 1, "claude", "ann", "/opt/claude", ("claude",), "/home/ann")
SERVER = Process(11, 100.0, 10, "node", "ann", "/usr/bin/node", ("node", "server.js"), "/home/ann/x")
OTHER = Process(12, 100.0, 1, "vi", "ann", "/opt/vi", ("vi",), "/home/ann")
FILES = ("/opt/claude", "/usr/bin/node", "/home/ann/x/server.js", "/opt/vi")
ALL = (CLIENT, SERVER, OTHER)


class _Users:
    def users(self) -> Sequence[User]:
        return (ANN,)


@pytest.fixture
def tree() -> Tree:
    return Tree(dict.fromkeys(FILES, "old"), clock_ns=50 * 10**9)


def superseding(tree: Tree, **links: ProgramLink) -> Superseding:
    return Superseding(tree, _Users(), MARKS, lambda pid: links.get(f"p{pid}", ProgramLink()))


def test_clients_and_servers_are_asked_about_and_nothing_is_read(tree: Tree) -> None:
    source = superseding(tree)
    assert source.among(ALL, {SERVER.identity}) == {}
    tree.clock_ns = 200 * 10**9
    for path in FILES:
        tree.put(path, "new")
    assert source.among(ALL, {SERVER.identity}) == {
        CLIENT.identity: Superseded("/opt/claude", at=200.0),
        SERVER.identity: Superseded("/home/ann/x/server.js", at=200.0),
    }
    assert tree.reads == []


def test_what_was_replaced_by_an_older_file_is_told_for_as_long_as_the_process_runs(tree: Tree) -> None:
    source = superseding(tree)
    source.among(ALL, ())
    tree.clock_ns = 10 * 10**9
    tree.put("/opt/claude", "older")
    for _ in range(2):
        assert source.among(ALL, ()) == {CLIENT.identity: Superseded("/opt/claude")}
    assert source.among((OTHER,), ()) == {}
    assert source.among(ALL, ()) == {}  # another look at one that is not known: nothing tells any more


def test_what_is_deleted_is_told_by_the_memory_or_by_the_system(tree: Tree) -> None:
    source = superseding(tree)
    source.among(ALL, ())
    tree.remove("/opt/claude")
    assert source.among(ALL, ()) == {CLIENT.identity: Superseded("/opt/claude", deleted=True)}
    fresh = superseding(tree)
    assert fresh.among(ALL, ()) == {}
    told = superseding(tree, p10=ProgramLink(unlinked=True)).among(ALL, ())
    assert told == {CLIENT.identity: Superseded("/opt/claude", deleted=True, unseen=True)}


def test_a_process_in_a_file_tree_of_its_own_is_not_held_to_the_files_of_the_machine(tree: Tree) -> None:
    tree.clock_ns = 200 * 10**9
    tree.put("/opt/claude", "new")
    assert superseding(tree, p10=ProgramLink(here=False)).among(ALL, ()) == {}
    told = superseding(tree, p10=ProgramLink(unlinked=True, here=False)).among(ALL, ())
    assert told == {CLIENT.identity: Superseded("/opt/claude", deleted=None, unseen=True)}


def test_a_program_that_is_called_as_a_deleted_one_is_written_is_none(tree: Tree) -> None:
    tree.put("/opt/claude (deleted)", "new")
    assert superseding(tree, p10=ProgramLink(unlinked=True)).among(ALL, ()) == {}


@pytest.fixture
def running(tmp_path: Path) -> Iterator[Process]:
    program = tmp_path / "claude"
    shutil.copy("/bin/sleep", program)
    with subprocess.Popen([program, "60"]) as child:
        name = psutil.Process(child.pid).username()
        while (
            not (read := LiveReader(names=lambda _: name).read(child.pid))
            or read.command is None
            or len(read.command) < 2
        ):
            time.sleep(0.01)
        yield read
        child.kill()


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux says what became of the file of a running program")
def test_a_real_program_that_is_replaced_and_deleted_under_a_running_process(running: Process, tmp_path: Path) -> None:
    me = User(running.user or "", str(tmp_path), os.getuid(), frozenset(os.getgroups()))

    class _Me:
        def users(self) -> Sequence[User]:
            return (me,)

    def told() -> Superseded | None:
        source = Superseding(RootedFiles(Path("/"), "linux"), _Me(), MARKS)
        return source.among((running,), ()).get(running.identity)

    assert running.exe == str(tmp_path / "claude")
    assert (told(), program_link(running.pid)) == (None, ProgramLink())
    shutil.copy("/bin/cat", tmp_path / "update")
    (tmp_path / "update").replace(tmp_path / "claude")
    assert program_link(running.pid) == ProgramLink(unlinked=True)
    replaced = told()
    assert replaced is not None
    assert (replaced.path, replaced.deleted, replaced.unseen) == (running.exe, False, True)
    (tmp_path / "claude").unlink()
    assert told() == Superseded(running.exe, deleted=True, unseen=True)
    again = LiveReader().read(running.pid)
    assert again is not None
    assert again.exe == running.exe  # without what the kernel writes behind it


@pytest.mark.skipif(sys.platform != "linux" or os.geteuid() != 0, reason="takes root on Linux: a file tree of its own")
def test_a_real_process_in_a_mount_namespace_is_known_to_see_other_files() -> None:
    with subprocess.Popen(["unshare", "-m", "cat"], stdin=subprocess.PIPE) as child:
        while psutil.Process(child.pid).name() != "cat":
            time.sleep(0.01)
        assert not program_link(child.pid).here
        child.communicate()
    assert not program_link(child.pid).here
