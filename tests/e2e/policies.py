"""The organisation's policies that the tests deploy."""

import json
from collections.abc import Mapping
from typing import Any

from tests.e2e.machine import Machine
from tests.e2e.programs import EVERYTHING, TIME

MANAGED_SETTINGS = "/etc/claude-code/managed-settings.json"
MANAGED_MCP = "/etc/claude-code/managed-mcp.json"

LOCKED: dict[str, Any] = {
    "allowManagedMcpServersOnly": True,
    "allowedMcpServers": [
        {"serverCommand": list(TIME)},
        {"serverCommand": list(EVERYTHING)},
        {"serverUrl": "https://mcp.example.com/*"},
    ],
    "deniedMcpServers": [{"serverUrl": "https://issues.example.net/*"}],
}
TIME_ONLY: dict[str, Any] = {
    "allowManagedMcpServersOnly": True,
    "allowedMcpServers": [{"serverCommand": list(TIME)}],
    "deniedMcpServers": [{"serverCommand": list(EVERYTHING)}],
}
DENY_ONLY: dict[str, Any] = {
    "deniedMcpServers": [{"serverCommand": list(EVERYTHING)}, {"serverUrl": "https://*.example.net/*"}]
}
EXCLUSIVE: dict[str, Any] = {"mcpServers": {"corporate": {"command": TIME[0], "args": list(TIME[1:])}}}


def deploy(machine: Machine, path: str, policy: Mapping[str, Any]) -> None:
    """Put a managed file in its place."""
    machine.write(path, json.dumps(policy, indent=2))
