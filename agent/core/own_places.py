"""Where the agent's own files live on each system, as that system spells paths. Documented in README.md and the packages.

Only data: `agent.host.machine` turns it into the places of the running machine, the osquery tables read the status from here, and
what is generated for other programs (osquery's configuration, profiles, packages) names the same places.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from agent.core.place import Os

NAME = "mcp-compliance-agent"
PREFERENCES_DOMAIN = "com.mcp-compliance.agent"
"""The preference domain of settings that a macOS profile pushes, the label of the launch daemon, and the package's identifier."""

POLICY_KEY = "SOFTWARE\\Policies\\MCPComplianceAgent"
"""The registry key, in HKLM, of settings that group policy pushes."""

WRITERS_DROPIN = f"/usr/share/{NAME}/file-writers.conf"
"""What the Linux packages bring for those who want to be told which process wrote a managed file; nothing reads it there."""


@dataclass(frozen=True, slots=True)
class Places:
    """The program's folder, the settings file (drop-ins in `agent.d` beside it), the signed baselines, the state folder."""

    program: str
    settings: str
    baselines: str
    state: str


PLACES: Mapping[Os, Places] = {
    "linux": Places(
        program=f"/opt/{NAME}",
        settings=f"/etc/{NAME}/agent.toml",
        baselines=f"/etc/{NAME}/baselines",
        state=f"/var/lib/{NAME}",
    ),
    "macos": Places(
        program="/Library/MCPComplianceAgent",
        settings="/Library/Application Support/MCPComplianceAgent/agent.toml",
        baselines="/Library/Application Support/MCPComplianceAgent/baselines",
        state="/Library/Application Support/MCPComplianceAgent/state",
    ),
    "windows": Places(
        program="C:\\Program Files\\MCP Compliance Agent",
        settings="C:\\ProgramData\\MCPComplianceAgent\\agent.toml",
        baselines="C:\\ProgramData\\MCPComplianceAgent\\baselines",
        state="C:\\ProgramData\\MCPComplianceAgent\\state",
    ),
}
