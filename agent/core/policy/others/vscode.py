r"""Visual Studio Code: the policy `ChatMCP`, which locks `chat.mcp.access`; "none" shuts out every server.

By its source (microsoft/vscode, `build/lib/policies/policyData.jsonc` and `src/vs/platform/policy`). Linux: a member of
`/etc/vscode/policy.json`. macOS: of the managed preferences `com.microsoft.VSCode`, a user's before the device's. Windows: a
value of `SOFTWARE\Policies\Microsoft\VSCode`, HKLM before HKCU. "registry" leaves each server to a registry that is not asked
here, so it decides nothing, and neither does any other value. Insiders and VSCodium have policies of their own, which are not
looked at.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from agent.core.jsontext import JsonError, decode, parse
from agent.core.observation import Document, DocumentKind
from agent.core.place import User
from agent.core.policy.expansion import Environment
from agent.core.policy.others.ruling import (
    NONE,
    Bytes,
    ClientPolicy,
    NotEffective,
    State,
    Unseen,
    blocked,
    read,
    undetermined,
)
from agent.core.server import Server
from agent.core.verdict import Verdict

POLICY, OFF = "ChatMCP", "none"
_RANK = (DocumentKind.VSCODE_POLICY, DocumentKind.VSCODE_USER_POLICY)
_OTHER_EDITIONS = ("Code - Insiders", "Code - OSS", "VSCodium", ".vscode-server-insiders")


@dataclass(frozen=True, slots=True)
class AccessOff:
    """No server runs, because of the file or store at `path`."""

    path: str
    why: str | None = None

    @property
    def state(self) -> State:
        """It binds."""
        return "effective"

    def verdict(self, server: Server, environment: Environment) -> Verdict:
        """Return that the server does not run, but for those that only another edition has."""
        del environment
        edition = next((name for name in _OTHER_EDITIONS if name in server.place.path), None)
        if edition is not None:
            text = f"{POLICY} in {self.path} is not the policy of {edition}, whose own is not looked at."
            return undetermined("own-policy-edition", text, source=self.path)
        text = f"VS Code runs no MCP server: {POLICY} in {self.path} is {OFF!r}."
        return blocked("mcp-access-none", text, entry=POLICY, source=self.path)


def vscode_policy(documents: Sequence[Document], user: User | None) -> ClientPolicy:
    """Return what the policies of VS Code among `documents` say to the client of `user`."""
    mine = [item for item in documents if item.kind in _RANK and item.user in (None, user.name if user else item.user)]
    nothing = NONE
    for document in sorted(mine, key=lambda item: (_RANK.index(item.kind), item.user is None)):
        found = read(document, user)
        if isinstance(found, Unseen):
            return NotEffective("indeterminate", f"{document.path}: {found.why}")
        values = _values(document.path, found.raw) if isinstance(found, Bytes) else {}  # what it cannot read it ignores
        if isinstance(values, str):
            nothing = NotEffective("none", nothing.why or f"VS Code goes on without it, because {values}.")
            continue
        if isinstance(value := values.get(POLICY), str):
            return AccessOff(document.path) if value == OFF else nothing
    return nothing


def _values(path: str, raw: bytes) -> Mapping[str, Any] | str:
    """Return the members, or why there are none."""
    try:
        value = parse(decode(raw))
    except JsonError as error:
        return "it is no property list" if path.endswith(".plist") else f"it is not JSON ({error})"
    return value if isinstance(value, dict) else "its top level is not an object"
