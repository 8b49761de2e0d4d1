"""Single rules of recognition, each on the smallest tree that shows it."""

from dataclasses import replace

import pytest

from agent.catalog.rows import catalog
from agent.core.launchers import launch
from agent.core.observation import Process
from agent.core.place import Place
from agent.core.recognition import ClientMarks, Confidence, recognise
from agent.core.recognition.command import spellings
from agent.core.server import Server, ServerScope, Transport

AGENT = ClientMarks("agent", frozenset({"claude"}), ("@vendor/agent", "Agent.app"), frozenset({"AGENT_RUNS"}))
EDITOR = ClientMarks("editor", frozenset({"code"}), editor=True)
CLIENTS = (AGENT, EDITOR)
HOST_WIRES = {10: "pipe:1", 11: "pipe:2", 12: "pipe:3"}
CHILD_WIRES = {0: "pipe:1", 1: "pipe:2", 2: "pipe:3"}


def client(exe: str = "/opt/claude", **changes: object) -> Process:
    process = Process(10, 1.0, 1, "claude", "ann", exe, (exe,), "/home/ann", HOST_WIRES)
    return replace(process, **changes)  # type: ignore[arg-type] # the fields of the dataclass


def child(*command: str, **changes: object) -> Process:
    process = Process(11, 2.0, 10, command[0], "ann", None, command, "/home/ann", CHILD_WIRES, frozenset())
    return replace(process, **changes)  # type: ignore[arg-type] # as above


def entry(*command: str, client: str = "agent", user: str | None = "ann", name: str = "files") -> Server:
    place = Place("/home/ann/.agent.json", f"/mcpServers/{name}")
    return Server(
        client=client,
        user=user,
        scope=ServerScope.USER,
        name=name,
        place=place,
        transport=Transport.STDIO,
        command=command,
    )


def test_a_wired_child_of_an_agent_without_a_sign_of_mcp_counts_low_once_it_has_lived_a_while() -> None:
    table = [client(), child("python3", "work.py")]
    assert recognise(table, (), CLIENTS, now=4.0) == ()
    (server,) = recognise(table, (), CLIENTS, now=60.0)
    assert (server.client, server.confidence) == ("agent", Confidence.LOW)


def test_the_same_child_of_an_unknown_host_is_none_even_from_a_package() -> None:
    host = client("/usr/bin/node")
    assert recognise([host, child("npx", "-y", "some-tool")], (), CLIENTS, now=60.0) == ()


def test_what_a_wired_shell_runs_in_the_background_lends_it_no_sign() -> None:
    shell = child("bash", "/home/ann/session")
    aside = Process(12, 3.0, 11, "npx", "ann", None, ("npx", "-y", "x-mcp"), wires={})
    assert recognise([client("/usr/bin/node"), shell, aside], (), CLIENTS, now=60.0) == ()


def test_the_same_child_of_an_editor_is_none() -> None:
    assert recognise([client("/usr/bin/code"), child("python3", "work.py")], (), CLIENTS, now=60.0) == ()


@pytest.mark.parametrize(
    "command",
    [
        ("git", "cat-file", "--batch"),
        ("rg", "--json"),
        ("bash", "-c", "npm test && npm run build"),
        ("node", "/x/pyright-langserver", "--stdio"),
        ("node", "/x/server.js", "--node-ipc"),
        ("rust-language-server",),
        ("gopls",),
        ("/opt/py/bin/ty", "server"),
        ("deno", "lsp"),
        ("python3", "-m", "pytest"),
    ],
)
def test_an_ordinary_tool_is_not_a_server_however_it_is_wired(command: tuple[str, ...]) -> None:
    assert recognise([client(), child(*command)], (), CLIENTS, now=60.0) == ()


def test_an_ordinary_tool_that_an_entry_names_is_a_server() -> None:
    (server,) = recognise([client(), child("gopls", "-v")], [entry("gopls", "-v")], CLIENTS)
    assert server.server is not None
    assert server.confidence is Confidence.HIGH


@pytest.mark.parametrize("command", [("mcp-language-server", "--lsp", "gopls"), ("npx", "-y", "lsp-mcp", "lsp")])
def test_a_server_that_is_about_language_servers_is_a_server(command: tuple[str, ...]) -> None:
    (server,) = recognise([client(), child(*command)], (), CLIENTS, now=60.0)
    assert server.client is not None


