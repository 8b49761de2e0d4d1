"""Other real clients write their own files, each by the command that it has for it, and the reader finds exactly what was added.

One laptop for all: what one client wrote must not be taken for another's. Nothing that was added is ever started.
"""

import json
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.machine import ANN, HOME, PROJECT, Machine
from tests.e2e.programs import Programs, program

pytestmark = pytest.mark.e2e

COMMAND = ("npx", "-y", "@example/server", "--flag", "two words")
URL = "https://mcp.example.com/mcp"
SECRETS = ("s3cret-env", "s3cret-header")
ENV, HEADER, PAIR = "API_KEY=s3cret-env", "Authorization: Bearer s3cret-header", "Authorization=Bearer s3cret-header"
ELSEWHERE = f"{HOME}/elsewhere"


@dataclass(frozen=True)
class Entry:
    """What a look must find: a stdio server unless the transport is another. In the project folder where the path is there."""

    name: str
    path: str
    transport: str = "stdio"
    command: tuple[str, ...] = COMMAND


@dataclass(frozen=True)
class Client:
    """A client with what it is told to add, and the entries that this must lead to.

    `moved` are variables that make it keep its configuration elsewhere, with the command that adds one more server, and where.
    """

    id: str
    program: str
    adds: tuple[tuple[str, ...], ...]
    entries: tuple[Entry, ...]
    moved: Mapping[str, str]
    moved_adds: tuple[str, ...]
    moved_entry: Entry


