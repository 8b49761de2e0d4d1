"""One entry of a client's configuration → a server, or what is wrong with it.

Read tolerantly: a client that takes less than this loads less than what is reported, and never more. A family of clients whose
keys mean something else has a `Dialect` of its own.
"""

import shlex
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from agent.core.place import Os, Place
from agent.core.server import Problem, Server, ServerScope, Transport

MAX_ENTRIES = 2000
"""Servers that are read of one map. More than that is an attack on the reader, and is reported as a problem."""


@dataclass(frozen=True, slots=True)
class Origin:
    """Which file a value was read from, and for whom it counts.

    `off` are the members by which the client is told not to start an entry.
    """

    os: Os
    client: str
    user: str | None
    scope: ServerScope
    path: str
    project: str | None = None
    off: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Servers:
    """What a file defines, and what is wrong in it."""

    servers: tuple[Server, ...] = ()
    problems: tuple[Problem, ...] = ()

    def __add__(self, other: "Servers") -> "Servers":
        return Servers(self.servers + other.servers, self.problems + other.problems)


@dataclass(frozen=True, slots=True)
class Dialect:
    """How a family of clients writes one entry; of several keys the first that is there counts.

    `urls`: key → transport where no type is given. `silent`: an entry without a command or URL, whose keys are all among these,
    only switches on or off what is defined elsewhere. `internal`: types that the client serves itself. `one_line`: a command
    without args is a whole command line. `off` takes the place of the origin's, where every client of the family goes by it.
    """

    urls: Mapping[str, Transport] = field(
        default_factory=lambda: dict.fromkeys(("url", "serverUrl", "httpUrl", "uri", "baseUrl"), Transport.HTTP)
    )
    url_first: bool = False
    command: tuple[str, ...] = ("command", "cmd")
    args: tuple[str, ...] = ("args", "arguments")
    env: tuple[str, ...] = ("env", "environment", "envs")
    headers: tuple[str, ...] = ("headers", "http_headers")
    types: tuple[str, ...] = ("type", "transport")
    silent: frozenset[str] = frozenset()
    off: tuple[str, ...] = ()
    internal: frozenset[str] = frozenset()
    one_line: bool = False


COMMON = Dialect()
_NESTED = ("transport", "launch", "requestOptions", "requestInit")
"""Objects within an entry whose members count as the entry's own."""
_TYPES = {
    "stdio": Transport.STDIO,
    "local": Transport.STDIO,
    "http": Transport.HTTP,
    "streamable-http": Transport.HTTP,
    "streamableHttp": Transport.HTTP,
    "streamable_http": Transport.HTTP,
    "streamable": Transport.HTTP,
    "remote": Transport.HTTP,
    "sse": Transport.SSE,
    "ws": Transport.WS,
    "websocket": Transport.WS,
}
OFF: Mapping[str, bool | str] = {
    "disabled": True,
    "enabled": False,
    "isActive": False,
    "active": False,
    "state": "disabled",
}
"""What each member says of an entry that is switched off. A client that does not go by it starts the entry all the same."""


def read_entry(
    name: str, entry: object, pointer: str, origin: Origin, dialect: Dialect = COMMON
) -> Server | str | None:
    """Return the server, what is wrong with the entry, or None for one that defines nothing and is right as it is."""
    if not isinstance(entry, Mapping):
        return "the entry is not an object"
    entry = _flat(entry)
    given = next((_TYPES[entry[key]] for key in dialect.types if _is_type(entry.get(key))), None)
    if any(entry.get(key) in dialect.internal for key in dialect.types if isinstance(entry.get(key), str)):
        return None
    command = _command(entry, dialect)
    url, guess = next(
        ((entry[key], kind) for key, kind in dialect.urls.items() if isinstance(entry.get(key), str) and entry[key]),
        (None, Transport.UNKNOWN),
    )
    if isinstance(command, str):
        return command
    remote = url is not None and (
        given not in (None, Transport.STDIO) or (given is None and (dialect.url_first or command is None))
    )
    if not remote and command is None:
        return None if entry.keys() <= dialect.silent and entry else "it has neither a command nor a URL"
    bare = bare_server(name, pointer, origin)
    off = any(_says(entry.get(key), OFF[key]) for key in (dialect.off or origin.off))
    return replace(
        bare,
        transport=(given or guess) if remote else Transport.STDIO,
        command=None if remote else command,
        url=url if remote else None,
        env=texts(_first(entry, dialect.env)),
        headers=texts(_first(entry, dialect.headers)),
        disabled=off,
    )


