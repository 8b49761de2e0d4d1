"""The look at users' configuration: what counts for whom, what could not be seen, and that nothing is parsed twice."""

import json
import sqlite3
from collections.abc import Mapping
from pathlib import Path
from random import Random
from typing import Any

import pytest

from agent.catalog import maps
from agent.catalog.formats import Malformed, Parsed
from agent.catalog.rows import FileRow, ProjectsRow, catalog
from agent.core.assess import assess
from agent.core.deviation import Key, Sighting
from agent.core.observation import ConfigLook, CoverageState, DocumentKind
from agent.core.place import Content, Os, Trouble, User
from agent.core.world import World
from agent.host.users import HomeUsers
from agent.ports import Nearby
from agent.sources import asking, configs, plugins
from agent.sources.configs import ConfigSource
from agent.sources.gathering import FileRead
from agent.sources.opening import opened
from agent.sources.recall import Recall
from tests.sim.files import Node, Tree
from tests.sim.looks import Habits, look, source
from tests.sim.worlds import QUIET, TERMS, managed

STATE = "/home/ann/.claude.json"
SERVERS = json.dumps({"mcpServers": {"s": {"command": "run"}}})


def servers(**commands: str) -> str:
    return json.dumps({"mcpServers": {name: {"command": command} for name, command in commands.items()}})


def remembering(*projects: str) -> str:
    return json.dumps({"projects": {project: {} for project in projects}})


def state_of(found: ConfigLook, path: str | None, client: str = "claude-code") -> CoverageState | None:
    return next((row.state for row in found.coverage if (row.scope.client, row.scope.path) == (client, path)), None)


def ann(files: Mapping[str, str | bytes | Node], os: Os = "linux") -> Tree:
    return Tree({"/home/ann": Node.folder(0o755, 1000, 1000), **files}, os=os)


def test_a_user_without_any_client_has_one_absent_row_per_client() -> None:
    found = look(ann({}))
    assert [(row.scope.client, row.scope.path, row.state) for row in found.coverage] == [
        (row.id, None, CoverageState.ABSENT) for row in catalog().rows
    ]
    assert (found.servers, found.documents, found.problems) == ((), (), ())


def test_a_warm_look_parses_nothing_and_a_changed_file_is_parsed_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    tree = ann({STATE: servers(a="one"), "/home/ann/.cursor/mcp.json": servers(b="two")})
    parsed: list[bytes] = []

    def counting(raw: bytes, row: FileRow | ProjectsRow) -> Parsed | Malformed:
        parsed.append(raw)
        return opened(raw, row)

    monkeypatch.setattr(asking, "opened", counting)
    looking = source(tree)
    cold = looking.look()
    assert len(parsed) == 2
    assert looking.look() == cold
    assert len(parsed) == 2
    tree.put(STATE, servers(a="new"))
    (found,) = looking.look()
    assert len(parsed) == 3
    assert [server.command for server in found.servers] == [("new",), ("two",)]


def test_the_same_file_is_read_once_per_look_however_many_clients_read_it() -> None:
    files = {"/home/ann/.cursor/mcp.json": "{}", "/home/ann/.vscode/x": "", "/home/ann/p/.mcp.json": SERVERS}
    tree = ann(files)
    found = look(tree, "/home/ann/p")
    assert {server.client for server in found.servers} == {"claude-code", "cursor", "vscode"}
    assert tree.reads.count("/home/ann/p/.mcp.json") == 1


def test_a_file_that_clients_share_counts_only_for_clients_that_left_a_trace() -> None:
    found = look(ann({"/home/ann/p/.mcp.json": SERVERS}), "/home/ann/p")
    assert {server.client for server in found.servers} == {"claude-code"}


def test_a_malformed_file_is_told_with_its_line_and_the_other_files_count() -> None:
    found = look(ann({STATE: '{\n "mcpServers": {,\n}', "/home/ann/.gemini/settings.json": SERVERS}))
    assert state_of(found, STATE) is CoverageState.MALFORMED
    assert [server.client for server in found.servers] == ["gemini-cli"]
    (problem,) = found.problems
    assert (problem.code, problem.place.path, problem.place.line) == ("malformed-file", STATE, 2)


