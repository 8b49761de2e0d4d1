"""Shapes: how servers stand in a file. Each shape once, shared by all clients that use it; one bad entry costs that entry.

Claude Code's own entries are validated as that client does it (`agent.core.entry`), the others by `agent.catalog.entries`.
Where servers stand as a map, a list of entries with names is taken too: clients that changed from one to the other read both.
"""

from collections.abc import Callable, Iterator, Mapping
from itertools import chain, islice
from typing import Any

from agent.catalog import odd_shapes
from agent.catalog.entries import MAX_ENTRIES, Dialect, Origin, Servers, problem
from agent.catalog.maps import at, read_map, too_many
from agent.catalog.paths import is_absolute
from agent.catalog.rows import Shape
from agent.core.entry import agent_entries, read_servers
from agent.core.jsontext import pointer as pointer_to
from agent.core.place import Os, pure_path
from agent.core.server import ServerScope, Transport

MAX_FILE = 10_000
"""Servers, and problems, that one file can bring, however many maps it holds."""

_Reader = Callable[[Mapping[str, Any], str, Origin], Servers]

_GEMINI = Dialect({"httpUrl": Transport.HTTP, "url": Transport.SSE}, url_first=True, types=("type",))
_CODEX = Dialect({"url": Transport.HTTP}, headers=("http_headers",), types=(), off=("enabled",))
_OPENCODE = Dialect(silent=frozenset({"enabled"}), off=("enabled",))
_ZED = Dialect(silent=frozenset({"settings", "enabled", "source", "remote"}), off=("enabled",))
_GOOSE = Dialect(internal=frozenset({"builtin", "platform", "frontend", "inline_python"}), off=("enabled",))
_AUGMENT = Dialect(one_line=True, off=("disabled",))
_HUB = Dialect(silent=frozenset({"uses", "with", "override"}))
"""Continue: a reference to a block of its hub, which only the hub can resolve."""
_ENTRY_KEYS = frozenset({"command", "url", "serverUrl", "httpUrl", "type", "transport"})


def read_shape(shape: Shape, value: object, pointer: str, origin: Origin) -> Servers:
    """Return the servers in `value`, the whole content of a file. A file without the place where servers stand has none."""
    if value is None:
        return Servers()
    if not isinstance(value, Mapping):
        if isinstance(value, list) and shape in _LISTS:
            return _LISTS[shape](value, pointer, origin)
        text = "The file is not an object, so nothing in it counts."
        return Servers(problems=(problem(origin, "", "invalid-file", text),))
    return _READERS[shape](value, pointer, origin)


def project_keys(value: object, pointer: str, os: Os) -> Iterator[str]:
    """Yield the absolute folders that are keys of the map at `pointer`, in the examined system's spelling."""
    found = at(value, pointer)
    for key in found if isinstance(found, Mapping) else ():
        if isinstance(key, str) and is_absolute(os, key):
            yield str(pure_path(os, key))


def _claude_state(value: Mapping[str, Any], pointer: str, origin: Origin) -> Servers:
    del pointer
    parts = [_claude(value["mcpServers"], "/mcpServers", origin)] if "mcpServers" in value else []
    projects = value.get("projects")
    projects = projects if isinstance(projects, Mapping) else {}
    for key, state in islice(projects.items(), MAX_ENTRIES):
        if isinstance(state, Mapping) and state.get("mcpServers"):
            project = str(pure_path(origin.os, key)) if is_absolute(origin.os, key) else key
            local = Origin(origin.os, origin.client, origin.user, ServerScope.LOCAL, origin.path, project)
            parts.append(_claude(state["mcpServers"], pointer_to("projects", key, "mcpServers"), local))
    over = too_many(origin, "/projects", len(projects)) if len(projects) > MAX_ENTRIES else Servers()
    servers = tuple(chain.from_iterable(part.servers for part in parts))
    over += too_many(origin, "/projects", len(servers), MAX_FILE) if len(servers) > MAX_FILE else Servers()
    return over + Servers(
        servers[:MAX_FILE], tuple(islice(chain.from_iterable(part.problems for part in parts), MAX_FILE))
    )


def _claude_servers(value: Mapping[str, Any], pointer: str, origin: Origin) -> Servers:
    found = at(value, pointer)
    if found is None:
        text = f"The file has no object {pointer.strip('/')}, so the client loads nothing from it."
        return Servers(problems=(problem(origin, "", "no-servers", text),))
    return _claude(found, pointer, origin)