@pytest.mark.parametrize("command", [("gopls", "mcp"), ("docker", "mcp", "gateway", "run")])
def test_a_tool_in_its_server_mode_is_a_server(command: tuple[str, ...]) -> None:
    (server,) = recognise([client(), child(*command)], (), CLIENTS, now=60.0)
    assert server.confidence is not Confidence.LOW


def test_a_client_that_serves_another_client_is_a_server_and_what_it_starts_is_its_own() -> None:
    serving = child("/opt/claude", "mcp", "serve", exe="/opt/claude", wires={**CHILD_WIRES, 20: "pipe:8", 21: "pipe:9"})
    inner = Process(12, 3.0, 11, "npx", "ann", None, ("npx", "-y", "x-mcp"), wires={0: "pipe:8", 1: "pipe:9"})
    table = [client("/usr/bin/code"), serving, inner]
    outer, nested = recognise(table, (), CLIENTS)
    assert (outer.client, outer.pids) == ("editor", (11,))
    assert (nested.client, nested.pids) == ("agent", (12,))


def test_a_client_s_own_fork_is_not_a_server() -> None:
    assert recognise([client(), child("/opt/claude", "mcp", "list", exe="/opt/claude")], (), CLIENTS) == ()


def test_a_server_that_starts_another_over_a_wire_of_its_own_hides_nothing() -> None:
    hub = child("npx", "-y", "mcp-hub", wires={**CHILD_WIRES, 20: "pipe:8", 21: "pipe:9"})
    inner = Process(12, 3.0, 11, "npx", "ann", None, ("npx", "-y", "mcp-files"), wires={0: "pipe:8", 1: "pipe:9"})
    helper = Process(13, 3.0, 11, "chrome", "ann", None, ("chrome",), wires={0: "pipe:5"})
    outer, nested = recognise([client(), hub, inner, helper], (), CLIENTS)
    assert (outer.pids, nested.pids) == ((11, 13), (12,))
    assert (outer.client, nested.client) == ("agent", None)


def test_a_wire_moved_to_other_descriptors_is_still_the_wire_above() -> None:
    root = child("uv", "tool", "uvx", "x-mcp")
    leaf = Process(
        12, 3.0, 11, "python", "ann", None, ("python", "/v/x-mcp"), wires={1: "pipe:3", 6: "pipe:1", 7: "pipe:2"}
    )
    (server,) = recognise([client(), root, leaf], (), CLIENTS)
    assert server.pids == (11, 12)
    alone = replace(leaf, pid=11, ppid=10)
    (server,) = recognise([client(), alone], (), CLIENTS)
    assert "wire" in {row.kind for row in server.evidence}


@pytest.mark.parametrize(
    "wires",
    [
        {0: "pipe:7", 1: "pipe:2", 2: "pipe:3"},  # only output is read: a command whose output is wanted
        {10: "pipe:1", 11: "pipe:2"},  # inherited on the same descriptors
        {1: "pipe:2", 2: "pipe:3"},
        {},
    ],
)
def test_descriptors_that_are_inherited_or_lead_one_way_are_no_wire(wires: dict[int, str]) -> None:
    assert recognise([client(), child("npx", "-y", "x-mcp", wires=wires)], (), CLIENTS) == ()


def test_one_socket_that_serves_both_directions_is_a_wire() -> None:
    table = [client(wires={9: "socket:1"}), child("npx", "-y", "x-mcp", wires={0: "socket:1", 1: "socket:1"})]
    assert len(recognise(table, (), CLIENTS)) == 1


def test_where_no_wires_can_be_seen_an_entry_under_its_client_suffices_and_a_name_does_not() -> None:
    table = [client(wires=None), child("x-mcp", wires=None)]
    assert recognise(table, (), CLIENTS) == ()
    (server,) = recognise(table, [entry("x-mcp")], CLIENTS)
    assert server.confidence is Confidence.HIGH


def test_a_command_typed_into_a_terminal_is_not_a_server_even_if_an_entry_names_it() -> None:
    shell = Process(10, 1.0, 1, "bash", "ann", "/bin/bash", ("-bash",))
    assert recognise([shell, child("npx", "-y", "x-mcp", wires=None)], [entry("npx", "-y", "x-mcp")], CLIENTS) == ()


