"""Each server is a deviation of its own, whatever it and its user are called."""

from dataclasses import replace

import pytest

from agent.core.assess.results import deviation
from agent.core.place import Place
from agent.core.redaction import redact_subject
from agent.core.server import Server, ServerScope, Transport

FIRST = Server(
    client="cursor",
    user="ann",
    scope=ServerScope.PROJECT,
    name="x",
    place=Place("/home/ann/one/.cursor/mcp.json", "/mcpServers/x"),
    transport=Transport.STDIO,
    command=("node", "one.js"),
    project="/home/ann/one",
)
NAMES = (
    "x",
    "token",
    "api-key",
    "my-auth",
    "Authorization: Bearer",
    "password=x",
    "--token x",
    "https://u:p@h/",
    "a" * 60,
)


def subject(server: Server) -> str:
    return deviation("server.unapproved.configured", subject=server.key, label="", text="").key.subject


@pytest.mark.parametrize("user", ["ann", "auth", "session"])
@pytest.mark.parametrize("name", NAMES)
def test_a_name_that_redaction_takes_for_a_credentials_merges_no_two_servers(name: str, user: str) -> None:
    one = replace(FIRST, name=name, user=user)
    other = replace(one, command=("node", "other.js"), project="/home/ann/other")
    assert subject(one) != subject(other)
    assert subject(one) == redact_subject(subject(one))


def test_a_credential_in_a_name_is_in_no_subject() -> None:
    assert "hunter2" not in subject(replace(FIRST, name="password=hunter2"))
    assert "hunter2" not in subject(replace(FIRST, name="token:hunter2"))
