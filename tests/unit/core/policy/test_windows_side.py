"""Inside WSL: which side binds. Every row is what Claude Code 2.1.330 did with two servers of a user's, alpha and beta."""

from collections.abc import Mapping
from typing import Any

import pytest

from agent.core.observation import DocumentKind
from agent.core.policy.effective import effective
from agent.core.policy.evaluate import Judge
from agent.core.policy.sources import NOT_INHERITED, SHADOWED
from agent.core.verdict import Answer
from tests.sim.policies import ANN, COMPLETE, document, stdio

WIN, DROPIN, ETC, MCP = (
    DocumentKind.WINDOWS_SETTINGS,
    DocumentKind.WINDOWS_DROPIN,
    DocumentKind.MANAGED_SETTINGS,
    DocumentKind.MANAGED_MCP,
)
FLAG = "wslInheritsWindowsSettings"
ALPHA = {"allowedMcpServers": [{"serverCommand": ["/bin/alpha"]}], "allowManagedMcpServersOnly": True}
BETA = {"allowedMcpServers": [{"serverCommand": ["/bin/beta"]}], "allowManagedMcpServersOnly": True}
NO_BETA = {"deniedMcpServers": [{"serverCommand": ["/bin/beta"]}]}
HARMLESS = {"cleanupPeriodDays": 20}
GAMMA = {"mcpServers": {"gamma": {"command": "/bin/gamma"}}}
REFUSED = ["refused"]

Files = Mapping[DocumentKind, Any]


def loaded(files: Files, version: str = "2.1.330") -> list[str]:
    """Return the servers that the session has; `refused` where there is none."""
    policy = effective([document(kind, value) for kind, value in files.items()], user=ANN, client_version=version)
    if policy.state == "refused":
        return REFUSED
    if policy.exclusive is not None:
        return [server.name for server in policy.managed_servers]
    judge = Judge(policy, COMPLETE)
    return [
        name
        for name in ("alpha", "beta")
        if judge.verdict(stdio(f"/bin/{name}", name=name)).answer is not Answer.BLOCKED
    ]


@pytest.mark.parametrize(
    ("files", "servers"),
    [
        ({}, ["alpha", "beta"]),
        ({ETC: ALPHA}, ["alpha"]),
        ({ETC: ALPHA, WIN: {**BETA, FLAG: True}}, ["beta"]),
        ({ETC: ALPHA, WIN: BETA}, ["alpha"]),
        ({WIN: {**BETA, FLAG: True}}, ["beta"]),
        ({WIN: BETA}, ["alpha", "beta"]),
        ({ETC: {**ALPHA, FLAG: True}, WIN: BETA}, ["alpha"]),
        ({ETC: ALPHA, WIN: {**BETA, FLAG: False}}, ["alpha"]),
        ({ETC: ALPHA, WIN: {**BETA, FLAG: "yes"}}, ["beta"]),
        ({ETC: ALPHA, WIN: {FLAG: True}}, ["alpha"]),
        ({WIN: {FLAG: True}}, ["alpha", "beta"]),
        ({ETC: ALPHA, WIN: BETA, DROPIN: {FLAG: True}}, ["beta"]),
        ({ETC: ALPHA, DROPIN: {**BETA, FLAG: True}}, ["beta"]),
        ({MCP: GAMMA, WIN: {**BETA, FLAG: True}}, ["gamma"]),
        ({ETC: NO_BETA, WIN: {**BETA, FLAG: True}}, ["beta"]),
        ({ETC: ALPHA, WIN: b"{"}, REFUSED),
        ({ETC: ALPHA, WIN: {**BETA, FLAG: True, "managedSourcesBehavior": "merge"}}, ["beta"]),
        ({ETC: ALPHA, WIN: {"allowedMcpServers": BETA["allowedMcpServers"], FLAG: True}}, ["beta"]),
        ({ETC: ALPHA, WIN: {FLAG: "yes"}}, REFUSED),
        ({WIN: {FLAG: "yes"}}, REFUSED),
        ({ETC: ALPHA, WIN: {**BETA, FLAG: "true"}}, ["beta"]),
        ({ETC: ALPHA, WIN: {**BETA, FLAG: "false"}}, ["alpha"]),
        ({ETC: ALPHA, WIN: {**BETA, FLAG: None}}, ["alpha"]),
        ({ETC: ALPHA, WIN: {**BETA, FLAG: True}, DROPIN: {FLAG: False}}, ["beta"]),
        ({ETC: ALPHA, WIN: {**BETA, FLAG: False}, DROPIN: {FLAG: True}}, ["beta"]),
        ({ETC: ALPHA, WIN: {**BETA, FLAG: True}, DROPIN: {FLAG: 1}}, ["beta"]),
        ({ETC: ALPHA, WIN: {**BETA, FLAG: True}, DROPIN: {FLAG: None}}, ["beta"]),
        ({ETC: b"{", WIN: {**BETA, FLAG: True}}, ["beta"]),
        ({ETC: b"{", WIN: {FLAG: True}}, REFUSED),
        ({ETC: ALPHA, DROPIN: b"{"}, REFUSED),
        ({ETC: ALPHA, WIN: b"[]"}, REFUSED),
        ({ETC: ALPHA, WIN: b""}, ["alpha"]),
        ({ETC: ALPHA, WIN: {**NO_BETA, FLAG: True}}, ["alpha"]),
        ({ETC: ALPHA, WIN: {**HARMLESS, FLAG: True}}, ["alpha", "beta"]),
        ({ETC: NO_BETA, WIN: {**HARMLESS, FLAG: True}}, ["alpha", "beta"]),
        ({ETC: ALPHA, MCP: GAMMA, WIN: {**HARMLESS, FLAG: True}}, ["gamma"]),
        ({MCP: GAMMA, WIN: {FLAG: 3}}, REFUSED),
    ],
)
def test_the_side_that_binds_is_the_one_that_bound_the_real_client(files: Files, servers: list[str]) -> None:
    assert loaded(files) == servers


def test_an_older_client_does_not_know_windows_side() -> None:
    files: Files = {ETC: ALPHA, WIN: {**BETA, FLAG: True}}
    assert (loaded(files, "2.1.117"), loaded(files, "2.1.118")) == (["alpha"], ["beta"])


def test_what_windows_takes_the_place_of_is_told_and_what_does_not_bind_too() -> None:
    found = effective([document(ETC, ALPHA), document(WIN, {**BETA, FLAG: True})], user=ANN)
    (shadow,) = (problem for problem in found.problems if problem.code == SHADOWED)
    assert "takes the place of /etc/claude-code inside WSL" in shadow.text
    assert [(source.kind, source.selected) for source in found.sources] == [
        ("windows-managed-settings", True),
        ("managed-settings", False),
    ]
    found = effective([document(ETC, ALPHA), document(WIN, BETA)], user=ANN)
    windows = next(source for source in found.sources if source.kind == "windows-managed-settings")
    assert (windows.selected, [problem.code for problem in windows.problems]) == (False, [NOT_INHERITED])
