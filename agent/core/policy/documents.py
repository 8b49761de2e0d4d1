"""One policy file → what the client makes of it: settings, nothing, a file it skips, or a reason not to start.

Observed with Claude Code 2.1.330. Managed settings and drop-ins: an empty file is `{}`; what is no JSON object keeps the client
from starting, and so does, where no other managed file sets anything, one that cannot be read for any other reason than
permission; a file that the *user* may not read is skipped, with a warning, and what it says does not bind; a dangling link is no
file. Settings of users and projects: a file that cannot be used is ignored as a whole. managed-mcp.json: that it is there is
enough for exclusive control; whatever cannot be read in it delivers no servers; only a folder that the user may not search, or a
dangling link, makes it not there.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from agent.core.access import may_reach, may_read
from agent.core.jsontext import JsonError, decode, parse
from agent.core.observation import Document, DocumentKind
from agent.core.place import Content, Data, Missing, Trouble, Unreadable, User

MAX_BYTES = 2_097_152
_MANAGED = frozenset({DocumentKind.MANAGED_SETTINGS, DocumentKind.MANAGED_DROPIN, DocumentKind.MANAGED_PREFERENCES})
_ABSENT_MCP = frozenset({Trouble.NOT_A_FOLDER})
_OURS = frozenset({Trouble.LINK_ESCAPES, Trouble.TIMED_OUT, Trouble.IO_ERROR})


@dataclass(frozen=True, slots=True)
class Settings:
    """The file's object."""

    value: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Absent:
    """No such file for the client."""


@dataclass(frozen=True, slots=True)
class Skipped:
    """The file is there and the client goes on without it; `why` is a sentence."""

    why: str
    code: str = "skipped"


@dataclass(frozen=True, slots=True)
class Refuses:
    """The client does not start because of the file; `alone`: unless another managed file sets something."""

    why: str
    alone: bool = False


@dataclass(frozen=True, slots=True)
class Unjudged:
    """We could not look, so what the client does is not known."""

    why: str


Reading = Settings | Absent | Skipped | Refuses | Unjudged


def read_settings(document: Document, user: User | None, *, refuses: bool = True) -> Reading:
    """Return what the client of `user` makes of a settings file. None is a reader who may read everything.

    `refuses` is false for versions that skip malformed managed settings and go on.
    """
    content = document.content
    if isinstance(content, Missing):
        return Absent()
    if _denied(content, user):
        why = f"{_name(user)} may not read it, so nothing in it binds: make it readable for everyone."
        return Skipped(why, "unreadable")
    if isinstance(content, Unreadable):
        return _unreadable(document, content)
    return _parsed(content.raw, managed=document.kind in _MANAGED, refuses=refuses)


def _parsed(raw: bytes, *, managed: bool, refuses: bool) -> Reading:
    if managed and len(raw) > MAX_BYTES:
        return Refuses(f"it is larger than {MAX_BYTES} bytes", alone=True)
    value, fault = _object(decode(raw))
    if fault is None:
        return Settings(value)
    if managed and refuses:
        return Refuses(fault)
    return Skipped(f"{fault}, so the client ignores the whole file.", "malformed")


def _unreadable(document: Document, content: Unreadable) -> Reading:
    if document.kind not in _MANAGED:
        return Skipped(f"it cannot be read ({content.trouble}).", "unreadable")
    if content.trouble in _OURS:
        return Unjudged(content.text)
    plain = not any(facts.kind == "link" and facts.path == document.path for facts in content.access)
    if document.kind is DocumentKind.MANAGED_DROPIN and content.trouble is Trouble.NOT_REGULAR and plain:
        return Absent()  # the client takes files and links from the folder, nothing else
    return Refuses(f"it cannot be read: {content.text}", alone=True)


@dataclass(frozen=True, slots=True)
class ManagedMcp:
    """What managed-mcp.json does. `servers` is its map, None where it delivers none; `why` says why not."""

    exclusive: bool
    servers: Mapping[str, Any] | None = None
    state: str = "absent"
    why: str | None = None

    @property
    def usable(self) -> bool:
        """True where the client could read the file's servers."""
        return self.servers is not None


def read_managed_mcp(document: Document, user: User | None) -> ManagedMcp | Unjudged:
    """Return what the client of `user` makes of managed-mcp.json."""
    content = document.content
    if isinstance(content, Missing):
        return ManagedMcp(exclusive=False)
    if _hidden(document, user):
        why = f"{_name(user)} may not search its folder, so the client does not see it: open the folder for everyone."
        return ManagedMcp(exclusive=False, state="unreadable", why=why)
    if isinstance(content, Unreadable):
        if content.trouble in _OURS:
            return Unjudged(content.text)
        exclusive = content.trouble not in _ABSENT_MCP
        return ManagedMcp(exclusive, state="unreadable", why=content.text)
    if _denied(content, user):
        return _without_servers("unreadable", f"{_name(user)} may not read it")
    return _managed_mcp(content.raw)


def _without_servers(state: str, fault: str) -> ManagedMcp:
    return ManagedMcp(exclusive=True, state=state, why=f"It shuts out all servers and delivers none: {fault}.")


def _managed_mcp(raw: bytes) -> ManagedMcp:
    if len(raw) > MAX_BYTES:
        return _without_servers("malformed", f"it is larger than {MAX_BYTES} bytes")
    text = raw.decode("utf-8", errors="replace").removeprefix("\ufeff")  # UTF-16 is not read here
    value, fault = _object(text) if text.strip() else ({}, "it is empty")
    servers = value.get("mcpServers")
    if fault is not None:
        return _without_servers("malformed", fault)
    if not isinstance(servers, dict):
        return _without_servers("malformed", "it holds no object mcpServers")
    return ManagedMcp(exclusive=True, servers=servers, state="effective")


def _object(text: str) -> tuple[dict[str, Any], str | None]:
    """Return the JSON object in `text`, or an empty one and what is wrong."""
    if not text.strip():
        return {}, None
    try:
        value = parse(text)
    except JsonError as error:
        return {}, f"it is not JSON ({error})"
    if not isinstance(value, dict):
        return {}, "its top level is not a JSON object"
    return {key: item for key, item in value.items() if key != "__proto__"}, None


def _denied(content: Content, user: User | None) -> bool:
    if isinstance(content, Unreadable):
        return content.trouble is Trouble.DENIED or (user is not None and not may_reach(content.access, user))
    return isinstance(content, Data) and user is not None and not may_read(content.access, user)


def _hidden(document: Document, user: User | None) -> bool:
    """Say whether a folder on the way keeps `user` from seeing that the file is there."""
    content = document.content
    if isinstance(content, Unreadable) and content.trouble is Trouble.DENIED:
        stop = content.access[-1] if content.access else None
        return stop is not None and stop.kind == "folder" and stop.path != document.path
    return user is not None and not may_reach(content.access, user)


def _name(user: User | None) -> str:
    return f"The user {user.name}" if user is not None else "The reader"
