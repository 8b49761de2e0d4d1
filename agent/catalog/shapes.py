"""Shapes: how servers stand in a file. Each shape once, shared by all clients that use it; one bad entry costs that entry.

Claude Code's own entries are validated as that client does it (`agent.core.entry`). The others are read tolerantly: a client
that takes less than this loads less than what is reported, and never more.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import chain, islice
from typing import Any

from agent.catalog.paths import is_absolute
from agent.catalog.rows import Shape
from agent.core.entry import read_servers
from agent.core.jsontext import pointer as pointer_to
from agent.core.place import Os, Place, pure_path
from agent.core.server import Problem, Server, ServerScope, Transport

MAX_ENTRIES = 2000
"""Servers that are read of one map. More than that is an attack on the reader, and is reported as a problem."""

MAX_FILE = 10_000
"""Servers, and problems, that one file can bring, however many maps it holds."""


@dataclass(frozen=True, slots=True)
class Origin:
    """Which file a value was read from, and for whom it counts."""

    os: Os
    client: str
    user: str | None
    scope: ServerScope
    path: str
    project: str | None = None


@dataclass(frozen=True, slots=True)
class Servers:
    """What a file defines, and what is wrong in it."""

    servers: tuple[Server, ...] = ()
    problems: tuple[Problem, ...] = ()

    def __add__(self, other: "Servers") -> "Servers":
        return Servers(self.servers + other.servers, self.problems + other.problems)


@dataclass(frozen=True, slots=True)
class Dialect:
    """How a family of clients writes one entry. `urls`: key → transport where no type is given, in the order of preference."""

    urls: Mapping[str, Transport] = field(
        default_factory=lambda: dict.fromkeys(("url", "serverUrl", "httpUrl"), Transport.HTTP)
    )
    url_first: bool = False
    headers: str = "headers"
    types: tuple[str, ...] = ("type", "transport")


_COMMON = Dialect()
_GEMINI = Dialect({"httpUrl": Transport.HTTP, "url": Transport.SSE}, url_first=True, types=("type",))
_CODEX = Dialect({"url": Transport.HTTP}, headers="http_headers", types=())
_TYPES = {
    "stdio": Transport.STDIO,
    "local": Transport.STDIO,
    "http": Transport.HTTP,
    "streamable-http": Transport.HTTP,
    "streamableHttp": Transport.HTTP,
    "streamable_http": Transport.HTTP,
    "remote": Transport.HTTP,
    "sse": Transport.SSE,
    "ws": Transport.WS,
    "websocket": Transport.WS,
}
_ENTRY_KEYS = frozenset({"command", "url", "serverUrl", "httpUrl", "type"})


def read_shape(shape: Shape, value: object, pointer: str, origin: Origin) -> Servers:
    """Return the servers in `value`, the whole content of a file. A file without the place where servers stand has none."""
    if value is None:
        return Servers()
    if not isinstance(value, Mapping):
        return Servers(
            problems=(_problem(origin, "", "invalid-file", "The file is not an object, so nothing in it counts."),)
        )
    return _READERS[shape](value, pointer, origin)


def project_keys(value: object, pointer: str, os: Os) -> Iterator[str]:
    """Yield the absolute folders that are keys of the map at `pointer`, in the examined system's spelling."""
    found = at(value, pointer)
    for key in found if isinstance(found, Mapping) else ():
        if isinstance(key, str) and is_absolute(os, key):
            yield str(pure_path(os, key))


def at(value: object, pointer: str) -> object:
    """Return what stands at an RFC 6901 `pointer` below objects, None where there is nothing."""
    for part in pointer.split("/")[1:]:
        if not isinstance(value, Mapping):
            return None
        value = value.get(part.replace("~1", "/").replace("~0", "~"))
    return value


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
    if len(projects) > MAX_ENTRIES:
        parts.append(_too_many(origin, "/projects", len(projects)))
    return Servers(
        tuple(islice(chain.from_iterable(part.servers for part in parts), MAX_FILE)),
        tuple(islice(chain.from_iterable(part.problems for part in parts), MAX_FILE)),
    )


def _claude_servers(value: Mapping[str, Any], pointer: str, origin: Origin) -> Servers:
    found = at(value, pointer)
    if found is None:
        text = f"The file has no object {pointer.strip('/')}, so the client loads nothing from it."
        return Servers(problems=(_problem(origin, "", "no-servers", text),))
    return _claude(found, pointer, origin)


def _claude(value: object, pointer: str, origin: Origin) -> Servers:
    over = Servers()
    if isinstance(value, Mapping) and len(value) > MAX_ENTRIES:
        value, over = dict(islice(value.items(), MAX_ENTRIES)), _too_many(origin, pointer, len(value))
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


def _servers(value: Mapping[str, Any], pointer: str, origin: Origin) -> Servers:
    return _map(at(value, pointer), pointer, origin, _COMMON)


def _gemini_servers(value: Mapping[str, Any], pointer: str, origin: Origin) -> Servers:
    return _map(at(value, pointer), pointer, origin, _GEMINI)


def _codex_servers(value: Mapping[str, Any], pointer: str, origin: Origin) -> Servers:
    return _map(at(value, pointer), pointer, origin, _CODEX)