CLIENTS = (
    Client(
        "claude-code",
        "claude",
        (
            ("mcp", "add", "--scope", "user", "here", "--env", ENV, "--", *COMMAND),
            ("mcp", "add", "--scope", "user", "--transport", "sse", "there", URL, "--header", HEADER),
            ("mcp", "add", "--scope", "project", "--transport", "http", "shared", URL),
        ),
        (
            Entry("here", f"{HOME}/.claude.json"),
            Entry("there", f"{HOME}/.claude.json", "sse"),
            Entry("shared", f"{PROJECT}/.mcp.json", "http"),
        ),
        {"CLAUDE_CONFIG_DIR": f"{ELSEWHERE}/claude"},
        ("mcp", "add", "--scope", "user", "moved", "--", "run"),
        Entry("moved", f"{ELSEWHERE}/claude/.claude.json", command=("run",)),
    ),
    Client(
        "codex",
        "codex",
        (
            ("mcp", "add", "here", "--env", ENV, "--", *COMMAND),
            ("mcp", "add", "there", "--url", URL, "--bearer-token-env-var", "TOKEN"),
        ),
        (Entry("here", f"{HOME}/.codex/config.toml"), Entry("there", f"{HOME}/.codex/config.toml", "http")),
        {"CODEX_HOME": f"{ELSEWHERE}/codex"},
        ("mcp", "add", "moved", "--", "run"),
        Entry("moved", f"{ELSEWHERE}/codex/config.toml", command=("run",)),
    ),
    Client(
        "gemini-cli",
        "gemini",
        (
            ("mcp", "add", "--scope", "user", "--env", ENV, "here", COMMAND[0], "--", *COMMAND[1:]),
            ("mcp", "add", "--scope", "user", "--transport", "http", "--header", HEADER, "there", URL),
            ("mcp", "add", "--scope", "project", "--transport", "sse", "shared", URL),
        ),
        (
            Entry("here", f"{HOME}/.gemini/settings.json"),
            Entry("there", f"{HOME}/.gemini/settings.json", "http"),
            Entry("shared", f"{PROJECT}/.gemini/settings.json", "sse"),
        ),
        {"GEMINI_CLI_HOME": f"{ELSEWHERE}/gemini"},
        ("mcp", "add", "--scope", "user", "moved", "run"),
        Entry("moved", f"{ELSEWHERE}/gemini/.gemini/settings.json", command=("run",)),
    ),
    Client(
        "opencode",
        "opencode",
        (
            ("mcp", "add", "here", "--env", ENV, "--", *COMMAND),
            ("mcp", "add", "there", "--url", URL, "--header", PAIR),
        ),
        (
            Entry("here", f"{HOME}/.config/opencode/opencode.jsonc"),
            Entry("there", f"{HOME}/.config/opencode/opencode.jsonc", "http"),
        ),
        {"XDG_CONFIG_HOME": f"{ELSEWHERE}/config"},
        ("mcp", "add", "moved", "--", "run"),
        Entry("moved", f"{ELSEWHERE}/config/opencode/opencode.jsonc", command=("run",)),
    ),
    Client(
        "qwen-code",
        "qwen",
        (
            ("mcp", "add", "--scope", "user", "--env", ENV, "here", COMMAND[0], "--", *COMMAND[1:]),
            ("mcp", "add", "--scope", "user", "--transport", "sse", "there", URL),
            ("mcp", "add", "--scope", "project", "--transport", "http", "--header", HEADER, "shared", URL),
        ),
        (
            Entry("here", f"{HOME}/.qwen/settings.json"),
            Entry("there", f"{HOME}/.qwen/settings.json", "sse"),
            Entry("shared", f"{PROJECT}/.qwen/settings.json", "http"),
        ),
        {"QWEN_HOME": f"{ELSEWHERE}/qwen"},
        ("mcp", "add", "--scope", "user", "moved", "run"),
        Entry("moved", f"{ELSEWHERE}/qwen/settings.json", command=("run",)),
    ),
    Client(
        "github-copilot-cli",
        "copilot",
        (
            ("mcp", "add", "here", "--env", ENV, "--", *COMMAND),
            ("mcp", "add", "--transport", "http", "--header", HEADER, "there", URL),
        ),
        (
            Entry("here", f"{HOME}/.copilot/mcp-config.json"),
            Entry("there", f"{HOME}/.copilot/mcp-config.json", "http"),
        ),
        {"COPILOT_HOME": f"{ELSEWHERE}/copilot"},
        ("mcp", "add", "moved", "--", "run"),
        Entry("moved", f"{ELSEWHERE}/copilot/mcp-config.json", command=("run",)),
    ),
    Client(
        "cline",
        "cline",
        (
            ("mcp", "add", "--yes", "here", "--", *COMMAND),
            ("mcp", "add", "--yes", "--transport", "http", "--header", HEADER, "there", URL),
        ),
        (
            Entry("here", f"{HOME}/.cline/data/settings/cline_mcp_settings.json"),
            Entry("there", f"{HOME}/.cline/data/settings/cline_mcp_settings.json", "http"),
        ),
        {"CLINE_DIR": f"{ELSEWHERE}/cline"},
        ("mcp", "add", "--yes", "moved", "--", "run"),
        Entry("moved", f"{ELSEWHERE}/cline/data/settings/cline_mcp_settings.json", command=("run",)),
    ),
    Client(
        "amp",
        "amp",
        (
            ("mcp", "add", "here", "--env", ENV, "--", *COMMAND),
            ("mcp", "add", "there", "--header", PAIR, URL),
            ("mcp", "add", "--workspace", "shared", "--", *COMMAND),
        ),
        (
            Entry("here", f"{HOME}/.config/amp/settings.json"),
            Entry("there", f"{HOME}/.config/amp/settings.json", "http"),
            Entry("shared", f"{PROJECT}/.amp/settings.json"),
        ),
        {"AMP_SETTINGS_FILE": f"{ELSEWHERE}/amp.json"},
        ("mcp", "add", "moved", "--", "run"),
        Entry("moved", f"{ELSEWHERE}/amp.json", command=("run",)),
    ),
)
NESTED = f"{PROJECT}/a/b"


def run(machine: Machine, client: Client, argv: tuple[str, ...], environment: Mapping[str, str], folder: str) -> str:
    done = machine.run([program(client.program), *argv], user=ANN, folder=folder, environment=environment)
    assert done.returncode == 0, f"{client.program} {' '.join(argv)}: {done.stdout}{done.stderr}"
    return done.stdout


def use(machine: Machine, client: Client) -> None:
    """Let ann add servers with one client, and one more with the variable that moves its configuration."""
    for argv in client.adds:
        run(machine, client, argv, {}, PROJECT)
    for folder in client.moved.values():
        machine.folder(folder if "." not in Path(folder).name else str(Path(folder).parent), ANN)
    run(machine, client, client.moved_adds, client.moved, HOME)


@pytest.fixture(scope="module")
def used(programs: Programs, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machine]:
    machine = programs.laptop(tmp_path_factory.mktemp("clients") / "laptop")
    try:
        for folder in ("objects", "refs"):
            machine.folder(f"{PROJECT}/.git/{folder}", ANN)
        machine.write(f"{PROJECT}/.git/HEAD", "ref: refs/heads/main\n", ANN)
        machine.folder(ELSEWHERE, ANN)
        with ThreadPoolExecutor(2) as pool:
            list(pool.map(lambda client: use(machine, client), CLIENTS))
        yield machine
    finally:
        machine.close()


