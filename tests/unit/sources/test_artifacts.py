"""What running servers really are, read from a tree that a test lays out."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import replace

from agent.core.artifact import Artifact
from agent.core.observation import Process
from agent.core.place import User
from agent.core.recognition import ClientMarks
from agent.sources import artifacts as module
from agent.sources.artifacts import Artifacts
from tests.sim.files import Node, Tree

ANN = User("ann", "/home/ann", 1000, frozenset({1000}))
MARKS = (ClientMarks("claude-code", frozenset({"claude"})),)
CLIENT = Process(10, 1.0, 1, "claude", "ann", "/usr/bin/claude", ("claude",), "/home/ann")
NPX = "/home/ann/.npm/_npx/5b2dd62b9d0bddd4"
CODE = "console.log()"
DIGEST = hashlib.sha256(CODE.encode()).hexdigest()


class _Users:
    def users(self) -> Sequence[User]:
        return (ANN,)


def process(*command: str, pid: int = 11, exe: str = "/usr/bin/node") -> Process:
    return Process(pid, 2.0, 10, "x", "ann", exe, command, "/home/ann/proj", overrides=frozenset({"NODE_OPTIONS"}))


def only(tree: Tree, server: Process) -> Artifact:
    return Artifacts(tree, _Users(), MARKS).of([CLIENT, server], read=True)[server.identity]


def test_an_npx_package_is_named_with_its_exact_version_and_integrity() -> None:
    package = f"{NPX}/node_modules/@a/x"
    tree = Tree(
        {
            f"{package}/dist/index.js": CODE,
            f"{NPX}/node_modules/.bin/x": Node.link("../@a/x/dist/index.js"),
            f"{package}/package.json": json.dumps({"name": "@a/x", "version": "1.2.3"}),
            f"{NPX}/package-lock.json": json.dumps({"packages": {"node_modules/@a/x": {"integrity": "sha512-abc"}}}),
        }
    )
    found = only(tree, process("node", f"{NPX}/node_modules/.bin/x", "stdio"))
    assert (found.package, found.version, found.integrity) == ("@a/x", "1.2.3", "sha512-abc")
    assert (found.program, found.sha256) == (f"{package}/dist/index.js", DIGEST)
    assert found.purl == "pkg:npm/%40a/x@1.2.3"
    assert found.variables == ("NODE_OPTIONS",)


def test_a_python_package_is_named_by_the_metadata_beside_it() -> None:
    env = "/home/ann/.cache/uv/archive-v0/abc"
    tree = Tree(
        {
            f"{env}/bin/mcp-server-time": CODE,
            f"{env}/lib/python3.11/site-packages/mcp_server_time-2026.1.2.dist-info/METADATA": "",
            f"{env}/lib/python3.11/site-packages/mcp-1.0.dist-info/METADATA": "",
        }
    )
    found = only(tree, process(f"{env}/bin/python", f"{env}/bin/mcp-server-time"))
    assert found.purl == "pkg:pypi/mcp-server-time@2026.1.2"


def test_who_can_change_the_program_is_told() -> None:
    files: dict[str, str | bytes | Node] = {
        "/opt/own": Node(raw=CODE.encode(), uid=1000),
        "/opt/safe": Node(raw=CODE.encode()),
        "/opt/open/x": Node(raw=CODE.encode()),
        "/opt/open": Node.folder(mode=0o777),
        "/tmp": Node.folder(mode=0o1777),
        "/tmp/x": Node(raw=CODE.encode()),
    }
    told = {path: only(Tree(files), process(path)) for path in ("/opt/own", "/opt/safe", "/opt/open/x", "/tmp/x")}
    assert {path: found.writable for path, found in told.items()} == {
        "/opt/own": True,
        "/opt/safe": False,
        "/opt/open/x": True,
        "/tmp/x": False,
    }
    assert (told["/opt/own"].owner, told["/opt/safe"].owner) == ("ann", "root")


def test_a_file_that_its_user_cannot_read_is_not_read_for_it() -> None:
    found = only(Tree({"/opt/x": Node(raw=CODE.encode(), mode=0o700)}), process("/opt/x"))
    assert (found.program, found.sha256) == ("/opt/x", None)


def test_broken_metadata_costs_itself_alone() -> None:
    package = f"{NPX}/node_modules/x"
    tree = Tree({f"{package}/i.js": CODE, f"{package}/package.json": "{", f"{NPX}/package-lock.json": "[1]"})
    found = only(tree, process("node", f"{package}/i.js"))
    assert (found.package, found.version, found.integrity, found.sha256) == ("x", None, None, DIGEST)


def test_a_process_is_read_once_and_only_where_there_is_time() -> None:
    tree, server = Tree({"/opt/x": CODE}), process("/opt/x")
    source = Artifacts(tree, _Users(), MARKS)
    assert source.of([CLIENT, server], read=False) == {}
    first = source.of([CLIENT, server], read=True)
    reads = len(tree.reads)
    assert source.of([CLIENT, server], read=False) == source.of([CLIENT, server], read=True) == first
    assert len(tree.reads) == reads
    assert source.of([CLIENT], read=True) == {}


def test_what_a_look_has_no_budget_for_the_next_one_reads() -> None:
    tree = Tree({"/opt/x": CODE, "/opt/y": CODE})
    source = Artifacts(tree, _Users(), MARKS)
    before, module.MOST_BYTES = module.MOST_BYTES, 1
    try:
        servers = [CLIENT, process("/opt/x"), replace(process("/opt/y"), pid=12)]
        assert len(source.of(servers, read=True)) == 1
        assert len(source.of(servers, read=True)) == 2
    finally:
        module.MOST_BYTES = before


def test_launchers_clients_and_ordinary_tools_are_not_looked_into() -> None:
    tree = Tree({"/usr/bin/git": CODE, "/usr/bin/node": CODE})
    found = Artifacts(tree, _Users(), MARKS).of(
        [CLIENT, process("git", "status"), replace(process("npx", "-y", "x"), pid=12)], read=True
    )
    assert (found, tree.reads) == ({}, [])
