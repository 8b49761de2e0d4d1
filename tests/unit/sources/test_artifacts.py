"""What running servers really are, read from a tree that a test lays out."""

import base64
import hashlib
import json
from collections.abc import Sequence
from dataclasses import replace

import pytest

from agent.core.artifact import Artifact
from agent.core.observation import Process
from agent.core.place import User
from agent.core.recognition import ClientMarks
from agent.core.recognition.triage import keys_of
from agent.sources.artifacts import HASHED_WITHIN_S, Artifacts
from agent.sources.digests import AT_ONCE_BYTES, SMALL_BYTES, Digests
from tests.sim.files import Node, Tree
from tests.sim.policies import stdio

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


def artifacts(tree: Tree, at_once: int = AT_ONCE_BYTES) -> Artifacts:
    return Artifacts(tree, _Users(), MARKS, Digests(tree, at_once=at_once))


def only(tree: Tree, server: Process) -> Artifact:
    return artifacts(tree).of([CLIENT, server], read=True)[server.identity]


def test_a_script_that_is_named_without_a_folder_lies_where_its_interpreter_was_started() -> None:
    tree = Tree({"/usr/bin/node": "node", "/home/ann/proj/server.js": CODE})
    found = only(tree, process("node", "server.js"))
    assert (found.program, found.sha256, found.executable) == ("/home/ann/proj/server.js", DIGEST, "/usr/bin/node")


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
    source = artifacts(tree)
    assert source.of([CLIENT, server], read=False) == {}
    first = source.of([CLIENT, server], read=True)
    reads = len(tree.reads)
    assert source.of([CLIENT, server], read=False) == source.of([CLIENT, server], read=True) == first
    assert len(tree.reads) == reads
    assert source.of([CLIENT], read=True) == {}


def test_a_digest_that_is_missing_is_asked_for_again_at_each_look() -> None:
    tree = Tree({"/opt/x": Node(raw=CODE.encode(), mode=0o700)})
    source, server = artifacts(tree), process("/opt/x")
    first = source.of([CLIENT, server], read=True)[server.identity]
    assert (first.sha256, first.row["sha256_missing"]) == (None, "its user may not read it, or it is gone")
    tree.put("/opt/x", CODE)
    assert source.of([CLIENT, server], read=False)[server.identity] == first
    second = source.of([CLIENT, server], read=True)[server.identity]
    assert (second.sha256, "sha256_missing" in second.row) == (DIGEST, False)


def test_a_large_program_is_hashed_in_the_background_and_then_known() -> None:
    big = b"x" * (SMALL_BYTES + 1)
    tree = Tree({"/opt/x": big})
    digests = Digests(tree)
    source, server = Artifacts(tree, _Users(), MARKS, digests), process("/opt/x")
    first = source.of([CLIENT, server], read=True)[server.identity]
    assert (first.sha256, first.row["sha256_missing"], first.owner) == (None, "not hashed yet", "root")
    assert digests.step() == len(big)
    second = source.of([CLIENT, server], read=True)[server.identity]
    assert second.row["sha256"] == hashlib.sha256(big).hexdigest()


def test_a_program_below_launchers_is_looked_into_whatever_its_name() -> None:
    """Nothing in `node quiet.js` speaks of MCP; that npx hands it a client's wire does."""
    tree = Tree({f"{NPX}/node_modules/quiet/index.js": CODE})
    npx, shell = process("npm exec quiet", "", pid=11), process("sh", "-c", "quiet", pid=12)
    quiet = replace(process("node", f"{NPX}/node_modules/quiet/index.js"), pid=13, ppid=12)
    table = [CLIENT, npx, replace(shell, ppid=11), quiet]
    assert list(artifacts(tree).of(table, read=True)) == [quiet.identity]
    assert artifacts(tree).of([npx, replace(shell, ppid=11), quiet], read=True) == {}


def test_a_link_to_the_program_is_told_with_where_it_leads() -> None:
    found = only(Tree({"/opt/real": CODE, "/opt/x": Node.link("real")}), process("/opt/x"))
    assert (found.row["program"], found.row["named"]) == ("/opt/real", "/opt/x")