def check(machine: Machine, *options: str) -> dict[str, list[dict[str, Any]]]:
    """Return the servers that a look from outside finds, by client."""
    done = machine.examine("check", "--json", "--user", "ann", "--project", PROJECT, *options)
    assert done.stdout, done.stderr
    assert not any(secret in done.stdout + done.stderr for secret in SECRETS)
    document = json.loads(done.stdout)
    unread = [row for row in document["coverage"] if row["state"] in ("malformed", "unreadable", "timed-out")]
    assert unread == []
    found: dict[str, list[dict[str, Any]]] = {}
    for row in document["servers"]:
        found.setdefault(row["client"], []).append(row)
    return found


@pytest.fixture(scope="module")
def found(used: Machine) -> dict[str, list[dict[str, Any]]]:
    return check(used)


@pytest.fixture(scope="module")
def found_elsewhere(used: Machine) -> dict[str, list[dict[str, Any]]]:
    variables = {name: value for client in CLIENTS for name, value in client.moved.items()}
    return check(used, *(word for name, value in variables.items() for word in ("--client-env", f"{name}={value}")))


def described(row: Mapping[str, Any]) -> tuple[Entry, str | None, str | None]:
    command = tuple(row["command"]) if row["command"] is not None else COMMAND
    return Entry(row["name"], row["source"]["path"], row["transport"], command), row["url"], row["project"]


def expected(entry: Entry) -> tuple[Entry, str | None, str | None]:
    project = PROJECT if entry.path.startswith(PROJECT) else None
    return entry, None if entry.transport == "stdio" else URL, project


@pytest.mark.parametrize("client", CLIENTS, ids=lambda client: client.id)
def test_exactly_what_the_client_added_is_found(client: Client, found: Mapping[str, list[dict[str, Any]]]) -> None:
    rows = [row for row in found[client.id] if row["source"]["path"] not in OF_ANOTHER.get(client.id, ())]
    assert sorted(map(described, rows), key=str) == sorted(map(expected, client.entries), key=str)
    assert {row["user"] for row in rows} == {"ann"}


OF_ANOTHER = {
    # These clients read the project's file that Claude Code wrote, too.
    "github-copilot-cli": (f"{PROJECT}/.mcp.json",),
    "qwen-code": (f"{PROJECT}/.mcp.json",),
}


def test_nothing_is_taken_for_the_file_of_a_client_that_ann_does_not_use(
    found: Mapping[str, list[dict[str, Any]]],
) -> None:
    assert set(found) == {client.id for client in CLIENTS}


@pytest.mark.parametrize("client", CLIENTS, ids=lambda client: client.id)
def test_what_a_variable_moves_elsewhere_is_found_there(
    client: Client, found_elsewhere: Mapping[str, list[dict[str, Any]]]
) -> None:
    rows = [row for row in found_elsewhere[client.id] if row["project"] is None]
    assert expected(client.moved_entry) in list(map(described, rows))


def test_a_project_below_the_root_of_its_repository_has_the_servers_that_the_clients_list_there(used: Machine) -> None:
    used.write(f"{PROJECT}/.codex/config.toml", '[mcp_servers.root]\ncommand = "run"\n', ANN)
    used.write(f"{PROJECT}/a/.codex/config.toml", '[mcp_servers.middle]\ncommand = "run"\n', ANN)
    used.write(f"{PROJECT}/a/.github/mcp.json", '{"mcpServers": {"github": {"command": "run", "args": []}}}', ANN)
    used.write(f"{HOME}/.copilot/config.json", json.dumps({"trusted_folders": [PROJECT]}), ANN)
    config = used.at(f"{HOME}/.codex/config.toml")
    used.write(
        f"{HOME}/.codex/config.toml", f'{config.read_text()}\n[projects."{PROJECT}"]\ntrust_level = "trusted"\n', ANN
    )
    used.folder(NESTED, ANN)
    by_id = {client.id: client for client in CLIENTS}
    listed = json.loads(run(used, by_id["codex"], ("mcp", "list", "--json"), {}, NESTED))
    codex = {server["name"] for server in listed}
    copilot = set(
        json.loads(run(used, by_id["github-copilot-cli"], ("mcp", "list", "--json"), {}, NESTED))["mcpServers"]
    )
    assert codex > {"root", "middle"}
    assert copilot > {"github"}
    seen = check(used, "--project", NESTED)
    here = {name: {row["name"] for row in rows if row["project"] in (None, NESTED)} for name, rows in seen.items()}
    assert (here["codex"], here["github-copilot-cli"]) == (codex, copilot)
