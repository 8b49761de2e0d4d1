"""Short ways to write policy documents, servers and sessions down in a test."""

import json
from dataclasses import replace
from typing import Any

from agent.core.observation import Document, DocumentKind
from agent.core.place import Content, Data, Facts, Missing, Place, User
from agent.core.policy.candidates import Session
from agent.core.policy.effective import Policy, effective
from agent.core.policy.expansion import Environment
from agent.core.server import Server, ServerScope, Transport

ANN = User("ann", "/home/ann", 1000, frozenset({1000}))
ROOT = User("root", "/root", 0, frozenset({0}))
ETC = "/etc/claude-code"
PATHS = {
    DocumentKind.MANAGED_SETTINGS: f"{ETC}/managed-settings.json",
    DocumentKind.MANAGED_DROPIN: f"{ETC}/managed-settings.d/50.json",
    DocumentKind.MANAGED_MCP: f"{ETC}/managed-mcp.json",
    DocumentKind.MANAGED_PREFERENCES: "/Library/Managed Preferences/com.anthropic.claudecode.plist",
    DocumentKind.REMOTE_CACHE: "/home/ann/.claude/remote-settings.json",
    DocumentKind.USER_REGISTRY: "HKU\\S-1-5-21-1\\SOFTWARE\\Policies\\ClaudeCode\\Settings",
    DocumentKind.WINDOWS_SETTINGS: "/mnt/c/Program Files/ClaudeCode/managed-settings.json",
    DocumentKind.WINDOWS_DROPIN: "/mnt/c/Program Files/ClaudeCode/managed-settings.d/50.json",
    DocumentKind.USER_SETTINGS: "/home/ann/.claude/settings.json",
    DocumentKind.PROJECT_SETTINGS: "/work/p/.claude/settings.json",
    DocumentKind.LOCAL_SETTINGS: "/work/p/.claude/settings.local.json",
    DocumentKind.CLIENT_STATE: "/home/ann/.claude.json",
}
COMPLETE = Environment({"HOME": "/home/ann"}, complete=True)


def data(value: object, path: str = "/f", *, mode: int = 0o644, uid: int = 0, folder: int = 0o755) -> Data:
    """A file in a folder of root's: bytes as they are, text as UTF-8, anything else as JSON."""
    raw = value if isinstance(value, bytes) else (value if isinstance(value, str) else json.dumps(value)).encode()
    above = Facts(path.rpartition("/")[0] or "/", "folder", folder)
    return Data(raw, (Facts("/", "folder", 0o755), above, Facts(path, "file", mode, uid, size=len(raw))))


def document(kind: DocumentKind, value: object, *, name: str | None = None, project: str | None = None) -> Document:
    """A document at its usual path; `name` replaces the file's name. A `Content` is taken as it is."""
    path = PATHS[kind] if name is None else PATHS[kind].rpartition("/")[0] + "/" + name
    content: Content = value if isinstance(value, Data | Missing) or hasattr(value, "trouble") else data(value, path)  # type: ignore[assignment]
    return Document(kind, path, content, project)


def managed(value: object) -> Document:
    """managed-settings.json."""
    return document(DocumentKind.MANAGED_SETTINGS, value)


def dropin(name: str, value: object) -> Document:
    """managed-settings.d/NAME."""
    return document(DocumentKind.MANAGED_DROPIN, value, name=name)


def policy(*documents: Document, **options: Any) -> Policy:  # noqa: ANN401 - handed on
    """The policy of some documents."""
    return effective(documents, **options)


def lists(*, allow: list[Any] | None = None, deny: list[Any] | None = None, **more: object) -> Policy:
    """The policy of one managed settings file with these lists."""
    value = {"allowedMcpServers": allow, "deniedMcpServers": deny}
    return policy(managed({key: item for key, item in value.items() if item is not None} | more))


def stdio(*command: str, name: str = "s", scope: ServerScope = ServerScope.USER, client: str = "claude-code") -> Server:
    """A local server."""
    return Server(
        client=client,
        user="ann",
        scope=scope,
        name=name,
        place=Place("/home/ann/.claude.json", f"/mcpServers/{name}"),
        transport=Transport.STDIO,
        command=command,
    )


def http(url: str, *, name: str = "s", scope: ServerScope = ServerScope.USER, client: str = "claude-code") -> Server:
    """A remote server."""
    bare = stdio("", name=name, scope=scope, client=client)
    return replace(bare, transport=Transport.HTTP, command=None, url=url)


def session(*servers: Server, documents: tuple[Document, ...] = (), **options: Any) -> Session:  # noqa: ANN401 - handed on
    """A session of ann's in /work/p."""
    defaults: dict[str, Any] = {"user": ANN, "cwd": "/work/p", "project": "/work/p", "environment": COMPLETE}
    return Session(**{**defaults, **options}, servers=servers, documents=documents)
