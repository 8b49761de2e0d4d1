"""Where clients other than Claude Code read a managed policy of their own, per system.

Linux paths were observed (Codex 0.169.0, Gemini CLI 0.61.0, GitHub Copilot CLI 1.0.102); the others are by documentation, that
of VS Code by its source (microsoft/vscode, `FilePolicyService`).
"""

from dataclasses import dataclass

from agent.core.observation import DocumentKind
from agent.core.place import Os


@dataclass(frozen=True, slots=True)
class PolicyFile:
    """One file: its role, and its path on each system, None where there is none."""

    kind: DocumentKind
    linux: str
    macos: str | None
    windows: str | None

    def path(self, os: Os) -> str | None:
        """Return the path on `os`."""
        return {"linux": self.linux, "macos": self.macos, "windows": self.windows}[os]


POLICY_FILES = (
    PolicyFile(
        DocumentKind.CODEX_REQUIREMENTS,
        "/etc/codex/requirements.toml",
        "/etc/codex/requirements.toml",
        "C:\\ProgramData\\OpenAI\\Codex\\requirements.toml",
    ),
    PolicyFile(
        DocumentKind.GEMINI_SYSTEM,
        "/etc/gemini-cli/settings.json",
        "/Library/Application Support/GeminiCli/settings.json",
        "C:\\ProgramData\\gemini-cli\\settings.json",
    ),
    PolicyFile(
        DocumentKind.GEMINI_DEFAULTS,
        "/etc/gemini-cli/system-defaults.json",
        "/Library/Application Support/GeminiCli/system-defaults.json",
        "C:\\ProgramData\\gemini-cli\\system-defaults.json",
    ),
    PolicyFile(
        DocumentKind.COPILOT_SETTINGS,
        "/etc/github-copilot/managed-settings.json",
        "/Library/Application Support/GitHubCopilot/managed-settings.json",
        "C:\\Program Files\\GitHubCopilot\\managed-settings.json",
    ),
    PolicyFile(DocumentKind.VSCODE_POLICY, "/etc/vscode/policy.json", None, None),  # elsewhere it is in the stores
)
