"""Servers that a running client was given on its command line, in place of or beside its files.

Claude Code: `--mcp-config` (files or JSON), `--plugin-dir`, `--agents`; Codex: `-c mcp_servers.NAME.KEY=VALUE`; Copilot CLI, Amp,
Auggie, Kimi CLI: files or JSON; Goose: commands and URLs. Files are read on behalf of the user whose process names them, once per
process: the client, too, reads them when it starts. `--settings`, `--setting-sources` and `--strict-mcp-config` bring no server;
variables that move a client's files are followed where files are read (`agent.sources.whereabouts`).
"""

import tomllib
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any

from agent.catalog.entries import Origin
from agent.catalog.shapes import read_shape
from agent.core.commandline import simple_command
from agent.core.entry import agent_entries, plugin_servers, read_servers
from agent.core.jsontext import JsonError, decode, parse
from agent.core.observation import Given, Process
from agent.core.place import Data, User, pure_path
from agent.core.policy.flags import read_flags
from agent.core.policy.managed import CLAUDE_CODE
from agent.core.recognition import ClientMarks
from agent.core.recognition.clients import index_of
from agent.core.server import ServerScope, Transport
from agent.ports import Files, Users

CODEX, GOOSE = "codex", "goose"
INLINE = "command line"
"""Stands as the path of what was given in the command line itself."""

_HINTS = (
    *("--mcp-config", "--plugin-dir", "--plugin-url", "--agents", "-c", "--config", "mcp_servers"),
    *("--additional-mcp-config", "--with-extension", "--with-streamable-http-extension", "--with-remote-extension"),
)
_LONGEST = 1000
"""Servers of one command line that are looked at."""


class Flags:
    """Finds them; remembers what each process was given for as long as it runs."""

    def __init__(self, files: Files, users: Users, clients: Sequence[ClientMarks]) -> None:
        self._files, self._users, self._index = files, users, index_of(tuple(clients))
        self._known: dict[tuple[int, float, int], tuple[Given, ...]] = {}

    def given(self, processes: Sequence[Process]) -> tuple[Given, ...]:
        """Return everything that the clients among `processes` were given."""
        known: dict[tuple[int, float, int], tuple[Given, ...]] = {}
        for process in processes:
            if not process.command or not any(word.startswith(_HINTS) for word in process.command[1:]):
                continue
            client = self._index.of(process)
            reader = _READERS.get(client.client) if client is not None else None
            if reader is None:
                continue
            key = (*process.identity, process.image)
            before = self._known.get(key)
            known[key] = tuple(self._read(process, reader)) if before is None else before
        self._known = known
        return tuple(item for items in known.values() for item in items)

    def _read(self, process: Process, reader: "_Reader") -> Iterator[Given]:
        user = next((user for user in self._users.users() if user.name == process.user), None)
        yield from list(reader(process, partial(self._text, process, user), self._files))[:_LONGEST]

    def _text(self, process: Process, user: User | None, path: str) -> str | None:
        """Return the text of a file as the process's user may read it, None where that is not possible."""
        if user is None or process.cwd is None:
            return None
        found = self._files.read(str(pure_path(self._files.os, process.cwd) / path), reader=user)
        return decode(found.raw) if isinstance(found, Data) else None


_Text = Callable[[str], str | None]
_Reader = Callable[[Process, _Text, Files], Iterator[Given]]


def _claude(process: Process, text: _Text, files: Files) -> Iterator[Given]:
    words = (process.command or ())[1:]
    texts: dict[str, str] = {}  # what a file holds → its path, since the flags keep texts alone

    def remembered(path: str) -> str | None:
        found = text(path)
        if found is not None:
            texts[found] = path
        return found

    flags = read_flags(words, remembered)
    for config in flags.mcp_config:
        if config is None:
            yield Given(process.identity, "--mcp-config", problem="a file that it names could not be read")
            continue
        value = _json(config)
        inner = value.get("mcpServers", value) if isinstance(value, Mapping) else None
        yield from _claude_map(process, "--mcp-config", inner, texts.get(config, INLINE))
    if flags.agents is not None:
        yield from _claude_map(process, "--agents", _agents(_json(flags.agents)), INLINE)
    for folder in _values(words, "--plugin-dir"):
        yield from _plugin(process, text, str(pure_path(files.os, process.cwd or "/") / folder))
    if any(True for _ in _values(words, "--plugin-url")):
        yield Given(process.identity, "--plugin-url", problem="it names a plugin that is fetched from elsewhere")


def _plugin(process: Process, text: _Text, root: str) -> Iterator[Given]:
    """Yield the servers of a plugin: of its `.mcp.json`, and those that its manifest holds or names a file of."""
    manifest = _json(text(f"{root}/.claude-plugin/plugin.json") or "{}")
    named = manifest.get("mcpServers") if isinstance(manifest, Mapping) else None
    sources: list[tuple[object, str]] = [(_json(text(f"{root}/.mcp.json") or "{}"), f"{root}/.mcp.json")]
    for one in named if isinstance(named, list) else [named]:
        if isinstance(one, str):
            sources.append((_json(text(f"{root}/{one}") or "{}"), f"{root}/{one}"))
        elif isinstance(one, Mapping):
            sources.append((one, f"{root}/.claude-plugin/plugin.json"))
    name = root.replace("\\", "/").rstrip("/").rsplit("/", 1)[-1]
    for value, path in sources:
        inner = value.get("mcpServers", value) if isinstance(value, Mapping) else {}
        for given in _claude_map(process, "--plugin-dir", inner, path):
            for server in plugin_servers((given.server,) if given.server else (), plugin=name, root=root):
                yield Given(given.process, given.flag, server)


