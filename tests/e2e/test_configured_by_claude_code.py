"""The real Claude Code writes the configuration; mcp-compliance finds it, judges it, and agrees with the client."""

import json
from collections.abc import Mapping
from typing import Any

import pytest

from tests.e2e.client import ClaudeCode
from tests.e2e.machine import COMMAND, HOME, PROJECT, Machine
from tests.e2e.policies import DENY_ONLY, EXCLUSIVE, LOCKED, MANAGED_MCP, MANAGED_SETTINGS, deploy
from tests.e2e.programs import CLAUDE_VERSION, EVERYTHING, TIME

pytestmark = pytest.mark.e2e

SECRETS = ("s3cret-bearer", "hunter2", "q-token")
USER_FILE, PROJECT_FILE = f"{HOME}/.claude.json", f"{PROJECT}/.mcp.json"
LOCAL = f"/projects/{PROJECT.replace('/', '~1')}/mcpServers"
PLACES = {
    "time": ("user", USER_FILE, "/mcpServers/time"),
    "search": ("user", USER_FILE, "/mcpServers/search"),
    "notes": ("local", USER_FILE, f"{LOCAL}/notes"),
    "docs": ("local", USER_FILE, f"{LOCAL}/docs"),
    "everything": ("project", PROJECT_FILE, "/mcpServers/everything"),
    "issues": ("project", PROJECT_FILE, "/mcpServers/issues"),
}


@pytest.fixture
def configured(client: ClaudeCode) -> ClaudeCode:
    """Ann has used her client for a while: two servers in each scope."""
    client.add("time", "user", *TIME)
    client.add_url("search", "user", "https://search.example.org/mcp?token=q-token")
    client.add("notes", "local", "/opt/notes/bin/notes", "--stdio", variables=("NOTES_KEY=hunter2",))
    client.add_url("docs", "local", "https://mcp.example.com/mcp", "Authorization: Bearer s3cret-bearer")
    client.add("everything", "project", *EVERYTHING)
    client.add_url("issues", "project", "https://issues.example.net/mcp")
    return client


def check(machine: Machine, *options: str) -> tuple[dict[str, Any], int]:
    done = machine.examine("check", "--json", "--client-version", CLAUDE_VERSION, *options)
    assert done.stdout, done.stderr
    assert not any(secret in done.stdout + done.stderr for secret in SECRETS)
    document: dict[str, Any] = json.loads(done.stdout)
    return document, done.returncode


def by_name(document: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    rows = [row for row in document["servers"] if row["client"] == "claude-code"]
    assert len(rows) == len({row["name"] for row in rows}), rows
    return {row["name"]: row for row in rows}


@pytest.mark.usefixtures("configured")
def test_every_server_that_the_client_wrote_is_found_in_its_scope_and_place(machine: Machine) -> None:
    deploy(machine, MANAGED_SETTINGS, LOCKED)
    document, _ = check(machine)
    found = {
        name: (row["scope"], row["source"]["path"], row["source"]["pointer"]) for name, row in by_name(document).items()
    }
    assert found == PLACES
    assert {row["user"] for row in by_name(document).values()} == {"ann"}
    assert {name: row["project"] for name, row in by_name(document).items() if row["scope"] != "user"} == dict.fromkeys(
        ("notes", "docs", "everything", "issues"), PROJECT
    )


@pytest.mark.usefixtures("configured")
def test_verdicts_follow_command_and_url_and_name_the_entry(machine: Machine) -> None:
    deploy(machine, MANAGED_SETTINGS, LOCKED)
    document, status = check(machine)
    rows = by_name(document)
    assert {name: row["verdict"] for name, row in rows.items()} == {
        "time": "allowed",
        "everything": "allowed",
        "docs": "allowed",
        "search": "blocked",
        "notes": "blocked",
        "issues": "blocked",
    }
    assert "issues.example.net" in rows["issues"]["reason"]["entry"]
    assert "mcp.example.com" in rows["docs"]["reason"]["entry"]
    blocked = {row["text"] for row in document["deviations"] if row["control"] == "server.blocked.configured"}
    assert len(blocked) == 3
    assert document["policy"]["state"] == "effective"
    assert document["policy"]["locked"]
    assert (document["summary"]["state"], status) == ("compliant", 0), document["summary"]["why"]


@pytest.mark.parametrize(
    ("path", "policy"),
    [(None, {}), (MANAGED_SETTINGS, LOCKED), (MANAGED_SETTINGS, DENY_ONLY), (MANAGED_MCP, EXCLUSIVE)],
    ids=["no policy", "locked allowlist", "denylist only", "exclusive control"],
)
def test_what_loads_is_what_a_session_of_the_client_has(
    machine: Machine, configured: ClaudeCode, path: str | None, policy: Mapping[str, Any]
) -> None:
    if path is not None:
        deploy(machine, path, policy)
    document, _ = check(machine)
    loads = {row["name"] for row in by_name(document).values() if row["loads"]}
    assert loads == set(configured.session())


@pytest.mark.usefixtures("configured")
def test_a_look_from_inside_the_laptop_says_the_same_as_a_look_from_outside(machine: Machine) -> None:
    deploy(machine, MANAGED_SETTINGS, LOCKED)
    outside, _ = check(machine)
    inside = json.loads(machine.run([COMMAND, "check", "--json"]).stdout)
    assert inside["policy"]["client_version"] == CLAUDE_VERSION
    assert by_name(inside) == by_name(outside)
    assert inside["device"]["examined_root"] == "/"
    assert outside["device"]["examined_root"] == str(machine.root)


def test_explain_agrees_with_the_client_about_what_may_be_added(machine: Machine, client: ClaudeCode) -> None:
    client.add("notes", "user", "/opt/notes/bin/notes")
    client.add("time", "user", *TIME)
    deploy(machine, MANAGED_SETTINGS, LOCKED)
    assert "not allowed by enterprise policy" in client.refuses("other", "/opt/notes/bin/notes")
    assert client.refuses("clock", *TIME) == ""
    assert machine.examine("explain", "notes", "--client-version", CLAUDE_VERSION).returncode == 1
    allowed = machine.examine("explain", "time", "--client-version", CLAUDE_VERSION)
    assert allowed.returncode == 0
    assert MANAGED_SETTINGS in allowed.stdout
