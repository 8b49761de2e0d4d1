"""What running clients were given on their command lines, read as their user."""

import json
from collections.abc import Sequence

import pytest

from agent.core.observation import Given, Process
from agent.core.place import User
from agent.core.recognition import ClientMarks
from agent.core.server import Transport
from agent.sources.flags import Flags
from agent.sources.options import INLINE
from tests.sim.files import Node, Tree

ANN = User("ann", "/home/ann", 1000, frozenset({1000}))
MARKS = (
    ClientMarks("claude-code", frozenset({"claude"}), ("@anthropic-ai/claude-code",)),
    ClientMarks("codex", frozenset({"codex"})),
    ClientMarks("cursor", frozenset({"cursor"})),
    ClientMarks("github-copilot-cli", frozenset({"copilot"})),
    ClientMarks("amp", frozenset({"amp"})),
    ClientMarks("augment", frozenset({"auggie"})),
    ClientMarks("kimi-cli", frozenset({"kimi"})),
    ClientMarks("goose", frozenset({"goose"})),
)
CONFIG = json.dumps({"mcpServers": {"x": {"command": "rogue", "args": ["--token=hunter2"]}}})


class _Users:
    def users(self) -> Sequence[User]:
        return (ANN,)


def flags(**files: str | Node) -> Flags:
    return Flags(Tree({path.replace("__", "/"): what for path, what in files.items()}), _Users(), MARKS)


def process(*command: str, user: str = "ann", pid: int = 10) -> Process:
    return Process(pid, 1.0, 1, command[0], user, f"/usr/bin/{command[0]}", command, "/home/ann/proj")


def commands(given: Sequence[Given]) -> list[tuple[str, ...] | None]:
    return [item.server.command for item in given if item.server is not None]


def test_inline_json_is_read_and_its_secrets_do_not_show() -> None:
    (item,) = flags().given([process("claude", "-p", "--mcp-config", CONFIG)])
    assert item.server is not None
    assert item.server.command == ("rogue", "--token=hunter2")
    assert (item.flag, item.server.place.path, item.process) == ("--mcp-config", INLINE, (10, 1.0))
    assert "hunter2" not in repr(item)


def test_a_file_is_read_from_the_folder_of_the_process_as_its_user() -> None:
    tree = Tree(
        {
            "/home/ann/proj/mcp.json": CONFIG,
            "/root/mcp.json": Node(raw=CONFIG.encode(), mode=0o600),
        }
    )
    source = Flags(tree, _Users(), MARKS)
    (item,) = source.given([process("claude", "--mcp-config", "mcp.json")])
    assert item.server is not None
    assert item.server.place.path == "mcp.json"
    (item,) = source.given([process("claude", "--mcp-config", "/root/mcp.json", pid=11)])
    assert (item.server, item.problem) == (None, "a file that it names could not be read")


def test_nothing_is_read_for_an_account_that_is_not_known() -> None:
    tree = Tree({"/home/ann/proj/mcp.json": CONFIG})
    (item,) = Flags(tree, _Users(), MARKS).given([process("claude", "--mcp-config", "mcp.json", user="bob")])
    assert item.server is None
    assert tree.reads == []


def test_a_file_is_read_once_per_process() -> None:
    tree = Tree({"/home/ann/proj/mcp.json": CONFIG})
    source = Flags(tree, _Users(), MARKS)
    one = [process("claude", "--mcp-config", "mcp.json")]
    assert source.given(one) == source.given(one)
    assert len(tree.reads) == 1
    assert source.given([]) == ()


def test_servers_that_the_starting_program_serves_itself_are_left_out() -> None:
    config = json.dumps({"mcpServers": {"app": {"type": "sdk", "name": "app"}, "x": {"command": "rogue"}}})
    assert commands(flags().given([process("claude", f"--mcp-config={config}")])) == [("rogue",)]


def test_a_plugin_folder_and_agents_bring_servers_too() -> None:
    tree = Tree({"/home/ann/proj/plug/.mcp.json": json.dumps({"a": {"command": "${CLAUDE_PLUGIN_ROOT}/a"}})})
    agents = json.dumps({"helper": {"mcpServers": [{"b": {"command": "b"}}, "other"]}})
    given = Flags(tree, _Users(), MARKS).given([process("claude", "--plugin-dir", "plug", "--agents", agents)])
    assert {item.flag: item.server.command for item in given if item.server} == {
        "--plugin-dir": ("/home/ann/proj/plug/a",),
        "--agents": ("b",),
    }