def test_the_entry_of_the_client_above_and_of_the_same_user_is_the_one_matched() -> None:
    command = ("npx", "-y", "x-mcp")
    servers = [
        entry(*command, client="other", name="a"),
        entry(*command, user="bob", name="b"),
        entry(*command, name="c"),
    ]
    (server,) = recognise([client(), child(*command)], servers, CLIENTS)
    assert server.server is servers[2]
    (server,) = recognise([client(), child(*command)], servers[1:2], CLIENTS)
    assert server.server is None


def test_a_renamed_client_is_told_by_the_marks_it_sets() -> None:
    host = client("/opt/innocent")
    (server,) = recognise([host, child("npx", "-y", "x-mcp", marks=frozenset({"AGENT_RUNS"}))], (), CLIENTS)
    assert server.client == "agent"
    assert "mark" in {row.kind for row in server.evidence}


def test_a_client_is_known_by_whole_path_components_and_never_by_an_argument() -> None:
    package = client("/usr/bin/node", command=("node", "/x/node_modules/@vendor/agent/cli.js"))
    bundle = client("/Applications/Agent.app/Contents/MacOS/x")
    for host in (package, bundle):
        (server,) = recognise([host, child("npx", "-y", "x-mcp")], (), CLIENTS)
        assert server.client == "agent"
    for host in (
        client("/usr/bin/vim", command=("vim", "/x/@vendor/agent/cli.js")),
        client("/x/@vendor/agent-tools/cli"),
        client("/usr/bin/timeout", command=("timeout", "9", "/opt/claude")),
    ):
        (server,) = recognise([host, child("npx", "-y", "x-mcp")], (), CLIENTS)
        assert server.client is None


def test_what_a_client_adds_around_the_command_is_taken_off_the_command() -> None:
    wrapped = child("/Applications/Agent.app/Contents/Helpers/disclaimer", "--pgroup", "--", "npx", "-y", "x-mcp")
    (server,) = recognise([client(), wrapped], (), CLIENTS)
    assert server.command == ("npx", "-y", "x-mcp")
    (server,) = recognise([client(), child("npm exec x-mcp a b", "", "")], (), CLIENTS)
    assert server.command == ("npx", "-y", "x-mcp", "a", "b")
    assert ("npx", "x-mcp", "a", "b") in server.alternatives
    (server,) = recognise([client(), child("/v/bin/python", "/v/bin/x-mcp", "a", name="x-mcp")], (), CLIENTS)
    assert server.command == ("/v/bin/x-mcp", "a")


def test_a_reused_parent_id_is_not_a_parent() -> None:
    younger = client(create_time=50.0)
    assert recognise([younger, child("npx", "-y", "x-mcp", wires=None)], (), CLIENTS) == ()


def test_a_name_that_is_not_plain_is_withheld_from_the_evidence() -> None:
    odd = entry("npx", "-y", "x-mcp", name="token=hunter2 \x1b[0m")
    (server,) = recognise([client(), child("npx", "-y", "x-mcp")], [odd], CLIENTS)
    assert all("hunter2" not in row.text for row in server.evidence)


@pytest.mark.parametrize(
    ("observed", "typed"),
    [
        (("node", "/usr/bin/npx", "-y", "x-mcp"), ("npx", "-y", "x-mcp")),
        (("node", "/usr/lib/node_modules/npm/bin/npx-cli.js", "-y", "x-mcp"), ("npx", "-y", "x-mcp")),
        (("node", "/usr/lib/node_modules/npm/bin/npm-cli.js", "exec", "-y", "x-mcp"), ("npm", "exec", "-y", "x-mcp")),
        (("python3", "/usr/bin/pipx", "run", "x-mcp"), ("pipx", "run", "x-mcp")),
        (("node", "/opt/x-mcp.js"), ("node", "/opt/x-mcp.js")),
    ],
)
def test_a_launcher_caught_before_it_rewrites_its_title_is_the_command_that_was_typed(
    observed: tuple[str, ...], typed: tuple[str, ...]
) -> None:
    process = Process(1, 1.0, 0, "node", command=observed)
    assert spellings(process, launch(observed))[0] == typed


