"""An `mcpServers` map as Claude Code validates it → servers, and a problem for every entry that it would not load.

Observed with 2.1.330: no `type` or "stdio" makes a command of it, even beside a `url`; http, streamable-http, sse and ws make a
URL of it, even beside a `command`; any other type, in any other case too, is invalid. URLs are not looked at. `sdk` is valid in
`--mcp-config` alone. Of the other members each transport checks those that it knows (`_MEMBERS`); null is no value for any of
them, and what it does not know may hold anything.
"""

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from agent.core.jsonkinds import Check, is_count, is_text, is_text_map, is_texts, is_truth
from agent.core.jsontext import pointer as pointer_to
from agent.core.place import Place
from agent.core.policy.urls import parse_url
from agent.core.server import Problem, Server, ServerScope, Transport

RESERVED_NAMES = frozenset({"workspace", "claude-in-chrome", "computer-use", "Claude_Preview", "Claude_Browser"})
"""Names of built-in servers, as the client compares them: every other character is taken for "_" first."""
_OTHER_CHARACTER = re.compile(r"[^A-Za-z0-9_-]")
_NO_NAMES = frozenset({"__proto__"})  # a JavaScript object cannot hold it
_TRANSPORTS = {
    "stdio": Transport.STDIO,
    "http": Transport.HTTP,
    "streamable-http": Transport.HTTP,
    "sse": Transport.SSE,
    "ws": Transport.WS,
    "sdk": Transport.SDK,
}
_MOST = 2**53 - 1  # JavaScript's largest safe integer
_PERMISSIONS = frozenset({"always_allow", "always_ask", "always_deny"})
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
        wrong = _name_fault(name, scope) or entry_fault(entry, dynamic=scope is ServerScope.DYNAMIC)
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
    return _command_fault(entry) if transport is Transport.STDIO else _remote_fault(entry, transport)


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


def _name_fault(name: str, scope: ServerScope) -> str | None:
    if (
        _OTHER_CHARACTER.sub("_", name) in RESERVED_NAMES and scope is not ServerScope.PLUGIN
    ):  # a plugin's servers are named after it
        return "the name is reserved for a built-in server"
    return "no object can hold that name" if name in _NO_NAMES else None


def _command_fault(entry: Mapping[str, Any]) -> str | None:
    command = entry.get("command")
    if not isinstance(command, str):
        return "its command is missing or not text"
    return _member_fault(entry, Transport.STDIO) if command else "its command is empty"


def _remote_fault(entry: Mapping[str, Any], transport: Transport) -> str | None:
    if not isinstance(entry.get("url"), str):
        return "its url is missing or not text"
    return _member_fault(entry, transport)


def _member_fault(entry: Mapping[str, Any], transport: Transport) -> str | None:
    return next(
        (
            f"its {name} {must}"
            for name, (check, must) in _MEMBERS[transport].items()
            if name in entry and not check(entry[name])
        ),
        None,
    )


def _filled(bare: Server, entry: Mapping[str, Any]) -> Server:
    """Return the server with what a valid entry says of it."""
    transport = _TRANSPORTS[entry.get("type", "stdio")]
    if transport is Transport.SDK:
        return replace(bare, transport=transport)
    if transport is Transport.STDIO:
        command = (entry["command"], *entry.get("args", ()))
        return replace(bare, transport=transport, command=command, env=dict(entry.get("env", {})))
    return replace(bare, transport=transport, url=entry["url"], headers=dict(entry.get("headers", {})))


def _count(value: object) -> bool:
    return is_count(value) and isinstance(value, int | float) and value <= _MOST


def _https(value: object) -> bool:
    address = parse_url(value) if isinstance(value, str) else None
    return address is not None and address.scheme == "https"


def _oauth(value: object) -> bool:
    return isinstance(value, Mapping) and all(check(value[key]) for key, check in _OAUTH.items() if key in value)


def _tools(value: object) -> bool:
    return isinstance(value, list) and all(
        isinstance(tool, Mapping)
        and isinstance(tool.get("name"), str)
        and ("permission_policy" not in tool or tool["permission_policy"] in _PERMISSIONS)
        for tool in value
    )


_OAUTH: Mapping[str, Check] = {
    "clientId": is_text,
    "callbackPort": _count,
    "authServerMetadataUrl": _https,
    "scopes": lambda value: isinstance(value, str) and bool(value),
    "xaa": is_truth,
}
_ANY: Mapping[str, tuple[Check, str]] = {
    "timeout": (_count, "is not a whole number above zero"),
    "alwaysLoad": (is_truth, "is neither true nor false"),
}
_REMOTE: Mapping[str, tuple[Check, str]] = {
    **_ANY,
    "headers": (is_text_map, "are not an object from names to texts"),
    "headersHelper": (is_text, "is not text"),
}
_HTTP: Mapping[str, tuple[Check, str]] = {
    **_REMOTE,
    "oauth": (_oauth, "is not an object whose members are as the client wants them"),
    "tools": (_tools, "are not a list of objects with a name and a permission_policy that the client knows"),
}
_MEMBERS: Mapping[Transport, Mapping[str, tuple[Check, str]]] = {
    Transport.STDIO: {
        **_ANY,
        "args": (is_texts, "are not a list of texts"),
        "env": (is_text_map, "is not an object from names to texts"),
    },
    Transport.HTTP: _HTTP,
    Transport.SSE: _HTTP,
    Transport.WS: _REMOTE,
}
"""What each transport checks beside `command` and `url`: the member, and what is wrong where the check fails."""


def _shown(kind: object) -> str:
    return repr(kind) if isinstance(kind, str) else "(no text)"