@pytest.mark.parametrize(
    "options",
    [
        ("-c", 'mcp_servers.x.command="rogue"', "-c", 'mcp_servers.x.args=["a", "b"]'),
        ('-cmcp_servers.x.command="rogue"', '-cmcp_servers.x.args=["a", "b"]'),
        ("--config", "mcp_servers.x.command=rogue", '--config=mcp_servers.x.args=["a","b"]'),
        ("-c", 'mcp_servers={x={command="rogue",args=["a","b"]}}'),
        ("-c", 'mcp_servers."x".command="rogue"', "-c", 'mcp_servers."x".args=["a","b"]', "-c", 'model="o3"'),
    ],
)
def test_codex_settings_on_the_command_line_are_put_together(options: tuple[str, ...]) -> None:
    (item,) = flags().given([process("codex", "exec", *options)])
    assert item.server is not None
    assert (item.server.name, item.server.command, item.server.transport) == (
        "x",
        ("rogue", "a", "b"),
        Transport.STDIO,
    )


@pytest.mark.parametrize(
    "command",
    [
        ("grep", "--mcp-config", CONFIG),
        ("cursor", "--mcp-config", CONFIG),
        ("claude", "-c"),
        ("codex", "-c", "model=x"),
        ("codex", "-c"),
    ],
)
def test_other_programs_and_options_bring_nothing(command: tuple[str, ...]) -> None:
    assert flags().given([process(*command)]) == ()


@pytest.mark.parametrize("value", ["{", "[]", '{"mcpServers": 7}', '{"mcpServers": {"x": 1}}', "[" * 100_000])
def test_what_cannot_be_read_brings_no_server_and_no_crash(value: str) -> None:
    assert commands(flags().given([process("claude", "--mcp-config", value)])) == []


def test_a_setting_that_contradicts_another_is_dropped() -> None:
    options = ("-c", "mcp_servers=1", "-c", 'mcp_servers.x.command="rogue"', "-c", "mcp_servers...=1")
    assert commands(flags().given([process("codex", *options)])) == []


BARE = json.dumps(json.loads(CONFIG)["mcpServers"])


@pytest.mark.parametrize(
    ("command", "given"),
    [
        (("copilot", "--additional-mcp-config", CONFIG), True),
        (("copilot", "--additional-mcp-config=@mcp.json"), True),
        (("copilot", "--additional-mcp-config", "@~/sub/mcp.json"), True),
        (("copilot", "-C", "/home/ann/sub", "--additional-mcp-config", "@mcp.json"), True),
        (("copilot", "-C", "../sub", "--additional-mcp-config", "@mcp.json"), True),
        (("copilot", "--additional-mcp-config", "mcp.json"), False),
        (("copilot", "--additional-mcp-config", BARE), False),
        (("amp", "--mcp-config", BARE), True),
        (("amp", "--mcp-config", "bare.json"), True),
        (("amp", "--mcp-config", "bare.json", "--mcp-config", "{}"), False),
        (("amp", "--mcp-config", CONFIG), False),
        (("auggie", "--mcp-config", CONFIG), True),
        (("auggie", "--mcp-config=mcp.json"), True),
        (("auggie", "--mcp-config", BARE), False),
        (("kimi", "--mcp-config", CONFIG), True),
        (("kimi", "--mcp-config-file", "mcp.json"), True),
        (("kimi", "--mcp-config", "mcp.json"), False),
    ],
)
def test_other_clients_take_json_and_files_of_it_each_in_its_way(command: tuple[str, ...], given: bool) -> None:  # noqa: FBT001
    tree = Tree(
        {
            "/home/ann/proj/mcp.json": CONFIG,
            "/home/ann/proj/bare.json": BARE,
            "/home/ann/sub/mcp.json": CONFIG,
        }
    )
    found = Flags(tree, _Users(), MARKS).given([process(*command)])
    assert commands(found) == ([("rogue", "--token=hunter2")] if given else [])
    assert all(item.problem is None for item in found)


