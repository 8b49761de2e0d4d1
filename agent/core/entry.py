"""An `mcpServers` map as Claude Code validates it → servers, and a problem for every entry that it would not load.

Observed with 2.1.330: no `type` or "stdio" makes a command of it, even beside a `url`; http, streamable-http, sse and ws make a
URL of it, even beside a `command`; any other type, in any other case too, is invalid. `args` must be a list of strings, `env` and
`headers` maps to strings; null is no value for any of them. URLs are not looked at. `sdk` is valid in `--mcp-config` alone.
"""

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from agent.core.jsontext import pointer as pointer_to
from agent.core.place import Place
from agent.core.server import Problem, Server, ServerScope, Transport

RESERVED_NAMES = frozenset({"workspace", "claude-in-chrome", "computer-use", "Claude Preview", "Claude Browser"})
_NO_NAMES = frozenset({"__proto__"})  # a JavaScript object cannot hold it
_TRANSPORTS = {
    "stdio": Transport.STDIO,
    "http": Transport.HTTP,
    "streamable-http": Transport.HTTP,
    "sse": Transport.SSE,
    "ws": Transport.WS,
    "sdk": Transport.SDK,
}
_PLUGIN_VARIABLE = re.compile(r"\$\{(CLAUDE_PLUGIN_ROOT|CLAUDE_PLUGIN_DATA)\}")


def read_servers(  # noqa: PLR0913 - one keyword for each fact that the map itself does not hold
    value: object,
    *,
    client: str,
    user: str | None,
    scope: ServerScope,
    path: str,
    pointer: str = "/mcpServers",
    project: str | None = None,
) -> tuple[tuple[Server, ...], tuple[Problem, ...]]:
    """Return the servers of the map `value`, which stands in `path` at `pointer`, and what is wrong with the others."""
    if not isinstance(value, Mapping):
        problem = "The servers are not a JSON object from names to entries, so none of them loads."
        return (), (Problem(Place(path, pointer), "invalid-servers", problem),)
    bare = Server(
        client=client,
        user=user,
        scope=scope,
        name="",
        place=Place(path),
        transport=Transport.UNKNOWN,
        project=project,
    )
    servers: list[Server] = []
    problems: list[Problem] = []
    for name, entry in value.items():
        place = Place(path, pointer + pointer_to(name))
        wrong = _name_fault(name) or entry_fault(entry, dynamic=scope is ServerScope.DYNAMIC)
        if wrong:
            problems.append(Problem(place, "invalid-server", f"The client skips the server {name!r}: {wrong}."))
            continue
        servers.append(_filled(replace(bare, name=name, place=place), entry))
    return tuple(servers), tuple(problems)


def agent_entries(value: object) -> dict[str, Any]:
    """Return the servers that an agent's `mcpServers` defines: a map, or a list of one-entry maps and names of other servers."""
    if isinstance(value, Mapping):
        return dict(value)
    maps = [item for item in value if isinstance(item, Mapping)] if isinstance(value, list) else []
    return {name: entry for item in maps for name, entry in item.items() if isinstance(name, str)}


def entry_fault(entry: object, *, dynamic: bool = False) -> str | None:
    """Say what makes `entry` invalid, None where the client loads it. `dynamic` is an entry of `--mcp-config`."""
    if not isinstance(entry, Mapping):
        return "the entry is not a JSON object"
    kind = entry.get("type", "stdio")
    transport = _TRANSPORTS.get(kind) if isinstance(kind, str) else None
    if transport is None or (transport is Transport.SDK and not dynamic):
        return f"its type {_shown(kind)} is none of stdio, http, sse and ws"
    if transport is Transport.SDK:
        return None if isinstance(entry.get("name"), str) else "an sdk entry needs a name"
    return _command_fault(entry) if transport is Transport.STDIO else _remote_fault(entry)


def plugin_servers(
    servers: tuple[Server, ...], *, plugin: str, root: str, data: str | None = None
) -> tuple[Server, ...]:
    """Return a plugin's servers as Claude Code registers them: `plugin:<plugin>:<server>`, with the plugin's folders put in."""
    folders = {"CLAUDE_PLUGIN_ROOT": root} | ({"CLAUDE_PLUGIN_DATA": data} if data is not None else {})

    def put(text: str) -> str:
        return _PLUGIN_VARIABLE.sub(lambda match: folders.get(match[1], match[0]), text)

    return tuple(
        replace(
            server,
            name=f"plugin:{plugin}:{server.name}",
            command=None if server.command is None else tuple(put(part) for part in server.command),
            url=None if server.url is None else put(server.url),
        )
        for server in servers
    )


def _name_fault(name: str) -> str | None:
    if name in RESERVED_NAMES:
        return "the name is reserved for a built-in server"
    return "no object can hold that name" if name in _NO_NAMES else None


def _command_fault(entry: Mapping[str, Any]) -> str | None:
    command = entry.get("command")
    if not isinstance(command, str):
        return "its command is missing or not text"
    if not command:
        return "its command is empty"
    if "args" in entry and not _texts(entry["args"]):
        return "its args are not a list of texts"
    if "env" in entry and not _text_map(entry["env"]):
        return "its env is not an object from names to texts"
    return None


def _remote_fault(entry: Mapping[str, Any]) -> str | None:
    if not isinstance(entry.get("url"), str):
        return "its url is missing or not text"
    if "headers" in entry and not _text_map(entry["headers"]):
        return "its headers are not an object from names to texts"
    if "headersHelper" in entry and not isinstance(entry["headersHelper"], str):
        return "its headersHelper is not text"
    return None


def _filled(bare: Server, entry: Mapping[str, Any]) -> Server:
    """Return the server with what a valid entry says of it."""
    transport = _TRANSPORTS[entry.get("type", "stdio")]
    if transport is Transport.SDK:
        return replace(bare, transport=transport)
    if transport is Transport.STDIO:
        command = (entry["command"], *entry.get("args", ()))
        return replace(bare, transport=transport, command=command, env=dict(entry.get("env", {})))
    return replace(bare, transport=transport, url=entry["url"], headers=dict(entry.get("headers", {})))


def _texts(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(part, str) for part in value)


def _text_map(value: object) -> bool:
    return isinstance(value, Mapping) and all(isinstance(part, str) for part in value.values())


def _shown(kind: object) -> str:
    return repr(kind) if isinstance(kind, str) else "(no text)"