@pytest.mark.parametrize(
    ("manifest", "declares"),
    [
        ({"mcpName": "io.github.a/x"}, "mcpName"),
        ({"dependencies": {"@modelcontextprotocol/sdk": "^1.0.0", "zod": "3"}}, "@modelcontextprotocol/sdk"),
        ({"peerDependencies": {"fastmcp": "*"}}, "fastmcp"),
        ({"devDependencies": {"@modelcontextprotocol/sdk": "1"}}, None),
        ({"dependencies": ["@modelcontextprotocol/sdk"], "mcpName": 7}, None),
    ],
)
def test_what_an_npm_package_says_of_itself(manifest: dict[str, object], declares: str | None) -> None:
    package = f"{NPX}/node_modules/quiet"
    tree = Tree({f"{package}/i.js": CODE, f"{package}/package.json": json.dumps(manifest)})
    assert only(tree, process("node", f"{package}/i.js")).declares == declares


ENV = "/home/ann/.venv"
SITE = f"{ENV}/lib/python3.11/site-packages"


@pytest.mark.parametrize(
    ("requires", "declares"),
    [
        ("Requires-Dist: mcp>=1.2", "mcp"),
        ("Requires-Dist: pydantic\nRequires-Dist: FastMCP (>=2)", "fastmcp"),
        ('Requires-Dist: mcp; extra == "server"', None),
        ("Requires-Dist: mcp-nothing", None),
        ("Summary: x\n\nRequires-Dist: mcp", None),
    ],
)
def test_what_a_python_package_says_of_itself(requires: str, declares: str | None) -> None:
    tree = Tree({f"{ENV}/bin/quiet": CODE, f"{SITE}/quiet-1.0.dist-info/METADATA": f"Name: quiet\n{requires}\n"})
    assert only(tree, process(f"{ENV}/bin/python", f"{ENV}/bin/quiet")).declares == declares


def recorded(digest: bytes) -> str:
    return f"../../../bin/quiet-serve,sha256={base64.urlsafe_b64encode(digest).decode().rstrip('=')},20\nquiet.py,,\n"


def test_a_console_script_is_its_packages_and_compared_with_what_was_installed() -> None:
    files: dict[str, str | bytes | Node] = {
        f"{ENV}/bin/quiet-serve": CODE,
        f"{SITE}/quiet-1.0.dist-info/entry_points.txt": "[console_scripts]\nquiet-serve = quiet:main\n",
        f"{SITE}/quiet-1.0.dist-info/RECORD": recorded(hashlib.sha256(CODE.encode()).digest()),
        f"{SITE}/other-2.0.dist-info/entry_points.txt": "[console_scripts]\nother = other:main\n",
    }
    server = process(f"{ENV}/bin/python", f"{ENV}/bin/quiet-serve")
    whole = only(Tree(files), server)
    assert (whole.purl, whole.altered, whole.row["as_installed"]) == ("pkg:pypi/quiet@1.0", False, "true")
    swapped = only(Tree({**files, f"{ENV}/bin/quiet-serve": "import evil"}), server)
    assert (swapped.altered, swapped.row["as_installed"]) == (True, "false")
    assert not only(Tree({**files, f"{SITE}/quiet-1.0.dist-info/RECORD": '"'}), server).altered


def test_a_script_of_conda_that_was_rewritten_after_it_was_recorded_is_not_called_altered() -> None:
    files: dict[str, str | bytes | Node] = {
        f"{ENV}/bin/quiet": CODE,
        f"{ENV}/conda-meta/history": "",
        f"{SITE}/quiet-1.0.dist-info/RECORD": recorded(b"as built").replace("quiet-serve", "quiet"),
    }
    found = only(Tree(files), process(f"{ENV}/bin/python", f"{ENV}/bin/quiet"))
    assert (found.purl, found.altered, "as_installed" in found.row) == ("pkg:pypi/quiet@1.0", False, False)