@pytest.mark.parametrize(
    ("node", "state"),
    [
        (Node(trouble=Trouble.DENIED), CoverageState.UNREADABLE),
        (Node(trouble=Trouble.TIMED_OUT), CoverageState.TIMED_OUT),
        (Node.fifo(), CoverageState.UNREADABLE),
        (Node.folder(), CoverageState.UNREADABLE),
        (Node.link("/etc/shadow"), CoverageState.UNREADABLE),
        (Node.link("nowhere"), CoverageState.ABSENT),
        (Node(raw=SERVERS.encode(), mode=0o600, uid=0), CoverageState.UNREADABLE),
    ],
)
def test_what_cannot_be_read_is_never_taken_for_nothing(node: Node, state: CoverageState) -> None:
    found = look(ann({"/etc/shadow": SERVERS, STATE: node, "/home/ann/.codex/config.toml": ""}))
    assert state_of(found, STATE) in (state, None if state is CoverageState.ABSENT else state)
    assert found.servers == ()


def test_a_home_that_may_not_be_entered_is_one_unreadable_row_and_no_claim() -> None:
    tree = ann({"/home/ann/.mcp-compliance-probe": Node(trouble=Trouble.DENIED)})
    found = look(tree)
    (row,) = found.coverage
    assert (row.scope.user, row.scope.client, row.state) == ("ann", None, CoverageState.UNREADABLE)


def test_the_legacy_state_file_takes_the_place_of_the_usual_one() -> None:
    found = look(ann({STATE: servers(a="x"), "/home/ann/.claude/.config.json": servers(z="y")}))
    assert [server.name for server in found.servers] == ["z"]
    assert [document.path for document in found.documents] == ["/home/ann/.claude/.config.json"]


def test_the_config_folder_of_the_environment_takes_the_place_of_the_home() -> None:
    files = {
        STATE: servers(a="x"),
        "/home/ann/alt/.claude.json": servers(z="y"),
        "/home/ann/alt/settings.json": "{}",
        "/home/ann/cdx/config.toml": '[mcp_servers.c]\ncommand = "c"\n',
    }
    env = {"CLAUDE_CONFIG_DIR": "/home/ann/alt", "CODEX_HOME": "/home/ann/cdx"}
    found = look(ann(files), env=env)
    assert [server.name for server in found.servers] == ["z", "c"]
    assert {document.kind for document in found.documents} == {DocumentKind.CLIENT_STATE, DocumentKind.USER_SETTINGS}


def test_several_environments_are_looked_at_together() -> None:
    tree = ann({STATE: servers(a="x"), "/home/ann/alt/.claude.json": servers(z="y")})
    both = [{}, {"CLAUDE_CONFIG_DIR": "/home/ann/alt"}]
    (found,) = ConfigSource(tree, HomeUsers(tree), catalog(), habits=Habits(both)).look()
    assert sorted(server.name for server in found.servers) == ["a", "z"]


def test_project_files_are_read_in_the_project_and_all_its_parents_nearest_first() -> None:
    files = {
        STATE: remembering("/home/ann/a/b"),
        "/home/ann/a/b/.mcp.json": servers(s="near"),
        "/home/ann/a/.mcp.json": servers(s="parent"),
        "/home/ann/.mcp.json": servers(h="home"),
        "/.mcp.json": servers(r="root"),
        "/home/ann/a/b/c/.mcp.json": servers(below="no"),
    }
    found = look(ann(files))
    assert [(server.name, server.command) for server in found.servers] == [
        ("s", ("near",)),
        ("s", ("parent",)),
        ("h", ("home",)),
        ("r", ("root",)),
    ]
    assert {server.project for server in found.servers} == {"/home/ann/a/b"}


def test_a_project_that_was_deleted_is_absent_and_brings_nothing_of_its_parents() -> None:
    found = look(ann({STATE: remembering("/home/ann/gone"), "/home/ann/.mcp.json": SERVERS}))
    assert found.servers == ()
    assert found.projects == ("/home/ann/gone",)
    assert state_of(found, "/home/ann/gone") is CoverageState.ABSENT