@pytest.mark.parametrize(
    "words",
    [
        ("copilot", "--additional-mcp-config", "@gone.json"),
        ("amp", "--mcp-config", "@bare.json"),
        ("auggie", "--mcp-config", "~/mcp.json/x"),
        ("kimi", "--mcp-config-file", "gone.json"),
    ],
)
def test_a_file_that_is_not_there_for_the_client_is_said_not_to_be_read(words: tuple[str, ...]) -> None:
    (item,) = Flags(Tree({"/home/ann/proj/bare.json": BARE}), _Users(), MARKS).given([process(*words)])
    assert (item.server, item.problem) == (None, "a file that it names could not be read")


@pytest.mark.parametrize("manifest", ["plugin.json", ".github/plugin/plugin.json", ".claude-plugin/plugin.json"])
def test_copilot_starts_what_a_plugin_folder_holds_if_it_has_a_manifest(manifest: str) -> None:
    def started(files: dict[str, str], *words: str) -> list[tuple[str, ...] | None]:
        tree = Tree({"/home/ann/proj/x": "", **{f"/home/ann/plug/{name}": text for name, text in files.items()}})
        return commands(Flags(tree, _Users(), MARKS).given([process("copilot", *words)]))

    rogue, options = [("rogue", "--token=hunter2")], ("--plugin-dir", "../plug")
    for path in (".mcp.json", ".github/mcp.json"):
        assert started({manifest: '{"name": "p"}', path: CONFIG}, *options) == rogue
        assert started({path: CONFIG}, *options) == []
    assert started({manifest: json.dumps({"mcpServers": json.loads(BARE)})}, *options) == rogue
    assert (
        started({manifest: '{"mcpServers": "./s.json"}', "s.json": CONFIG}, "-C", "/home/ann", "--plugin-dir", "plug")
        == rogue
    )
    assert started({manifest: '{"mcpServers": [1]}'}, *options) == []


def test_goose_takes_commands_and_addresses() -> None:
    given = flags().given(
        [
            process(
                *("goose", "session", "--with-extension", "TOKEN=hunter2 npx -y 'x mcp'"),
                *("--with-streamable-http-extension", "https://mcp.example.com/mcp"),
            )
        ]
    )
    assert [(item.flag, item.server.command, item.server.url) for item in given if item.server] == [
        ("--with-extension", ("npx", "-y", "x mcp"), None),
        ("--with-streamable-http-extension", None, "https://mcp.example.com/mcp"),
    ]


@pytest.mark.parametrize("manifest", [{"b": {"command": "b"}}, "./more.json", ["./more.json"]])
def test_a_plugin_folder_brings_what_its_manifest_holds_or_names(manifest: object) -> None:
    tree = Tree(
        {
            "/home/ann/proj/plug/.claude-plugin/plugin.json": json.dumps({"name": "plug", "mcpServers": manifest}),
            "/home/ann/proj/plug/more.json": json.dumps({"mcpServers": {"b": {"command": "b"}}}),
        }
    )
    assert commands(Flags(tree, _Users(), MARKS).given([process("claude", "--plugin-dir", "plug")])) == [("b",)]


def test_a_plugin_from_elsewhere_is_said_not_to_be_known() -> None:
    (item,) = flags().given([process("claude", "--plugin-url", "https://example.com/plug.zip")])
    assert (item.server, item.problem) == (None, "it names a plugin that is fetched from elsewhere")


@pytest.mark.parametrize(
    "options",
    [
        ("--settings", CONFIG),
        ("--settings", json.dumps({"mcpServers": {"x": {"command": "rogue"}}, "enableAllProjectMcpServers": True})),
        ("--setting-sources", "user,project"),
        ("--strict-mcp-config",),
        ("--safe-mode",),
    ],
)
def test_options_that_bring_no_server_of_their_own(options: tuple[str, ...]) -> None:
    """What they change of the servers in files is judged with the files; a settings file holds no servers."""
    assert flags().given([process("claude", *options)]) == ()


def test_strict_changes_nothing_of_what_is_given() -> None:
    assert commands(flags().given([process("claude", "--strict-mcp-config", "--mcp-config", CONFIG)])) == [
        ("rogue", "--token=hunter2")
    ]
