r"""Claude Desktop: two switches of its policy shut out servers that users add; what it provides itself is not among them.

macOS: the managed preferences `com.anthropic.claudefordesktop`, a user's before the device's. Windows: the values of
`SOFTWARE\Policies\Claude`, HKLM before HKCU, booleans as numbers or texts. By documentation only (claude.com/docs: Claude
Desktop, device management); the names with `Dxt` are the older ones.
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
    Closed,
    NotEffective,
    State,
    Unseen,
    allowed,
    blocked,
    read,
)
from agent.core.server import Server
from agent.core.verdict import Verdict

_LOCAL, _EXTENSIONS = ("isLocalDevMcpEnabled",), ("isDesktopExtensionEnabled", "isDxtEnabled")
_OFF = (False, "0", "false", "False")  # 0 equals False
_RANK = (DocumentKind.DESKTOP_POLICY, DocumentKind.DESKTOP_USER_POLICY)


@dataclass(frozen=True, slots=True)
class DesktopPolicy:
    """Which kinds of servers are off, each with the switch and the file that says so."""

    off: Mapping[tuple[str, ...], tuple[str, str]]
    why: str | None = None

    @property
    def state(self) -> State:
        """It binds."""
        return "effective"

    def verdict(self, server: Server, environment: Environment) -> Verdict:
        """Return whether servers of this kind are off."""
        del environment
        extension = "Claude Extensions" in server.place.path
        what = "Desktop extensions" if extension else "Servers in claude_desktop_config.json"
        found = self.off.get(_EXTENSIONS if extension else _LOCAL)
        if found is None:
            return allowed("desktop-on", f"{what} are left on by the policy of Claude Desktop.")
        key, path = found
        return blocked("desktop-off", f"{what} are switched off by {key} in {path}.", entry=key, source=path)


def desktop_policy(documents: Sequence[Document], user: User | None) -> ClientPolicy:
    """Return what the documents of Claude Desktop's policy among `documents` say to the client of `user`."""
    mine = [item for item in documents if item.kind in _RANK and item.user in (None, user.name if user else item.user)]
    off: dict[tuple[str, ...], tuple[str, str]] = {}
    said: set[tuple[str, ...]] = set()
    for document in sorted(mine, key=lambda item: (_RANK.index(item.kind), item.user is None)):
        values = _values(document, user)
        if isinstance(values, NotEffective):
            return values
        for keys in (_LOCAL, _EXTENSIONS):
            key = next((key for key in keys if values.get(key) is not None), None)
            if key is None or keys in said:
                continue
            said.add(keys)
            if values[key] in _OFF:
                off[keys] = (key, document.path)
    return DesktopPolicy(off) if off else NONE


def _values(document: Document, user: User | None) -> Mapping[str, Any] | NotEffective:
    found = read(document, user)
    if isinstance(found, Closed | Unseen):
        return NotEffective("indeterminate", f"{document.path}: {found.why}")
    try:
        value = parse(decode(found.raw)) if isinstance(found, Bytes) else {}
    except JsonError:
        value = None
    if not isinstance(value, dict):
        return NotEffective(
            "indeterminate", f"{document.path} is no list of keys and values, so nothing in it is known to bind"
        )
    return value