def test_a_project_behind_a_link_is_read_and_a_link_out_of_the_project_is_not() -> None:
    files: dict[str, str | bytes | Node] = {
        STATE: remembering("/home/ann/p", "/home/ann/q"),
        "/home/ann/p": Node.link("/data/p"),
        "/data/p/.mcp.json": servers(here="yes"),
        "/home/ann/q/.mcp.json": Node.link("/data/other.json"),
        "/data/other.json": servers(there="no"),
    }
    found = look(ann(files))
    assert [server.name for server in found.servers] == ["here"]
    assert state_of(found, "/home/ann/q/.mcp.json") is CoverageState.UNREADABLE


def test_a_link_between_folders_of_the_same_home_is_followed() -> None:
    files: dict[str, str | bytes | Node] = {
        STATE: remembering("/home/ann/p"),
        "/home/ann/p/.mcp.json": Node.link("../shared.json"),
        "/home/ann/shared.json": servers(s="x"),
    }
    assert [server.name for server in look(ann(files)).servers] == ["s"]


def test_a_named_project_counts_for_every_user_who_may_enter_it() -> None:
    tree = Tree(
        {
            "/home/ann": Node.folder(0o700, 1000, 1000),
            "/home/ben": Node.folder(0o700, 1001, 1001),
            "/home/ann/p/.mcp.json": SERVERS,
            "/srv/p/.mcp.json": SERVERS,
        }
    )
    first, second = source(tree, "/home/ann/p", "/srv/p", "relative").look()
    assert first.projects == ("/home/ann/p", "/srv/p")
    assert second.projects == ("/srv/p",)


def test_servers_of_the_device_belong_to_no_user() -> None:
    tree = ann({"/etc/codex/config.toml": '[mcp_servers.all]\nurl = "https://x.example/mcp"\n'})
    (server,) = look(tree).servers
    assert (server.user, server.name) == (None, "all")


def test_servers_of_the_device_are_reported_once_however_many_users_read_them() -> None:
    homes = {"/home/ann": Node.folder(), "/home/ben": Node.folder()}
    first, second = source(Tree({**homes, "/etc/codex/config.toml": '[mcp_servers.all]\ncommand = "x"\n'})).look()
    assert (len(first.servers), len(second.servers)) == (1, 0)
    assert state_of(second, "/etc/codex/config.toml", "codex") is CoverageState.COMPLETE


def test_more_projects_than_the_cap_are_said_to_be_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(configs, "MAX_PROJECTS", 2)
    found = look(ann({STATE: remembering("/a", "/b", "/c")}))
    assert found.projects == ("/a", "/b")
    assert found.coverage[0].state is CoverageState.UNREADABLE
    assert "1 of the projects" in (found.coverage[0].problem or "")