def test_a_linked_script_is_of_the_environment_that_it_lies_in_and_not_of_one_beside_the_link() -> None:
    """`uv tool` and pipx link scripts into ~/.local/bin, beside what `pip install --user` has put there."""
    tools = "/home/ann/.local/share/uv/tools/quiet"
    beside = "/home/ann/.local/lib/python3.11/site-packages/quiet-0.1.dist-info"
    tree = Tree(
        {
            f"{tools}/bin/quiet": CODE,
            f"{tools}/lib/python3.11/site-packages/quiet-2.0.dist-info/METADATA": "Requires-Dist: mcp\n",
            f"{beside}/RECORD": recorded(b"another").replace("quiet-serve", "quiet"),
            "/home/ann/.local/bin/quiet": Node.link(f"{tools}/bin/quiet"),
        }
    )
    found = only(tree, process(f"{tools}/bin/python", "/home/ann/.local/bin/quiet"))
    assert (found.purl, found.altered, found.declares) == ("pkg:pypi/quiet@2.0", False, "mcp")


def test_a_module_is_found_by_the_environment_of_its_interpreter() -> None:
    tree = Tree(
        {
            "/usr/bin/python3.11": CODE,
            f"{ENV}/bin/python": Node.link("/usr/bin/python3.11"),
            f"{SITE}/quiet_mcp-1.0.dist-info/METADATA": "Requires-Dist: mcp\n",
        }
    )
    found = only(tree, process(f"{ENV}/bin/python", "-m", "quiet_mcp", exe="/usr/bin/python3.11"))
    assert (found.purl, found.declares, found.program) == ("pkg:pypi/quiet-mcp@1.0", "mcp", "/usr/bin/python3.11")


IMAGE_ID, IMAGE_DIGEST = f"sha256:{'a' * 64}", f"sha256:{'b' * 64}"
DOCKER_LIST = json.dumps(
    {"Repositories": {"mcp/time": {"mcp/time:latest": IMAGE_ID, f"mcp/time@{IMAGE_DIGEST}": IMAGE_ID}, "x": 7}}
)
PODMAN_LIST = json.dumps([{"id": "a" * 64, "digest": IMAGE_DIGEST, "names": ["docker.io/library/time:1.0"]}, {}, 7])


@pytest.mark.parametrize(
    ("image", "digest"),
    [
        ("mcp/time", IMAGE_DIGEST),
        ("docker.io/mcp/time:latest", IMAGE_DIGEST),
        ("time:1.0", IMAGE_DIGEST),
        ("time", None),
        (f"anything@{IMAGE_ID}", IMAGE_ID),
    ],
)
def test_the_image_of_a_container_is_told_where_an_engine_lists_it(image: str, digest: str | None) -> None:
    tree = Tree(
        {
            "/usr/bin/docker": CODE,
            "/var/lib/docker/image/overlay2/repositories.json": DOCKER_LIST,
            "/home/ann/.local/share/containers/storage/overlay-images/images.json": PODMAN_LIST,
        }
    )
    found = only(tree, process("docker", "run", "-i", "--rm", image, exe="/usr/bin/docker"))
    assert found.integrity == digest
    assert ("image_missing" in found.row) == (digest is None)
    assert (found.purl or "").endswith("@" + digest.replace(":", "%3A") if digest else "")


@pytest.mark.parametrize("text", ["{", "[]", "7", '{"Repositories": {"x": {"x:latest": ["?"]}}}', "[" * 100_000])
def test_a_broken_list_of_images_names_none(text: str) -> None:
    tree = Tree({"/usr/bin/docker": CODE, "/var/lib/docker/image/overlay2/repositories.json": text})
    assert only(tree, process("docker", "run", "x", exe="/usr/bin/docker")).integrity is None


def test_launchers_clients_and_ordinary_tools_are_not_looked_into() -> None:
    tree = Tree({"/usr/bin/git": CODE, "/usr/bin/node": CODE})
    found = artifacts(tree).of(
        [CLIENT, process("git", "status"), replace(process("npx", "-y", "x"), pid=12)], read=True
    )
    assert (found, tree.reads) == ({}, [])


@pytest.mark.parametrize("command", [("tickets", "serve"), ("/bin/sh", "/home/ann/bin/tickets", "serve")])
def test_a_program_or_wrapper_of_the_user_is_told_with_what_it_stands_before(command: tuple[str, ...]) -> None:
    own = Node(raw=b"x", mode=0o755, uid=1000, gid=1000)
    home = Node.folder(0o755, 1000, 1000)
    tree = Tree({"/home/ann": home, "/home/ann/bin/tickets": own, "/usr/local/bin/tickets": "theirs"})
    found = only(tree, process(*command, exe="/home/ann/bin/tickets" if len(command) == 2 else "/bin/sh"))
    assert (found.program, found.row["instead_of"]) == ("/home/ann/bin/tickets", "/usr/local/bin/tickets")
    theirs = only(tree, process("tickets", "serve", exe="/usr/local/bin/tickets"))
    assert (theirs.program, theirs.instead_of) == ("/usr/local/bin/tickets", None)


