"""The process table as a source."""

from collections.abc import Iterable, Mapping

from agent.catalog.rows import catalog
from agent.core.artifact import Unhashed
from agent.core.observation import CoverageState, Process
from agent.core.superseded import Superseded
from agent.host.program_links import ProgramLink
from agent.host.users import HomeUsers
from agent.ports import TableView
from agent.sources.artifacts import Artifacts
from agent.sources.digests import AT_ONCE_BYTES, Digests
from agent.sources.flags import Flags
from agent.sources.processes import ProcessSource, Readers
from agent.sources.superseding import Superseding
from agent.sources.whereabouts import Whereabouts
from tests.sim.files import Node, Tree
from tests.sim.looks import Table

ONE = Process(1, 1.0, 0, "init", command=("init",))


def test_a_whole_table_is_a_complete_look() -> None:
    (look,) = ProcessSource(Table(TableView((ONE,)))).look()
    assert look.processes == (ONE,)
    assert [row.state for row in look.coverage] == [CoverageState.COMPLETE]


def test_hidden_processes_make_the_look_inconclusive_and_say_how_many() -> None:
    (look,) = ProcessSource(Table(TableView((ONE,), hidden=7, problem=None))).look()
    assert look.coverage[0].state is CoverageState.UNREADABLE
    assert "7 processes" in (look.coverage[0].problem or "")
    (look,) = ProcessSource(Table(TableView((ONE,), problem="the system hides processes"))).look()
    assert not look.coverage[0].state.conclusive


def test_another_root_has_no_processes_and_says_so() -> None:
    (look,) = ProcessSource(None).look()
    assert (look.processes, look.coverage[0].state) == ((), CoverageState.SKIPPED)
    assert look.coverage[0].problem


CLIENT = Process(10, 100.0, 1, "claude", "ann", "/usr/bin/claude", ("claude",), "/home/ann")
SERVER = Process(11, 101.0, 10, "x-mcp", "ann", "/opt/x-mcp", ("/opt/x-mcp",), "/home/ann")
CHILD = Process(12, 102.0, 11, "node", "ann", "/usr/bin/node", ("node", "web.js"), "/home/ann")
SHELL = Process(13, 102.0, 1, "bash", "ann", "/bin/bash", ("bash",), "/home/ann")


def _source(tree: Tree, listens: Mapping[int, tuple[str, ...]], *, unlinked: bool = False) -> ProcessSource:
    def asked(pids: Iterable[int]) -> Mapping[int, tuple[str, ...]]:
        return {pid: listens[pid] for pid in pids if pid in listens}

    users, marks = HomeUsers(tree), catalog().marks
    readers = Readers(
        Flags(tree, users, marks),
        Artifacts(tree, users, marks, Digests(tree, at_once=AT_ONCE_BYTES)),
        Whereabouts(catalog(), "linux"),
        asked,
        Superseding(tree, users, marks, lambda _: ProgramLink(unlinked)),
    )
    return ProcessSource(Table(TableView((ONE, CLIENT, SERVER, CHILD, SHELL))), readers=readers)


def test_what_a_server_started_is_asked_for_doors_too_and_nothing_else_is() -> None:
    tree = Tree({"/home/ann": Node.folder(), "/opt/x-mcp": "old"})
    (look,) = _source(tree, dict.fromkeys((1, 11, 12, 13), ("0.0.0.0:80",))).look()
    assert look.listens == {SERVER.identity: ("0.0.0.0:80",), CHILD.identity: ("0.0.0.0:80",)}


def test_the_digest_of_what_has_taken_a_programs_place_is_not_told_as_that_of_what_runs() -> None:
    tree = Tree({"/home/ann": Node.folder(), "/opt/x-mcp": "old"})
    source = _source(tree, {})
    (look,) = source.look()
    known = look.artifacts[SERVER.identity]
    assert known.sha256 is not None
    tree.clock_ns = 200 * 10**9
    tree.put("/opt/x-mcp", "new")
    (look,) = source.look()
    assert look.superseded[SERVER.identity] == Superseded("/opt/x-mcp", at=200.0)
    assert look.artifacts[SERVER.identity] == known, "it was hashed while it was what runs"
    (look,) = _source(tree, {}, unlinked=True).look()
    assert look.artifacts[SERVER.identity].unhashed is Unhashed.SUPERSEDED
    assert look.artifacts[SERVER.identity].sha256 is None
