"""What running clients tell of where to look: kept per user, bounded, told once, and never of a program that is no client."""

from dataclasses import replace

import pytest

from agent.catalog.rows import catalog
from agent.core.observation import Process
from agent.core.place import Os, User
from agent.host.users import HomeUsers
from agent.ports import TableView
from agent.sources.artifacts import Artifacts
from agent.sources.configs import ConfigSource
from agent.sources.digests import Digests
from agent.sources.flags import Flags
from agent.sources.processes import ProcessSource, Readers
from agent.sources.whereabouts import FOLDERS_EACH, MOVED_EACH, Whereabouts
from tests.sim.files import Node, Tree
from tests.sim.looks import Table

ANN = User("ann", "/home/ann", 1000)
BEN = User("ben", "/home/ben", 1001)


def process(*command: str, cwd: str = "/home/ann/p", moves: tuple[tuple[str, str], ...] = (), pid: int = 10) -> Process:
    return Process(pid, 1.0, 1, command[0], "ann", f"/usr/bin/{command[0]}", command, cwd, moves=moves)


def noting(*processes: Process, os: Os = "linux") -> Whereabouts:
    whereabouts = Whereabouts(catalog(), os)
    whereabouts.note(processes)
    return whereabouts


def test_variables_of_running_clients_are_kept_for_their_user_alone() -> None:
    moved = process("claude", moves=(("CLAUDE_CONFIG_DIR", "/tmp/other"),))
    other = process("bash", moves=(("CLAUDE_CONFIG_DIR", "/tmp/none"),), pid=11)
    seen = noting(moved, other)
    assert seen.environments(ANN) == [{}, {"CLAUDE_CONFIG_DIR": "/tmp/other"}]
    assert seen.environments(BEN) == [{}]
    seen.note(())
    assert len(seen.environments(ANN)) == 2, "what lies there stays of interest"


def test_what_the_system_sets_for_everybody_moves_nothing_and_another_home_does() -> None:
    usual = (("HOME", "/home/ann"), ("XDG_CONFIG_HOME", "/home/ann/.config/"))
    assert noting(process("claude", moves=usual)).environments(ANN) == [{}]
    elsewhere = (("HOME", "/tmp/hidden"), ("XDG_CONFIG_HOME", "/home/ann/.config"))
    assert noting(process("claude", moves=elsewhere)).environments(ANN) == [{}, {"HOME": "/tmp/hidden"}]


def test_the_account_of_a_windows_process_is_the_user_of_that_profile() -> None:
    ann = User("Ann", "C:\\Users\\Ann")
    usual = (("APPDATA", "C:\\Users\\Ann\\AppData\\Roaming"), ("USERPROFILE", "c:\\users\\Ann"))
    running = process("claude", cwd="C:\\work", moves=(*usual, ("CODEX_HOME", "C:\\c")))
    seen = noting(replace(running, user="CORP\\ann"), os="windows")
    assert seen.environments(ann)[1]["CODEX_HOME"] == "C:\\c"
    assert "APPDATA" not in seen.environments(ann)[1]
    assert seen.projects(ann) == ("C:\\work",)


@pytest.mark.parametrize(
    ("command", "cwd", "folders"),
    [
        (("claude",), "/home/ann/p", ("/home/ann/p",)),
        (("codex", "exec", "x"), "/srv/q", ("/srv/q",)),
        (("claude",), "/", ()),
        (("bash",), "/home/ann/p", ()),
        (("code",), "/home/ann", ()),  # an editor is started from anywhere
        (("claude-desktop",), "/home/ann", ()),  # has no projects
    ],
)
def test_the_working_folder_of_a_client_that_works_where_it_was_started_is_a_project(
    command: tuple[str, ...], cwd: str, folders: tuple[str, ...]
) -> None:
    assert noting(process(*command, cwd=cwd)).projects(ANN) == folders


@pytest.mark.parametrize("words", [("--user-data-dir", "other"), ("--user-data-dir=/home/ann/p/other",)])
def test_an_option_that_moves_the_configuration_counts_as_the_variable_that_stands_for_it(
    words: tuple[str, ...],
) -> None:
    seen = noting(process("code", *words))
    assert seen.environments(ANN) == [{}, {"VSCODE_USER_DATA_DIR": "/home/ann/p/other"}]