def test_after_more_servers_than_the_cap_further_projects_are_said_to_be_left_out(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(configs, "MAX_SERVERS", 2)
    servers = json.dumps({"mcpServers": {name: {"command": name} for name in ("one", "two")}})
    files: dict[str, str | bytes | Node] = {f"/{name}/.mcp.json": servers for name in "abc"}
    found = look(ann({STATE: remembering("/a", "/b", "/c"), **files}))
    assert found.projects == ("/a",)
    assert [server.name for server in found.servers] == ["one", "two"]
    assert "2 of the projects" in (found.coverage[0].problem or "")


def test_the_lowest_installed_version_counts_and_a_hint_only_without_one() -> None:
    package = "lib/node_modules/@anthropic-ai/claude-code/package.json"
    files: dict[str, str | bytes | Node] = {STATE: '{"lastReleaseNotesSeen": "2.0.1"}'}
    assert look(ann(files)).client_versions == {"claude-code": "2.0.1"}
    files |= {
        "/home/ann/.local/bin/claude": Node.link("/home/ann/.local/share/claude/versions/2.1.330"),
        "/home/ann/.local/share/claude/versions/2.1.330": b"\x7fELF",
        "/home/ann/.local/share/claude/versions/2.1.9": b"\x7fELF",
    }
    tree = ann(files)
    assert look(tree).client_versions == {"claude-code": "2.1.330"}
    assert not any("versions" in path for path in tree.reads)
    tree.put(f"/usr/{package}", '{"version": "2.1.200"}')
    assert look(tree).client_versions == {"claude-code": "2.1.200"}


def test_what_was_read_and_what_was_missed_is_watched() -> None:
    looking = source(ann({STATE: remembering("/home/ann/p"), "/home/ann/p/x": ""}))
    looking.look()
    watched = set(looking.watched())
    assert {STATE, "/home/ann/.cursor/mcp.json", "/home/ann/p/.mcp.json"} <= watched
    (nearby,) = (item for item in watched if isinstance(item, Nearby))
    assert nearby.folder == "/home/ann/p"
    assert {".mcp.json", ".vscode", ".cursor", "opencode.json"} <= nearby.names
    assert "/home/ann/.codex/" in watched
    assert "/home/" in watched, "a new user's home"


def test_no_value_of_a_secret_shows_in_the_look() -> None:
    entry = {"command": "x", "args": ["--token", "canary-a"], "env": {"K": "canary-b"}, "headers": {"H": "canary-c"}}
    found = look(ann({STATE: json.dumps({"mcpServers": {"s": entry, "bad": {**entry, "command": 3}}})}))
    assert len(found.servers) == 1
    assert "canary" not in repr(found)


def test_a_look_that_finds_nothing_changed_reads_no_file_and_gives_the_very_same() -> None:
    files = {STATE: remembering("/home/ann/p"), "/home/ann/p/.mcp.json": SERVERS, "/home/ann/.cursor/mcp.json": SERVERS}
    tree = ann(files)
    looking = source(tree)
    (cold,) = looking.look()
    watched = looking.watched()
    tree.reads.clear()
    (warm,) = looking.look()
    assert warm is cold
    assert looking.watched() is watched
    assert [path for path in tree.reads if path.startswith("/home")] == []


def test_a_change_in_one_project_reads_that_project_and_leaves_the_others_as_they_are() -> None:
    projects = [f"/home/ann/p{number}" for number in range(3)]
    tree = ann({STATE: remembering(*projects), **{f"{path}/.mcp.json": SERVERS for path in projects}})
    looking = source(tree)
    (cold,) = looking.look()
    tree.reads.clear()
    tree.put("/home/ann/p1/.mcp.json", servers(s="other"))
    (warm,) = looking.look()
    assert [path for path in tree.reads if path.startswith("/home")] == ["/home/ann/p1/.mcp.json"]
    pairs = list(zip(cold.servers, warm.servers, strict=True))
    assert [before is after for before, after in pairs] == [before.project != projects[1] for before, _ in pairs]


def test_nothing_is_trusted_for_longer_than_the_time_of_trust() -> None:
    """A file that is mapped into memory changes without a trace."""
    now = [0.0]
    tree = ann({STATE: SERVERS})
    recall = Recall[Any, FileRead](trust_s=100.0, monotonic=lambda: now[0])
    looking = ConfigSource(tree, HomeUsers(tree), catalog(), recall=recall)
    looking.look()
    tree.reads.clear()
    now[0] = 49.0
    looking.look()
    assert STATE not in tree.reads
    now[0] = 100.0
    looking.look()
    assert STATE in tree.reads


def test_parts_lose_trust_at_different_times_so_that_no_look_is_a_cold_one() -> None:
    now = [0.0]
    projects = [f"/home/ann/p{number}" for number in range(100)]
    tree = ann({STATE: remembering(*projects), **{f"{path}/.mcp.json": SERVERS for path in projects}})
    recall = Recall[Any, FileRead](trust_s=100.0, monotonic=lambda: now[0], random=Random(1))
    looking = ConfigSource(tree, HomeUsers(tree), catalog(), recall=recall)
    looking.look()
    most = 0
    for at in range(50, 101, 5):
        now[0] = float(at)
        tree.reads.clear()
        looking.look()
        most = max(most, len(tree.reads))
    assert 0 < most < 40


def test_what_a_look_did_not_ask_for_is_forgotten() -> None:
    tree = ann({STATE: remembering("/home/ann/p")})
    recall = Recall[Any, FileRead]()
    looking = ConfigSource(tree, HomeUsers(tree), catalog(), recall=recall)
    looking.look()
    with_project = recall.size
    tree.put(STATE, remembering())
    looking.look()
    assert recall.size == with_project - 1


WORKSPACES = "/home/ann/.config/Code/User/workspaceStorage"


@pytest.mark.parametrize(
    ("memory", "project"),
    [
        ({f"{WORKSPACES}/1/workspace.json": '{"folder": "file:///home/ann/a%20b"}'}, "/home/ann/a b"),
        (
            {
                f"{WORKSPACES}/2/workspace.json": '{"workspace": "file:///home/ann/w/all.code-workspace"}',
                "/home/ann/w/all.code-workspace": '{"folders": [{"path": "../api"}, {"path": "/srv/x"}, 3],}',
            },
            "/home/ann/api",
        ),
        ({"/home/ann/.vscode-server/data/User/workspaceStorage/3/workspace.json": '{"folder": "file:///w"}'}, "/w"),
        (
            {
                "/home/ann/eclipse/x/eclipse/configuration/.settings/org.eclipse.ui.ide.prefs": (
                    "eclipse.preferences.version=1\nRECENT_WORKSPACES=/home/ann/ws1\\n/home/ann/ws2\n"
                )
            },
            "/home/ann/ws2",
        ),
        (
            {
                "/home/ann/.config/JetBrains/PyCharm2026.1/options/recentProjects.xml": (
                    '<application><component><option name="additionalInfo"><map><entry key="$USER_HOME$/py"/></map>'
                    "</option></component></application>"
                )
            },
            "/home/ann/py",
        ),
        (
            {
                "/home/ann/.gemini/config/projects/1.json": (
                    '{"projectResources": {"resources": [{"folderUri": "file:///home/ann/g"}]}}'
                )
            },
            "/home/ann/g",
        ),
    ],
)
def test_projects_are_taken_from_where_clients_remember_them(memory: Mapping[str, str], project: str) -> None:
    assert project in look(ann(memory)).projects


@pytest.mark.parametrize("folder", ["vscode-remote://ssh/x", "file://server/share", "file:relative", "", "https://x/y"])
def test_a_project_on_another_machine_is_none_of_this_one(folder: str) -> None:
    assert look(ann({f"{WORKSPACES}/1/workspace.json": json.dumps({"folder": folder})})).projects == ()


def test_other_clients_read_the_folders_above_up_to_the_root_of_the_repository() -> None:
    """As Codex, opencode and Copilot CLI were seen to do it; Gemini CLI and Qwen Code read the folder itself alone."""
    codex, gemini = '[mcp_servers.%s]\ncommand = "x"\n', '{"mcpServers": {"%s": {"command": "x"}}}'
    folders = {
        "/home/ann": "above",
        "/home/ann/repo": "root",
        "/home/ann/repo/a": "middle",
        "/home/ann/repo/a/b": "here",
    }
    files = {f"{folder}/.codex/config.toml": codex % name for folder, name in folders.items()}
    files |= {f"{folder}/.gemini/settings.json": gemini % f"gemini-{name}" for folder, name in folders.items()}
    tree = ann({**files, "/home/ann/repo/.git/HEAD": "ref: refs/heads/main"})
    found = [server for server in look(tree, "/home/ann/repo/a/b").servers if server.project]
    assert [server.name for server in found] == ["here", "middle", "root", "gemini-here"]
    outside = [server.name for server in look(tree, "/home/ann/repo").servers if server.project]
    assert outside == ["root", "gemini-root"]


def test_a_project_file_that_another_one_overrides_is_not_read() -> None:
    copilot = {"/home/ann/.copilot/x": "", "/home/ann/p/.github/mcp.json": servers(github="x")}
    names = [server.name for server in look(ann(copilot), "/home/ann/p").servers]
    assert names == ["github"]
    copilot["/home/ann/p/.mcp.json"] = servers(root="x")
    names = [
        server.name for server in look(ann(copilot), "/home/ann/p").servers if server.client == "github-copilot-cli"
    ]
    assert names == ["root"]


def test_projects_that_stand_only_in_the_log_of_a_database_are_found(tmp_path: Path) -> None:
    """opencode keeps its database open, with everything new in the log beside it."""
    path = tmp_path / "opencode.db"
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("CREATE TABLE project (id TEXT PRIMARY KEY, worktree TEXT)")
    connection.execute("INSERT INTO project VALUES ('1', '/home/ann/p')")
    place = "/home/ann/.local/share/opencode/opencode.db"
    tree = ann({"/home/ann/p/opencode.json": '{"mcp": {"s": {"type": "local", "command": ["x"]}}}'})
    tree.put(place, path.read_bytes())
    tree.put(f"{place}-wal", Path(f"{path}-wal").read_bytes())
    connection.close()
    found = look(tree)
    assert found.projects == ("/home/ann/p",)
    assert [server.name for server in found.servers] == ["s"]


def test_the_users_own_file_counts_once_where_the_home_is_a_project_too() -> None:
    files = {"/home/ann/.gemini/settings.json": servers(s="x"), "/home/ann/.mcp.json": servers(p="y")}
    found = look(ann(files), "/home/ann")
    assert [(s.client, s.name, s.scope, s.project) for s in found.servers if s.client != "visual-studio"] == [
        ("gemini-cli", "s", "user", None),
        ("claude-code", "p", "project", "/home/ann"),
    ]


def test_a_file_of_more_servers_than_are_read_hides_none_of_them_behind_approved_ones(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(maps, "MAX_ENTRIES", 2)
    many = json.dumps({"mcpServers": {f"s{number}": {"command": "approved"} for number in range(3)}})
    found = look(ann({"/home/ann/.cursor/mcp.json": many}))
    assert len(found.servers) == 2
    assert state_of(found, "/home/ann/.cursor/mcp.json", "cursor") is CoverageState.UNREADABLE


def test_a_plugin_behind_more_than_are_looked_at_is_said_to_be_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plugins, "MAX_PLUGINS", 1)
    index = "/home/ann/.claude/plugins/installed_plugins.json"
    many = {f"p{number}@market": {"installPath": f"/home/ann/p{number}"} for number in range(2)}
    plugin = {f"/home/ann/p{number}/.mcp.json": servers(s="run") for number in range(2)}
    found = look(ann({index: json.dumps({"version": 2, "plugins": many}), **plugin}))
    assert [row.problem for row in found.coverage if not row.state.conclusive] == [
        f"{index} holds more entries than are looked at"
    ]
    assert [server.place.path for server in found.servers] == ["/home/ann/p0/.mcp.json"]
    judged, _ = assess(World((found,), managed({"allowedMcpServers": []}), QUIET), TERMS)
    behind = Key("server.unapproved.configured", "claude-code:ann:the one behind the cap")
    assert judged.findings.sighting(behind, ("config/ann/claude-code//home/ann/p1/.mcp.json",)) is Sighting.UNKNOWN


@pytest.mark.parametrize(("client", "path"), [("gemini-cli", ".gemini/settings.json"), ("cursor", ".cursor/mcp.json")])
def test_a_member_that_its_client_ignores_switches_nothing_off(client: str, path: str) -> None:
    entry = {
        "command": "x",
        "disabled": True,
        "enabled": False,
        "isActive": False,
        "active": False,
        "state": "disabled",
    }
    found = look(ann({f"/home/ann/{path}": json.dumps({"mcpServers": {"s": entry}})}))
    assert [server.disabled for server in found.servers if server.client == client] == [False]


class Stick(Tree):
    """A file system to which `.mcp.json` and `.Mcp.json` are one name."""

    def read(self, path: str, *, within: str | None = None, reader: User | None = None) -> Content:
        return Tree.read(self, path.replace("/.mcp.json", "/.Mcp.json"), within=within, reader=reader)


def test_a_file_whose_name_only_its_file_system_takes_for_the_clients_is_found() -> None:
    servers = json.dumps({"mcpServers": {"s": {"command": "x"}}})
    project = {"/home/ann/p/.Mcp.json": servers, STATE: remembering("/home/ann/p")}
    found = look(Stick({"/home/ann": Node.folder(), **project}))
    assert [server.name for server in found.servers if server.client == "claude-code"] == ["s"]