def bare_server(name: str, pointer: str, origin: Origin) -> Server:
    """Return a server of which nothing but its place and its name is known."""
    return Server(
        client=origin.client,
        user=origin.user,
        scope=origin.scope,
        name=name,
        place=Place(origin.path, pointer),
        transport=Transport.UNKNOWN,
        project=origin.project,
    )


def entry_problem(origin: Origin, pointer: str, name: str, fault: str) -> Problem:
    """Return the problem of one entry that cannot be read."""
    return problem(origin, pointer, "invalid-server", f"The server {name!r} cannot be read: {fault}.")


def problem(origin: Origin, pointer: str, code: str, text: str) -> Problem:
    """Return a problem at `pointer`."""
    return Problem(Place(origin.path, pointer), code, text)


def text_of(value: object) -> str | None:
    """Return a scalar as the text that a client would pass on, None for anything else."""
    if isinstance(value, bool):
        return "true" if value else "false"
    try:
        return str(value) if isinstance(value, str | int | float) else None
    except ValueError:  # a number of more digits than Python writes out
        return None


def texts(value: object) -> dict[str, str]:
    """Return a map from names to texts, or a list of `NAME=value`, without what is neither."""
    if isinstance(value, list):
        pairs = (item.partition("=") for item in value[:MAX_ENTRIES] if isinstance(item, str))
        return {name: text for name, found, text in pairs if found}
    if not isinstance(value, Mapping):
        return {}
    return {key: text for key, given in value.items() if isinstance(key, str) and (text := text_of(given)) is not None}


def _flat(entry: Mapping[str, Any]) -> Mapping[str, Any]:
    inner = [part for key in _NESTED if isinstance(part := entry.get(key), Mapping)]
    return {**entry, **{key: value for part in inner for key, value in part.items()}} if inner else entry


def _first(entry: Mapping[str, Any], keys: tuple[str, ...]) -> object:
    return next((entry[key] for key in keys if entry.get(key) is not None), None)


def _command(entry: Mapping[str, Any], dialect: Dialect) -> tuple[str, ...] | str | None:
    """Return `[command, *args]`, None without a command, or what is wrong with it."""
    given, args = _first(entry, dialect.command), _first(entry, dialect.args)
    if isinstance(given, Mapping):  # {"path": …, "args": […], "env": {…}}
        nested: Mapping[str, Any] = given
        given, args = nested.get("path") or nested.get("command"), nested.get("args", args)
    if given is None or given == "":
        return None
    if isinstance(given, list):
        first: list[object] = given
    elif isinstance(given, str):
        first = [given]
    else:
        return "its command is not text"
    if isinstance(args, str) and dialect.one_line:
        args = _split(args)
    elif dialect.one_line and not args and isinstance(given, str):
        first = list(_split(given))
    if args is not None and not isinstance(args, list):
        return "its args are not a list"
    words = [text_of(word) for word in (*first, *(args or ()))]
    return (
        "one of its args is not text"
        if None in words or not words
        else tuple(word for word in words if word is not None)
    )


def _split(line: str) -> list[Any]:
    try:
        return list(shlex.split(line))
    except ValueError:  # an open quotation: no words can be told
        return [line]


def _says(given: object, meant: bool | str) -> bool:  # noqa: FBT001 - a value of JSON
    return given is meant or (isinstance(meant, str) and given == meant)


def _is_type(value: object) -> bool:
    return isinstance(value, str) and value in _TYPES
