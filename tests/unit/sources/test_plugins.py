"""Plugins and extensions: what is installed is found under the name that the policy sees, and what is off is said to be off."""

import json
import sqlite3
from contextlib import closing
from typing import Any

import pytest

from agent.core.observation import CoverageState
from agent.core.place import Os
from agent.sources import plugins
from tests.sim.files import Node, Tree
from tests.sim.looks import look

ROOT = "/home/ann/.claude/plugins/cache/market/tools/1.0.0"
INDEX = "/home/ann/.claude/plugins/installed_plugins.json"
ENTRY = {"command": "${CLAUDE_PLUGIN_ROOT}/bin/serve", "args": ["--x"]}


def tree(index: Any, files: dict[str, Any], os: Os = "linux") -> Tree:  # noqa: ANN401 - JSON
    texts = {path: text if isinstance(text, str) else json.dumps(text) for path, text in files.items()}
    return Tree({"/home/ann": Node.folder(), INDEX: json.dumps(index), **texts}, os=os)


def installed(path: object = ROOT, **more: object) -> dict[str, Any]:
    return {"version": 2, "plugins": {"tools@market": [{"scope": "user", "installPath": path, **more}]}}


@pytest.mark.parametrize(
    ("files", "count"),
    [
        ({".mcp.json": {"mcpServers": {"s": ENTRY}}}, 1),
        ({".mcp.json": {"s": ENTRY}}, 1),
        ({".claude-plugin/plugin.json": {"name": "tools", "mcpServers": {"s": ENTRY}}}, 1),
        (
            {
                ".claude-plugin/plugin.json": {"mcpServers": "./config/servers.json"},
                "config/servers.json": {"s": ENTRY},
            },
            1,
        ),
        ({".claude-plugin/plugin.json": {"mcpServers": "../../../../../.ssh/x.json"}}, 0),
        ({".claude-plugin/plugin.json": {"mcpServers": ["/etc/passwd", 3, None]}}, 0),
    ],
)
def test_a_plugins_servers_are_named_after_it_and_have_its_folder_put_in(files: dict[str, Any], count: int) -> None:
    found = look(tree(installed(), {f"{ROOT}/{name}": text for name, text in files.items()}))
    expected = [("plugin", "plugin:tools:s", (f"{ROOT}/bin/serve", "--x"), False)] * count
    assert [(s.scope, s.name, s.command, s.disabled) for s in found.servers] == expected


def test_a_plugin_that_is_switched_off_is_off() -> None:
    files = {
        f"{ROOT}/.mcp.json": {"s": ENTRY},
        "/home/ann/.claude/settings.json": {"enabledPlugins": {"tools@market": False}},
    }
    assert [server.disabled for server in look(tree(installed(), files)).servers] == [True]


def test_a_plugin_of_a_project_counts_for_that_project() -> None:
    found = look(tree(installed(projectPath="/home/ann/p"), {f"{ROOT}/.mcp.json": {"s": ENTRY}}))
    assert [server.project for server in found.servers] == ["/home/ann/p"]


ODD = [[], {"plugins": 3}, {"plugins": {"x": None}}, installed(3), installed("relative"), installed("/etc")]


@pytest.mark.parametrize("index", ODD)
def test_an_odd_index_brings_nothing(index: object) -> None:
    assert look(tree(index, {})).servers == ()


def test_a_plugin_whose_folder_is_a_link_out_of_the_home_is_not_read() -> None:
    planted = tree(installed(), {"/srv/other/.mcp.json": {"s": ENTRY}})
    planted.put(ROOT, Node.link("/srv/other"))
    found = look(planted)
    assert found.servers == ()
    assert any(row.state is CoverageState.UNREADABLE for row in found.coverage)


def test_more_plugins_than_the_cap_are_not_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plugins, "MAX_PLUGINS", 0)
    assert look(tree(installed(), {f"{ROOT}/.mcp.json": {"s": ENTRY}})).servers == ()


def test_a_desktop_extension_is_found_with_its_overrides_and_its_state() -> None:
    data = "/home/ann/.config/Claude"
    over = {"linux": {"command": "n2"}}
    manifest = {
        "name": "files",
        "server": {
            "mcp_config": {
                "command": "node",
                "args": ["${__dirname}/i.js"],
                "platform_overrides": over,
            }
        },
    }
    files = {
        f"{data}/Claude Extensions/ext.a/manifest.json": manifest,
        f"{data}/Claude Extensions/ext.b/manifest.json": {**manifest, "name": "off"},
        f"{data}/Claude Extensions Settings/ext.b.json": {"isEnabled": False, "userConfig": {"key": "canary"}},
    }
    found = look(tree({}, files))
    assert [(s.scope, s.name, s.command, s.disabled) for s in found.servers] == [
        ("extension", "files", ("n2", f"{data}/Claude Extensions/ext.a/i.js"), False),
        ("extension", "off", ("n2", f"{data}/Claude Extensions/ext.b/i.js"), True),
    ]


def test_agents_and_connectors_of_the_account_are_found() -> None:
    files = {
        "/home/ann/.claude/agents/a.md": "---\nname: a\nmcpServers:\n  - s:\n      command: run\n  - other\n---\nText\n",
        "/home/ann/.claude/mcp-needs-auth-cache.json": {"claude.ai Linear": {"timestamp": 1}, "own": {}},
    }
    found = look(tree({}, files))
    assert [(s.scope, s.name, s.command, s.url) for s in found.servers] == [
        ("agent", "s", ("run",), None),
        ("user", "claude.ai Linear", None, None),
    ]