NODE = "/home/ann/.nvm/versions/node/v24.1.0"


def test_a_program_planted_beside_those_of_a_version_manager_is_told_and_what_it_installed_is_not() -> None:
    own = Node(raw=b"x", mode=0o755, uid=1000, gid=1000)
    home = Node.folder(0o755, 1000, 1000)
    package = f"{NODE}/lib/node_modules/tickets"
    tree = Tree(
        {
            "/home/ann": home,
            "/usr/bin/tickets": "theirs",
            f"{NODE}/bin/tickets": own,
            f"{package}/cli.js": own,
            f"{package}/package.json": json.dumps({"name": "tickets", "version": "1.2.3"}),
            f"{NODE}/bin/linked": Node.link(f"{package}/cli.js"),
        }
    )
    planted = only(tree, process(f"{NODE}/bin/tickets", exe=f"{NODE}/bin/tickets"))
    assert planted.instead_of is not None
    assert planted.instead_of.path == "/usr/bin/tickets"
    installed = only(tree, process("node", f"{NODE}/bin/linked", exe=f"{NODE}/bin/node"))
    assert (installed.purl, installed.instead_of) == ("pkg:npm/tickets@1.2.3", None)


LARGE = b"x" * (SMALL_BYTES + 1)


def _copied() -> Tree:
    return Tree(
        {
            "/home/ann": Node.folder(0o755, 1000, 1000),
            "/home/ann/bin/tickets": Node(raw=LARGE, mode=0o755, uid=1000, gid=1000),
            "/usr/bin/tickets": Node(raw=LARGE, mode=0o755),
        }
    )


def test_what_a_program_stands_before_is_hashed_too_in_its_own_time() -> None:
    """The time is counted since the agent asked, not since the program began: it may run for days when the agent starts."""
    tree, now = _copied(), [1_000_000.0]
    digests = Digests(tree)
    server = process("tickets", exe="/home/ann/bin/tickets")
    finding = Artifacts(tree, _Users(), MARKS, digests, clock=lambda: now[0])

    def copies() -> bool | None:
        (found,) = finding.of([CLIENT, server], read=True).values()
        return found.copies

    assert [copies(), copies()] == [None, None]
    now[0] += HASHED_WITHIN_S - 1
    assert copies() is None
    now[0] += 1
    assert copies() is False
    while digests.step():
        pass
    assert copies() is True
    (found,) = finding.of([CLIENT, server], read=True).values()
    assert found.row["instead_of_sha256"] == found.sha256 == hashlib.sha256(LARGE).hexdigest()


def test_where_nobody_reads_on_nobody_waits_for_what_one_look_does_not_hash() -> None:
    tree, server = _copied(), process("tickets", exe="/home/ann/bin/tickets")
    for at_once, copies in ((1, False), (AT_ONCE_BYTES, True)):
        (found,) = artifacts(tree, at_once).of([CLIENT, server], read=True).values()
        assert found.copies is copies


def test_what_a_configured_entry_yields_is_inspected_whoever_started_it_also_where_the_entry_comes_later() -> None:
    words: list[frozenset[str]] = [frozenset()]
    tree = Tree({"/home/ann/bin/notes": CODE})
    found = Artifacts(tree, _Users(), MARKS, Digests(tree, at_once=AT_ONCE_BYTES), lambda: words[-1])
    shell = Process(10, 1.0, 1, "bash", "ann", "/bin/bash", ("bash",), "/home/ann")
    server = process("/home/ann/bin/notes", exe="/home/ann/bin/notes")
    assert found.of([shell, server], read=True) == {}
    words.append(keys_of([stdio("/home/ann/bin/notes")]))
    assert found.of([shell, server], read=False) == {}
    assert found.of([shell, server], read=True)[server.identity].sha256 == DIGEST
