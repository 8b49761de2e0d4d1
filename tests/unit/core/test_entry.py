import pytest

from agent.core.entry import agent_entries, entry_fault, plugin_servers, read_servers
from agent.core.server import Server, ServerScope, Transport


def read(value: object, scope: ServerScope = ServerScope.USER) -> dict[str, Server]:
    servers, _ = read_servers(value, client="claude-code", user="ann", scope=scope, path="/f")
    return {server.name: server for server in servers}


@pytest.mark.parametrize(
    "entry",
    [
        None,
        "npx",
        {},
        {"command": ""},
        {"command": 3},
        {"command": ["npx"]},
        {"command": "npx", "args": "x y"},
        {"command": "npx", "args": [1]},
        {"command": "npx", "args": None},
        {"command": "npx", "env": {"A": 1}},
        {"command": "npx", "env": None},
        {"command": "npx", "type": None},
        {"command": "npx", "type": "STDIO"},
        {"command": "npx", "type": ["stdio"]},
        {"type": "http"},
        {"type": "HTTP", "url": "https://h.example"},
        {"url": "https://h.example"},
        {"type": "http", "url": "https://h.example", "headers": {"A": 1}},
        {"type": "http", "url": "https://h.example", "headersHelper": 1},
        {"type": "sse-ide", "url": "https://h.example", "ideName": "v"},
        {"command": "npx", "timeout": 0},
        {"command": "npx", "timeout": 1.5},
        {"command": "npx", "timeout": True},
        {"command": "npx", "alwaysLoad": 1},
        {"type": "ws", "url": "x", "timeout": 2**53},
        {"type": "http", "url": "x", "oauth": None},
        {"type": "http", "url": "x", "oauth": {"clientId": 1}},
        {"type": "http", "url": "x", "oauth": {"scopes": ""}},
        {"type": "sse", "url": "x", "oauth": {"callbackPort": "8080"}},
        {"type": "sse", "url": "x", "oauth": {"authServerMetadataUrl": "http://a.example"}},
        {"type": "sse", "url": "x", "tools": {}},
        {"type": "http", "url": "x", "tools": [{}]},
        {"type": "http", "url": "x", "tools": [{"name": "t", "permission_policy": "x"}]},
        {"type": "sdk", "name": "x"},
    ],
)
def test_an_entry_that_the_client_does_not_load_is_told_with_its_fault(entry: object) -> None:
    assert entry_fault(entry)
    servers, problems = read_servers({"a": entry}, client="c", user=None, scope=ServerScope.USER, path="/f")
    assert not servers
    assert [(problem.place.pointer, problem.code) for problem in problems] == [("/mcpServers/a", "invalid-server")]


@pytest.mark.parametrize(
    "entry",
    [
        {"command": "npx", "timeout": 1000.0, "alwaysLoad": True, "oauth": 1, "tools": 1, "cwd": 1},
        {"type": "ws", "url": "", "oauth": 1, "tools": 1, "env": 1},
        {"type": "http", "url": "", "oauth": {"clientId": "", "callbackPort": 1, "other": 1, "xaa": False}},
        {"type": "sse", "url": "", "oauth": {"authServerMetadataUrl": "https://a.example", "scopes": " "}},
        {"type": "http", "url": "", "tools": [{"name": "", "permission_policy": "always_ask", "x": 1}]},
    ],
)
def test_members_that_a_transport_does_not_know_may_hold_anything(entry: object) -> None:
    assert entry_fault(entry) is None


def test_one_bad_entry_costs_that_entry_alone() -> None:
    assert set(read({"bad": {"command": 3}, "good": {"command": "npx"}})) == {"good"}


def test_no_type_makes_a_command_even_beside_a_url() -> None:
    server = read({"a": {"command": "npx", "args": ["x"], "url": "https://h.example"}})["a"]
    assert (server.transport, server.command, server.url) == (Transport.STDIO, ("npx", "x"), None)


@pytest.mark.parametrize(
    ("kind", "transport"),
    [("http", Transport.HTTP), ("streamable-http", Transport.HTTP), ("sse", Transport.SSE), ("ws", Transport.WS)],
)
def test_a_remote_type_makes_a_url_even_beside_a_command(kind: str, transport: Transport) -> None:
    server = read({"a": {"type": kind, "command": "npx", "url": "nope"}})["a"]
    assert (server.transport, server.command, server.url) == (transport, None, "nope")


def test_an_in_process_server_is_valid_in_the_command_lines_config_alone() -> None:
    entry = {"a": {"type": "sdk", "name": "a"}}
    assert read(entry, ServerScope.DYNAMIC)["a"].transport is Transport.SDK
    assert not read(entry, ServerScope.PROJECT)


@pytest.mark.parametrize(
    "name", ["workspace", "claude-in-chrome", "__proto__", "Claude Preview", "Claude.Preview", "Claude_Browser"]
)
def test_a_reserved_name_is_skipped(name: str) -> None:
    assert not read({name: {"command": "npx"}})


def test_a_plugin_may_use_a_reserved_name_for_it_is_prefixed() -> None:
    assert set(read({"workspace": {"command": "npx"}}, ServerScope.PLUGIN)) == {"workspace"}


def test_other_odd_names_are_kept() -> None:
    names = ["", "ide", "a/b", "constructor", "colon:x", "a\nb", "ü"]
    assert list(read({name: {"command": "npx"} for name in names})) == names


@pytest.mark.parametrize("value", [None, [], "x", 1])
def test_a_map_that_is_none_gives_no_server_and_one_problem(value: object) -> None:
    servers, problems = read_servers(value, client="c", user=None, scope=ServerScope.USER, path="/f")
    assert (servers, [problem.code for problem in problems]) == ((), ["invalid-servers"])


def test_a_plugins_servers_carry_its_name_and_its_folder() -> None:
    raw = read({"pl": {"command": "${CLAUDE_PLUGIN_ROOT}/srv", "args": ["${CLAUDE_PLUGIN_DATA}", "${HOME}"]}})
    (server,) = plugin_servers(tuple(raw.values()), plugin="plug", root="/plug")
    assert (server.name, server.command) == ("plugin:plug:pl", ("/plug/srv", "${CLAUDE_PLUGIN_DATA}", "${HOME}"))


def test_an_agents_servers_come_from_maps_and_not_from_names() -> None:
    assert agent_entries(["other", {"a": {"command": "npx"}}, 3]) == {"a": {"command": "npx"}}
    assert agent_entries({"b": {}}) == {"b": {}}
    assert agent_entries(None) == {}