def test_only_the_newest_are_kept_of_a_user_and_no_user_takes_anothers_place() -> None:
    sets = [process("claude", moves=(("CODEX_HOME", f"/c/{n}"),), cwd=f"/w/{n}", pid=n) for n in range(1, 400)]
    seen = noting(replace(sets[0], user="ben", pid=1000), *sets)
    assert len(seen.environments(ANN)) == MOVED_EACH + 1
    assert seen.environments(ANN)[-1] == {"CODEX_HOME": "/c/399"}
    assert len(seen.projects(ANN)) == FOLDERS_EACH
    assert seen.projects(BEN) == ("/w/1",)


def test_the_configuration_is_looked_at_anew_when_a_client_tells_something_new_and_only_then() -> None:
    tree = Tree({"/home/ann": Node.folder()})
    seen = Whereabouts(catalog(), "linux")
    wakes: list[bool] = []
    seen.subscribe(lambda: wakes.append(True))
    marks, users = catalog().marks, HomeUsers(tree)
    table = Table(TableView((process("claude"),)))
    artifacts = Artifacts(tree, users, marks, Digests(tree))
    source = ProcessSource(table, readers=Readers(Flags(tree, users, marks), artifacts, seen))
    source.look()
    source.look()
    assert wakes == [True]
    table.view = TableView((process("claude", pid=12),))
    source.look()
    assert wakes == [True], "the same folder"
    table.view = TableView((process("claude", cwd="/home/ann/q", pid=12),))
    source.look()
    assert wakes == [True, True]


def test_a_look_reads_the_projects_and_the_homes_in_which_clients_run() -> None:
    servers = '{"mcpServers": {"%s": {"command": "x"}}}'
    tree = Tree(
        {
            "/home/ann": Node.folder(),
            "/home/ann/p/.cursor/mcp.json": servers % "inproject",
            "/tmp/hidden/.claude.json": servers % "hidden",
            "/tmp/hidden/.config/opencode/opencode.json": '{"mcp": {"also": {"type": "local", "command": ["x"]}}}',
        }
    )
    seen = noting(process("claude", moves=(("HOME", "/tmp/hidden"),)))
    (look,) = ConfigSource(tree, HomeUsers(tree), catalog(), habits=seen).look()
    assert {server.name for server in look.servers} == {"inproject", "hidden", "also"}
    assert look.projects == ("/home/ann/p",)


@pytest.mark.parametrize(
    ("command", "variable", "value", "path", "text"),
    [
        ("claude", "CLAUDE_CONFIG_DIR", "/tmp/m", "/tmp/m/.claude.json", '{"mcpServers": {"x": {"command": "x"}}}'),
        ("codex", "CODEX_HOME", "/tmp/m", "/tmp/m/config.toml", '[mcp_servers.x]\ncommand = "x"\n'),
        (
            "gemini",
            "GEMINI_CLI_HOME",
            "/tmp/m",
            "/tmp/m/.gemini/settings.json",
            '{"mcpServers": {"x": {"command": "x"}}}',
        ),
        (
            "opencode",
            "OPENCODE_CONFIG",
            "/tmp/m.json",
            "/tmp/m.json",
            '{"mcp": {"x": {"type": "local", "command": ["x"]}}}',
        ),
    ],
)
def test_servers_of_a_configuration_that_a_variable_moved_are_found(
    command: str, variable: str, value: str, path: str, text: str
) -> None:
    tree = Tree({"/home/ann": Node.folder(), path: text})
    (look,) = ConfigSource(tree, HomeUsers(tree), catalog()).look()
    assert look.servers == ()
    seen = noting(process(command, moves=((variable, value),)))
    (look,) = ConfigSource(tree, HomeUsers(tree), catalog(), habits=seen).look()
    assert [(server.name, server.place.path) for server in look.servers] == [("x", path)]


def test_every_variable_of_a_path_is_asked_of_running_clients() -> None:
    moving = catalog().moving
    assert moving >= {"HOME", "CLAUDE_CONFIG_DIR", "CODEX_HOME", "QWEN_HOME", "OPENCODE_CONFIG", "XDG_CONFIG_HOME"}
    assert "PATH" not in moving
