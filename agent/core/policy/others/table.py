"""Which clients enforce a managed policy of their own, and how: one row per client."""

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType

from agent.core.observation import Document, DocumentKind
from agent.core.place import User
from agent.core.policy.others.codex import codex_policy
from agent.core.policy.others.copilot_sources import copilot_policy
from agent.core.policy.others.desktop import desktop_policy
from agent.core.policy.others.gemini import gemini_policy
from agent.core.policy.others.ruling import ClientPolicy
from agent.core.policy.others.vscode import vscode_policy

Enforcement = Callable[[Sequence[Document], User | None], ClientPolicy]

ENFORCEMENTS: Mapping[str, Enforcement] = MappingProxyType(
    {
        "claude-desktop": desktop_policy,
        "codex": codex_policy,
        "gemini-cli": gemini_policy,
        "github-copilot-cli": copilot_policy,
        "vscode": vscode_policy,
    }
)

KINDS: Mapping[DocumentKind, str] = MappingProxyType(
    {
        DocumentKind.DESKTOP_POLICY: "claude-desktop",
        DocumentKind.DESKTOP_USER_POLICY: "claude-desktop",
        DocumentKind.CODEX_REQUIREMENTS: "codex",
        DocumentKind.CODEX_PREFERENCES: "codex",
        DocumentKind.GEMINI_SYSTEM: "gemini-cli",
        DocumentKind.GEMINI_DEFAULTS: "gemini-cli",
        DocumentKind.COPILOT_SETTINGS: "github-copilot-cli",
        DocumentKind.COPILOT_STORE: "github-copilot-cli",
        DocumentKind.VSCODE_POLICY: "vscode",
        DocumentKind.VSCODE_USER_POLICY: "vscode",
    }
)
"""The client that reads a managed file of a role."""
