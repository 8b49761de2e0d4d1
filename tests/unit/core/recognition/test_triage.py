"""What is looked at more closely when it starts, and what is let go by."""

import pytest

from agent.core.place import Place
from agent.core.recognition import ClientMarks
from agent.core.recognition.triage import Role, Triage, keys_of
from agent.core.server import Server, ServerScope, Transport

CLAUDE = ClientMarks("claude-code", frozenset({"claude"}), ("@anthropic-ai/claude-code",))


def entry(*command: str) -> Server:
    return Server(
        client="claude-code",
        user="ann",
        scope=ServerScope.USER,
        name="x",
        place=Place("/home/ann/.claude.json"),
        transport=Transport.STDIO,
        command=command,
    )


TRIAGE = Triage([CLAUDE], keys_of([entry("/opt/acme/bin/tickets", "serve"), entry("uvx", "Acme_Notes")]))


@pytest.mark.parametrize(
    "command",
    [
        ("claude",),
        ("node", "/usr/lib/node_modules/@anthropic-ai/claude-code/cli.js", "-p"),
    ],
)
def test_a_client_matters_and_whatever_it_starts_may(command: tuple[str, ...]) -> None:
    assert TRIAGE.judge(command, Role.NONE) == (True, Role.CLIENT)
    assert TRIAGE.judge(("/home/ann/bin/anything",), Role.CLIENT)[0]


@pytest.mark.parametrize("command", [("git", "status"), ("rg", "-n", "mcp"), ("bash", "-c", "make; make test")])
def test_ordinary_tools_do_not_matter_even_under_a_client(command: tuple[str, ...]) -> None:
    assert not TRIAGE.judge(command, Role.CLIENT)[0]


def test_a_launcher_under_a_client_hands_its_role_on() -> None:
    matters, role = TRIAGE.judge(("sh", "-c", "anything --stdio"), Role.CLIENT)
    assert (matters, role) == (True, Role.LAUNCHER)
    assert TRIAGE.judge(("anything", "--stdio"), role)[0]


@pytest.mark.parametrize(
    "command",
    [
        ("/opt/acme/bin/tickets", "serve"),
        ("python", "/opt/acme/bin/tickets"),
        ("uvx", "acme-notes"),
        ("uv", "tool", "uvx", "acme.notes"),
        ("npx", "-y", "@modelcontextprotocol/server-everything"),
        ("npm exec some-mcp-server", ""),
        ("python", "-m", "mcp_server_time"),
        ("docker", "run", "-i", "mcp/time"),
    ],
)
def test_what_shows_a_sign_of_its_own_matters_under_any_host(command: tuple[str, ...]) -> None:
    assert TRIAGE.judge(command, Role.NONE)[0]


@pytest.mark.parametrize("command", [("/usr/bin/anything",), ("cat", "/tmp/mcp"), ("ls", "claude"), ()])
def test_anything_else_is_let_go_by(command: tuple[str, ...]) -> None:
    assert TRIAGE.judge(command, Role.NONE) == (False, Role.NONE)