def test_what_its_package_says_of_itself_is_a_sign_of_mcp() -> None:
    quiet = child("node", "/opt/quiet/index.js")
    (guess,) = recognise([client(), quiet], (), CLIENTS)
    (server,) = recognise([client(), quiet], (), CLIENTS, declares={quiet.identity: "@modelcontextprotocol/sdk"})
    assert (guess.confidence, server.confidence) == (Confidence.LOW, Confidence.HIGH)
    assert "its package's own metadata says that it is an MCP server (@modelcontextprotocol/sdk)" in {
        fact.text for fact in server.evidence
    }
    editor = client("/usr/bin/code")
    assert recognise([editor, quiet], (), CLIENTS) == ()
    (server,) = recognise([editor, quiet], (), CLIENTS, declares={quiet.identity: "mcpName"})
    assert server.confidence is Confidence.MEDIUM


def test_a_package_that_declares_itself_and_talks_to_nobody_is_no_running_server() -> None:
    loose = child("node", "/opt/quiet/index.js", wires={})
    assert recognise([client(), loose], (), CLIENTS, declares={loose.identity: "mcpName"}) == ()
    tool = child("eslint", ".")
    assert recognise([client(), tool], (), CLIENTS, declares={tool.identity: "@modelcontextprotocol/sdk"}) == ()


def test_a_server_that_bears_the_name_of_a_client_is_seen_where_an_entry_yields_it() -> None:
    table = [client(), child("/home/ann/bin/code", exe="/home/ann/bin/code")]
    assert recognise(table, (), CLIENTS) == ()
    (server,) = recognise(table, (entry("/home/ann/bin/code"),), CLIENTS)
    assert (server.client, server.pids, server.confidence) == ("agent", (11,), Confidence.HIGH)
    same = [client(), child("/opt/claude", "--worker", exe="/opt/claude")]
    assert recognise(same, (entry("/opt/claude"),), CLIENTS) == ()


@pytest.mark.parametrize("name", ["env", "npx", "sh", "timeout", "git"])
def test_a_client_that_is_started_under_another_programs_name_is_the_client(name: str) -> None:
    host = client(command=(name, "-c", "claude; true"))
    (server,) = recognise([host, child("npx", "-y", "x-mcp")], (), CLIENTS, now=60.0)
    assert server.client == "agent"


def test_a_client_under_a_dynamic_loader_is_the_client() -> None:
    host = client("/lib/ld-linux-x86-64.so.2", command=("/opt/claude", "--mcp-config", "x"))
    (server,) = recognise([host, child("npx", "-y", "x-mcp")], (), CLIENTS, now=60.0)
    assert server.client == "agent"


def test_a_launcher_of_a_clients_own_interpreter_is_no_client() -> None:
    launcher = Process(11, 2.0, 10, "npx", "ann", "/opt/Agent.app/node", ("npm exec x-mcp", ""), wires=CHILD_WIRES)
    (server,) = recognise([client(), launcher], (), CLIENTS, now=60.0)
    assert (server.client, server.process.pid) == ("agent", 11)


def test_who_sets_what_a_client_sets_is_that_client_whatever_it_is_called() -> None:
    renamed = client("/home/ann/x", marks=frozenset[str]())
    server = child("node", "evil-mcp.js", marks=frozenset({"AGENT_RUNS"}))
    (found,) = recognise([renamed, server], (), CLIENTS, now=60.0)
    assert (found.client, found.confidence) == ("agent", Confidence.HIGH)


def test_who_only_passes_on_what_a_client_set_is_none() -> None:
    tool = client("/home/ann/x", marks=frozenset({"AGENT_RUNS"}))
    started = child("node", "evil-mcp.js", marks=frozenset({"AGENT_RUNS"}))
    (found,) = recognise([tool, started], (), CLIENTS, now=60.0)
    assert found.confidence is Confidence.LOW


def test_who_sets_for_a_client_what_tells_it_who_started_it_is_no_client() -> None:
    marks = catalog().marks
    app = client("/usr/bin/node", command=("node", "app.js"), marks=frozenset[str]())
    script = "/p/node_modules/@anthropic-ai/claude-agent-sdk/cli.js"
    for command in (("node", script, "--output-format", "stream-json"), ("node", "/p/bundled.js")):
        session = child(*command, marks=frozenset({"CLAUDE_CODE_ENTRYPOINT"}))
        assert recognise([app, session], (), marks, now=60.0) == ()
    server = replace(child("node", "x-mcp.js"), pid=12, ppid=11)
    session = child("node", script, wires=HOST_WIRES)
    (found,) = recognise([replace(app, wires={}), session, server], (), marks, now=60.0)
    assert (found.client, found.process.pid) == ("claude-code", 12)