def test_what_the_desktop_notes_of_an_extension_goes_with_its_server() -> None:
    data = "/home/ann/.config/Claude"
    note = {"version": "1.2.0", "signatureInfo": {"status": "unsigned", "publisher": "Example"}, "manifest": {"x": 1}}
    files = {
        f"{data}/Claude Extensions/ext.a/manifest.json": {"name": "a", "server": {"mcp_config": {"command": "a"}}},
        f"{data}/Claude Extensions/ext.b/manifest.json": {"name": "b", "server": {"mcp_config": {"command": "b"}}},
        f"{data}/extensions-installations.json": {"extensions": {"ext.a": note, "ext.b": {"signatureInfo": 3}}},
    }
    found = {server.name: server.provenance for server in look(tree({}, files)).servers}
    assert found == {"a": {"version": "1.2.0", "signature": "unsigned", "publisher": "Example"}, "b": {}}


DOCKER = "/home/ann/.docker/mcp"
IMAGE = "mcp/time@sha256:" + "0" * 64


def test_dockers_enabled_servers_are_what_the_gateway_runs_for_them() -> None:
    catalog = {"registry": {"time": {"image": IMAGE, "command": ["--utc"]}, "idle": {"image": "mcp/idle"}}}
    files = {
        f"{DOCKER}/registry.yaml": {"registry": {"time": {"ref": ""}, "gone": {"ref": ""}}},
        f"{DOCKER}/catalogs/docker-mcp.yaml": catalog,
    }
    found = look(tree({}, files)).servers
    assert [(s.name, s.command, s.disabled) for s in found] == [
        ("gone", None, False),  # enabled, and nobody here knows what it is
        ("time", ("docker", "run", "--rm", "-i", IMAGE, "--utc"), False),
        ("idle", ("docker", "run", "--rm", "-i", "mcp/idle"), True),
    ]


def test_the_profiles_in_dockers_database_are_read() -> None:
    servers = [
        {"type": "image", "image": IMAGE, "snapshot": {"server": {"name": "time", "command": ["--utc"]}}},
        {"type": "remote", "endpoint": "https://mcp.example.com/mcp", "snapshot": {"server": {"name": "far"}}},
        {"type": "registry", "source": "https://registry.example.com/v0/servers/x"},
        "nonsense",
    ]
    with closing(sqlite3.connect(":memory:")) as connection:
        connection.execute("CREATE TABLE working_set (id TEXT PRIMARY KEY, name TEXT, servers TEXT, secrets TEXT)")
        connection.execute("INSERT INTO working_set VALUES ('work', 'Work', ?, '{}')", (json.dumps(servers),))
        connection.commit()
        planted = tree({}, {})
        planted.put(f"{DOCKER}/mcp-toolkit.db", connection.serialize())
    found = look(planted).servers
    assert [(s.name, s.command, s.url, s.place.pointer) for s in found] == [
        ("time", ("docker", "run", "--rm", "-i", IMAGE, "--utc"), None, "/work/0"),
        ("far", None, "https://mcp.example.com/mcp", "/work/1"),
        ("https://registry.example.com/v0/servers/x", None, None, "/work/2"),
        ("3", None, None, "/work/3"),
    ]


def test_a_workload_of_toolhive_is_the_container_with_what_is_mounted_and_set_in_it() -> None:
    run = {
        "name": "gh",
        "image": "ghcr.io/github/github-mcp-server:v1",
        "cmd_args": ["stdio"],
        "volumes": ["/home/ann:/data:ro"],
        "secrets": ["github,target=GITHUB_TOKEN", "odd"],
        "env_vars": {"MODE": "x"},
    }
    (found,) = look(tree({}, {"/home/ann/.local/state/toolhive/runconfigs/gh.json": run})).servers
    image = "ghcr.io/github/github-mcp-server:v1"
    assert found.command == ("docker", "run", "--rm", "-i", "-v", "/home/ann:/data:ro", image, "stdio")
    assert set(found.env) == {"MODE", "GITHUB_TOKEN"}


def test_plugins_in_seed_folders_are_off_until_the_settings_switch_them_on() -> None:
    files = {
        "/opt/seed/cache/market/tools/1.0.0/.mcp.json": {"s": ENTRY},
        "/opt/more/cache/market/other/2.0.0/.claude-plugin/plugin.json": {"mcpServers": {"o": ENTRY}},
        "/home/ann/.claude/settings.json": {"enabledPlugins": {"tools@market": True}},
    }
    found = look(tree({}, files), env={"CLAUDE_CODE_PLUGIN_SEED_DIR": "/opt/seed:/opt/more:relative"})
    assert [(s.name, s.command, s.disabled) for s in found.servers] == [
        ("plugin:tools:s", ("/opt/seed/cache/market/tools/1.0.0/bin/serve", "--x"), False),
        ("plugin:other:o", ("/opt/more/cache/market/other/2.0.0/bin/serve", "--x"), True),
    ]
    assert look(tree({}, files)).servers == ()


def test_the_folder_of_plugins_may_be_moved() -> None:
    planted = tree({}, {f"{ROOT}/.mcp.json": {"s": ENTRY}, "/opt/p/installed_plugins.json": installed()})
    found = look(planted, env={"CLAUDE_CODE_PLUGIN_CACHE_DIR": "/opt/p"})
    assert [server.name for server in found.servers] == ["plugin:tools:s"]
