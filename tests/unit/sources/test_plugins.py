"""Plugins and extensions: what is installed is found under the name that the policy sees, and what is off is said to be off."""

import json
from typing import Any

import pytest

from agent.core.observation import CoverageState
from agent.core.place import Os
from agent.sources import plugins
from tests.sim.files import Node, Tree
from tests.unit.sources.test_configs import look

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