def _vscode_servers(value: Mapping[str, Any], pointer: str, origin: Origin) -> Servers:
    return _map(at(value, pointer + "/servers"), pointer + "/servers", origin, _COMMON)


def _vscode_settings(value: Mapping[str, Any], pointer: str, origin: Origin) -> Servers:
    """Read `{"mcp": {"servers": …}}` and the dotted key `"mcp.servers"`, which VS Code takes for the same."""
    nested = _map(at(value, pointer + "/mcp/servers"), pointer + "/mcp/servers", origin, _COMMON)
    return nested + _map(value.get("mcp.servers"), pointer + "/mcp.servers", origin, _COMMON)


def _wrapped(value: Mapping[str, Any], pointer: str, origin: Origin) -> Servers:
    """Read `mcpServers`, `servers` or `mcp_servers`, or a bare map whose every value looks like an entry."""
    found = Servers()
    keys = [key for key in ("mcpServers", "servers", "mcp_servers") if key in value]
    for key in keys:
        found += _map(value[key], pointer + pointer_to(key), origin, _COMMON)
    bare = value and all(isinstance(entry, Mapping) and _ENTRY_KEYS & entry.keys() for entry in value.values())
    return found if keys or not bare else _map(value, pointer, origin, _COMMON)


_READERS: Mapping[Shape, Callable[[Mapping[str, Any], str, Origin], Servers]] = {
    "claude_state": _claude_state,
    "claude_servers": _claude_servers,
    "servers": _servers,
    "wrapped": _wrapped,
    "vscode_servers": _vscode_servers,
    "vscode_settings": _vscode_settings,
    "gemini_servers": _gemini_servers,
    "codex_servers": _codex_servers,
}


def _map(value: object, pointer: str, origin: Origin, dialect: Dialect) -> Servers:
    if value is None:
        return Servers()
    if not isinstance(value, Mapping):
        text = "The servers are not an object from names to entries, so none of them counts."
        return Servers(problems=(_problem(origin, pointer, "invalid-servers", text),))
    servers: list[Server] = []
    problems: list[Problem] = []
    for name, entry in islice(value.items(), MAX_ENTRIES):
        where = pointer + pointer_to(name)
        read = _entry(name, entry, where, origin, dialect)
        if isinstance(read, Server):
            servers.append(read)
        else:
            problems.append(_problem(origin, where, "invalid-server", f"The server {name!r} cannot be read: {read}."))
    over = _too_many(origin, pointer, len(value)) if len(value) > MAX_ENTRIES else Servers()
    return Servers(tuple(servers), tuple(problems)) + over


def _entry(name: str, entry: object, pointer: str, origin: Origin, dialect: Dialect) -> Server | str:
    """Return the server, or what is wrong with the entry."""
    if not isinstance(entry, Mapping):
        return "the entry is not an object"
    command = _command(entry)
    url, guess = next(
        ((entry[key], kind) for key, kind in dialect.urls.items() if isinstance(entry.get(key), str) and entry[key]),
        (None, Transport.UNKNOWN),
    )
    given = next((_TYPES[entry[key]] for key in dialect.types if _is_type(entry.get(key))), None)
    if isinstance(command, str):
        return command
    remote = url is not None and (
        given not in (None, Transport.STDIO) or (given is None and (dialect.url_first or command is None))
    )
    if not remote and command is None:
        return "it has neither a command nor a URL"
    return Server(
        client=origin.client,
        user=origin.user,
        scope=origin.scope,
        name=name,
        place=Place(origin.path, pointer),
        transport=(given or guess) if remote else Transport.STDIO,
        command=None if remote else command,
        url=url if remote else None,
        env=_texts(entry.get("env")),
        headers=_texts(entry.get(dialect.headers)),
        project=origin.project,
        disabled=entry.get("disabled") is True or entry.get("enabled") is False,
    )


def _command(entry: Mapping[str, Any]) -> tuple[str, ...] | str | None:
    """Return `[command, *args]`, None without a command, or what is wrong with it."""
    given, args = entry.get("command"), entry.get("args")
    if given is None or given == "":
        return None
    if isinstance(given, list):
        first: list[object] = given
    elif isinstance(given, str):
        first = [given]
    else:
        return "its command is not text"
    if args is not None and not isinstance(args, list):
        return "its args are not a list"
    words = [_text(word) for word in (*first, *(args or ()))]
    return (
        "one of its args is not text"
        if None in words or not words
        else tuple(word for word in words if word is not None)
    )


def _is_type(value: object) -> bool:
    return isinstance(value, str) and value in _TYPES


def _text(value: object) -> str | None:
    if isinstance(value, bool):
        return "true" if value else "false"
    try:
        return str(value) if isinstance(value, str | int | float) else None
    except ValueError:  # a number of more digits than Python writes out
        return None


def _texts(value: object) -> dict[str, str]:
    if not isinstance(value, Mapping):
        return {}
    return {key: text for key, given in value.items() if (text := _text(given)) is not None}


def _problem(origin: Origin, pointer: str, code: str, text: str) -> Problem:
    return Problem(Place(origin.path, pointer), code, text)


def _too_many(origin: Origin, pointer: str, count: int) -> Servers:
    text = f"There are {count} entries here; the first {MAX_ENTRIES} were read and the others were not."
    return Servers(problems=(_problem(origin, pointer, "too-many-servers", text),))