def _claude_wrapped(value: Mapping[str, Any], pointer: str, origin: Origin) -> Servers:
    """Read a plugin's servers: at the pointer where one is given, else under mcpServers, else the whole file is the map."""
    if not pointer:
        pointer = "/mcpServers" if "mcpServers" in value else ""
    found = at(value, pointer)
    return _claude(found, pointer, origin) if isinstance(found, Mapping) else Servers()


def _agent(value: Mapping[str, Any], pointer: str, origin: Origin) -> Servers:
    found = at(value, pointer)
    return _claude(agent_entries(found), pointer, origin) if found is not None else Servers()


def _claude(value: object, pointer: str, origin: Origin) -> Servers:
    over = Servers()
    if isinstance(value, Mapping) and len(value) > MAX_ENTRIES:
        value, over = dict(islice(value.items(), MAX_ENTRIES)), too_many(origin, pointer, len(value))
    servers, problems = read_servers(
        value,
        client=origin.client,
        user=origin.user,
        scope=origin.scope,
        path=origin.path,
        pointer=pointer,
        project=origin.project,
    )
    return Servers(servers, problems) + over


def _speaking(dialect: Dialect | None = None) -> _Reader:
    """Return the reader of a map or list at the pointer whose entries are written in `dialect`."""

    def read(value: Mapping[str, Any], pointer: str, origin: Origin) -> Servers:
        found = at(value, pointer)
        return read_map(found, pointer, origin, dialect) if dialect else read_map(found, pointer, origin)

    return read


def _vscode_servers(value: Mapping[str, Any], pointer: str, origin: Origin) -> Servers:
    return read_map(at(value, pointer + "/servers"), pointer + "/servers", origin)


def _vscode_settings(value: Mapping[str, Any], pointer: str, origin: Origin) -> Servers:
    """Read `{"mcp": {"servers": …}}` and the dotted key `"mcp.servers"`, which VS Code takes for the same."""
    nested = read_map(at(value, pointer + "/mcp/servers"), pointer + "/mcp/servers", origin)
    dotted = at(value, pointer + "/mcp.servers")
    return nested + read_map(dotted, pointer + "/mcp.servers", origin)


def _opencode(value: Mapping[str, Any], pointer: str, origin: Origin) -> Servers:
    """Read `mcp.<name>`, and `mcp.servers.<name>` beside other settings, as newer files have it."""
    found = at(value, pointer)
    inner = found.get("servers") if isinstance(found, Mapping) else None
    if isinstance(inner, Mapping) and not _ENTRY_KEYS & inner.keys():
        return read_map(inner, pointer + "/servers", origin, _OPENCODE)
    return read_map(found, pointer, origin, _OPENCODE)


def _wrapped(value: Mapping[str, Any], pointer: str, origin: Origin) -> Servers:
    """Read `mcpServers`, `servers` or `mcp_servers`, a bare map whose every value looks like an entry, or one bare entry."""
    found = Servers()
    keys = [key for key in ("mcpServers", "servers", "mcp_servers") if key in value]
    for key in keys:
        found += read_map(value[key], pointer + pointer_to(key), origin, _HUB)
    if keys or not value:
        return found
    if all(isinstance(entry, Mapping) and _ENTRY_KEYS & entry.keys() for entry in value.values()):
        return read_map(value, pointer, origin)
    single = isinstance(value.get("name"), str) and bool({"command", "url"} & value.keys())
    return read_map([value], pointer, origin) if single else found


_READERS: Mapping[Shape, _Reader] = {
    "claude_state": _claude_state,
    "claude_servers": _claude_servers,
    "agent": _agent,
    "claude_wrapped": _claude_wrapped,
    "servers": _speaking(),
    "wrapped": _wrapped,
    "vscode_servers": _vscode_servers,
    "vscode_settings": _vscode_settings,
    "gemini_servers": _speaking(_GEMINI),
    "codex_servers": _speaking(_CODEX),
    "opencode": _opencode,
    "zed": _speaking(_ZED),
    "goose": _speaking(_GOOSE),
    "augment": _speaking(_AUGMENT),
    "list": _speaking(_HUB),
    **odd_shapes.READERS,
}
_LISTS: Mapping[Shape, Callable[[list[Any], str, Origin], Servers]] = {
    "augment": lambda value, _, origin: read_map(value, "", origin, _AUGMENT),
    "list": lambda value, _, origin: read_map(value, "", origin, _HUB),
    "wrapped": lambda value, _, origin: read_map(value, "", origin, _HUB),
}
"""The shapes in which the whole file may be a list."""
