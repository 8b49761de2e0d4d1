import json
from typing import Any

import pytest

from central.core.preview import Candidate, Effect, Preview

TIME = {"serverCommand": ["uvx", "mcp-server-time"]}
WIKI = {"serverUrl": "https://wiki.example.com/mcp"}


def told(*allow: object, locked: bool = True, **more: object) -> dict[str, Any]:
    entries = [json.dumps(entry) for entry in allow]
    facts = {"state": "effective", "locked": locked, "exclusive": False, "allow": entries, "deny": []}
    return {**facts, "sources": ["/etc/claude-code/managed-settings.json"], **more}


def row(
    verdict: str, *command: str, url: str | None = None, client: str = "claude-code", **facts: object
) -> dict[str, Any]:
    own = {"scope": "user", "file": "/home/ann/.claude.json", "pointer": "/mcpServers/x", "url": url, "reason": "So."}
    return {
        "client": client,
        "user": "ann",
        "name": facts.pop("name", "x"),
        "transport": "stdio" if command else "http",
        "verdict": verdict,
        "facts": {**own, "command": list(command) or None, **facts},
    }


def outcome(candidate: dict[str, Any], policy: dict[str, Any] | None, *rows: dict[str, Any]) -> tuple[Effect, str]:
    found = Preview(Candidate(json.dumps(candidate).encode())).outcomes("d", policy, rows)
    return found[0].effect, found[0].reason


LOCKED = {"allowManagedMcpServersOnly": True}


def test_a_server_that_the_candidate_leaves_out_is_newly_blocked() -> None:
    effect, reason = outcome(
        {**LOCKED, "allowedMcpServers": [WIKI]}, told(TIME), row("allowed", "uvx", "mcp-server-time")
    )
    assert effect is Effect.BLOCKED
    assert "serverCommand" in reason or "name" in reason


def test_a_server_that_the_candidate_adds_is_newly_allowed() -> None:
    found = row("blocked", url="https://wiki.example.com/mcp", client="cursor")
    assert outcome({**LOCKED, "allowedMcpServers": [TIME, WIKI]}, told(TIME), found)[0] is Effect.ALLOWED


@pytest.mark.parametrize(
    ("version", "effect"),
    [("2.1.330", Effect.SAME), (None, Effect.SAME), ("2.1.150", Effect.UNDETERMINED), (7, Effect.SAME)],
)
def test_the_rules_are_those_of_the_client_that_the_device_has(version: object, effect: Effect) -> None:
    misspelt = {
        "serverComand": ["uvx"]
    }  # costs itself; before 2.1.154 it cost the whole policy, which then says nothing
    candidate = {**LOCKED, "allowedMcpServers": [TIME, misspelt]}
    found = row("blocked", "npx", "thing", client_version=version)
    assert outcome(candidate, told(TIME), found)[0] is effect


def test_a_denial_blocks_what_was_allowed() -> None:
    candidate = {**LOCKED, "allowedMcpServers": [TIME], "deniedMcpServers": [TIME]}
    assert outcome(candidate, told(TIME), row("allowed", "uvx", "mcp-server-time"))[0] is Effect.BLOCKED


def test_the_same_policy_changes_nothing() -> None:
    candidate = {**LOCKED, "allowedMcpServers": [TIME]}
    for found in (row("allowed", "uvx", "mcp-server-time"), row("blocked", "npx", "thing")):
        assert outcome(candidate, told(TIME), found)[0] is Effect.SAME


def test_what_hangs_on_a_redacted_part_is_undetermined() -> None:
    candidate = {**LOCKED, "allowedMcpServers": [{"serverCommand": ["npx", "thing", "--token", "abc"]}]}
    found = row("blocked", "npx", "thing", "--token", "***")
    effect, reason = outcome(candidate, told({"serverCommand": ["npx", "other"]}), found)
    assert effect is Effect.UNDETERMINED
    assert "redacted" in reason
    assert "REDACTED" not in reason


def test_a_redacted_part_on_which_nothing_hangs_does_no_harm() -> None:
    candidate = {**LOCKED, "allowedMcpServers": [TIME], "deniedMcpServers": [{"serverName": "x"}]}
    policy = told({"serverName": "x"}, TIME)
    assert outcome(candidate, policy, row("blocked", "npx", "thing", "***"))[0] is Effect.SAME


def test_a_verdict_that_the_policy_told_does_not_explain_is_undetermined() -> None:
    effect, reason = outcome(
        {**LOCKED, "allowedMcpServers": [WIKI]}, told(TIME), row("blocked", "uvx", "mcp-server-time")
    )
    assert effect is Effect.UNDETERMINED
    assert "something decides there that was not told" in reason


@pytest.mark.parametrize(
    "source",
    [
        "/etc/claude-code/managed-settings.d/10-team.json",
        r"HKLM\SOFTWARE\Policies\ClaudeCode",
        "/home/ann/.claude/remote-settings.json",
    ],
)
def test_a_device_that_takes_its_policy_from_elsewhere_is_undetermined(source: str) -> None:
    effect, reason = outcome({}, told(TIME, sources=[source]), row("allowed", "uvx", "mcp-server-time"))
    assert effect is Effect.UNDETERMINED
    assert source in reason


def test_a_device_that_did_not_tell_its_policy_is_undetermined() -> None:
    assert outcome({}, None, row("allowed", "uvx", "mcp-server-time"))[0] is Effect.UNDETERMINED


def test_users_may_widen_a_list_without_the_lock() -> None:
    candidate = {"allowedMcpServers": [WIKI]}
    assert outcome(candidate, told(TIME), row("allowed", "uvx", "mcp-server-time"))[0] is Effect.UNDETERMINED
    other = row("allowed", "uvx", "mcp-server-time", client="cursor")
    assert outcome(candidate, told(TIME), other)[0] is Effect.BLOCKED


def test_managed_mcp_stays_in_control_beside_the_candidate() -> None:
    own = row(
        "allowed", "uvx", "mcp-server-time", name="time", scope="managed", file="/etc/claude-code/managed-mcp.json"
    )
    users = row("blocked", url="https://wiki.example.com/mcp")
    policy = told(
        exclusive=True, sources=["/etc/claude-code/managed-settings.json", "/etc/claude-code/managed-mcp.json"]
    )
    candidate = Preview(Candidate(json.dumps({**LOCKED, "allowedMcpServers": [WIKI]}).encode()))
    found = candidate.outcomes("d", policy, [users, own])
    assert [one.effect for one in found] == [Effect.SAME, Effect.SAME]


def test_a_candidate_that_no_client_starts_under_says_so() -> None:
    assert Candidate(b"{not json").policy.refusal
    deep = b'{"a":' * 50_000 + b"1" + b"}" * 50_000
    assert Candidate(deep).policy.state in ("none", "refused")