def _claude_map(process: Process, flag: str, value: object, path: str) -> Iterator[Given]:
    if not isinstance(value, Mapping):
        yield Given(process.identity, flag, problem="what it gives is no object of servers")
        return
    servers, _ = read_servers(value, client=CLAUDE_CODE, user=process.user, scope=ServerScope.DYNAMIC, path=path)
    for server in servers:
        if server.transport is not Transport.SDK:  # served by the program that started the client
            yield Given(process.identity, flag, server)


def _agents(value: object) -> dict[str, Any]:
    if not isinstance(value, Mapping):
        return {}
    found: dict[str, Any] = {}
    for agent in value.values():
        found |= agent_entries(agent.get("mcpServers")) if isinstance(agent, Mapping) else {}
    return found


def _codex(process: Process, text: _Text, files: Files) -> Iterator[Given]:
    del text
    document: dict[str, Any] = {}
    for setting in _values((process.command or ())[1:], "-c", "--config", attached="-c"):
        key, equals, value = setting.partition("=")
        if equals and key.strip().startswith("mcp_servers"):
            _put(document, _dotted(key.strip()), _toml(value.strip()))
    if not document:
        return
    origin = Origin(files.os, CODEX, process.user, ServerScope.DYNAMIC, INLINE)
    for server in read_shape("codex_servers", document, "/mcp_servers", origin).servers:
        yield Given(process.identity, "-c mcp_servers", server)


def _maps(option: str, client: str) -> _Reader:
    """Return the reader of an option whose values are JSON, or files of it (also as `@file`)."""

    def read(process: Process, text: _Text, files: Files) -> Iterator[Given]:
        for value in _values((process.command or ())[1:], option):
            inline = value.lstrip().startswith("{")
            path = INLINE if inline else value.removeprefix("@")
            found = value if inline else text(path)
            if found is None:
                yield Given(process.identity, option, problem="a file that it names could not be read")
                continue
            origin = Origin(files.os, client, process.user, ServerScope.DYNAMIC, path)
            for server in read_shape("wrapped", _json(found), "", origin).servers:
                yield Given(process.identity, option, server)

    return read


def _goose(process: Process, text: _Text, files: Files) -> Iterator[Given]:
    """`--with-extension "NAME=value command args"`, and options that take the URL of a remote server."""
    del text
    words = (process.command or ())[1:]
    origin = Origin(files.os, GOOSE, process.user, ServerScope.DYNAMIC, INLINE)
    entries: list[tuple[str, dict[str, Any]]] = []
    for line in _values(words, "--with-extension"):
        command = simple_command(line) or tuple(line.split())
        if command:
            entries.append(("--with-extension", {"command": command[0], "args": list(command[1:])}))
    for option in ("--with-streamable-http-extension", "--with-remote-extension"):
        entries += [(option, {"url": url}) for url in _values(words, option)]
    for number, (option, entry) in enumerate(entries):
        for server in read_shape("wrapped", {"mcpServers": {f"extension-{number}": entry}}, "", origin).servers:
            yield Given(process.identity, option, server)


_READERS: Mapping[str, _Reader] = {
    CLAUDE_CODE: _claude,
    CODEX: _codex,
    GOOSE: _goose,
    "github-copilot-cli": _maps("--additional-mcp-config", "github-copilot-cli"),
    "amp": _maps("--mcp-config", "amp"),
    "augment": _maps("--mcp-config", "augment"),
    "kimi-cli": _maps("--mcp-config", "kimi-cli"),
}
"""How each client's command line is read."""


def _values(words: Sequence[str], *names: str, attached: str | None = None) -> Iterator[str]:
    """Yield every value of an option, given as the next word, after an equals sign, or `attached` to a short name."""
    for place, word in enumerate(words):
        name, equals, value = word.partition("=")
        if word in names and place + 1 < len(words):
            yield words[place + 1]
        elif equals and name in names:
            yield value
        elif attached is not None and word.startswith(attached) and word != attached:
            yield word.removeprefix(attached)


def _dotted(key: str) -> list[str]:
    """Read a TOML key: bare and quoted parts with dots between."""
    try:
        found: Any = tomllib.loads(f"{key} = 0")
    except tomllib.TOMLDecodeError:
        return key.split(".")
    parts = []
    while isinstance(found, dict):
        (part,) = found
        parts.append(part)
        found = found[part]
    return parts


def _toml(value: str) -> object:
    """Read a value as Codex does: as TOML, or else as the text itself."""
    try:
        return tomllib.loads(f"v = {value}")["v"]
    except (tomllib.TOMLDecodeError, RecursionError):
        return value.strip("\"'")


def _put(document: dict[str, Any], parts: Sequence[str], value: object) -> None:
    *above, last = parts
    for part in above:
        below = document.setdefault(part, {})
        if not isinstance(below, dict):
            return
        document = below
    document[last] = value


def _json(text: str) -> Any:  # noqa: ANN401 - JSON is any value
    try:
        return parse(text)
    except JsonError:
        return None
