"""Servers that a running client was given on its command line, in place of or beside its files.

Claude Code: `--mcp-config` (files or JSON), `--plugin-dir`, `--agents`; Codex: `-c mcp_servers.NAME.KEY=VALUE`; other clients:
`agent.sources.other_flags`. Files are read on behalf of the user whose process names them, once per process: the client, too,
reads them when it starts. `--settings`, `--setting-sources` and `--strict-mcp-config` bring no server; variables and options that
move a client's files are followed where files are read (`agent.sources.whereabouts`).
"""

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import Any

from agent.catalog.entries import Origin
from agent.catalog.format_error import FormatError
from agent.catalog.shapes import read_shape
from agent.catalog.tomltext import parse_toml
from agent.core.entry import agent_entries, plugin_servers, read_servers
from agent.core.jsontext import decode
from agent.core.observation import Given, Process
from agent.core.place import Data, User, pure_path
from agent.core.policy.flags import read_flags
from agent.core.policy.provided import CLAUDE_CODE
from agent.core.recognition import ClientMarks
from agent.core.recognition.clients import index_of
from agent.core.server import ServerScope, Transport
from agent.ports import Files, Users
from agent.sources.options import INLINE, Reader, Text, as_json, values
from agent.sources.other_flags import OTHERS

CODEX = "codex"
_HINTS = (
    *("--mcp-config", "--plugin-dir", "--plugin-url", "--agents", "-c", "--config", "mcp_servers"),
    *(
        "--mcp-config-file",
        "--additional-mcp-config",
        "--with-extension",
        "--with-streamable-http-extension",
        "--with-remote-extension",
    ),
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

    def _read(self, process: Process, reader: Reader) -> Iterator[Given]:
        user = next((user for user in self._users.users() if user.name == process.user), None)
        yield from list(reader(process, partial(self._text, process, user), self._files))[:_LONGEST]

    def _text(self, process: Process, user: User | None, path: str, *, home: bool = False) -> str | None:
        """Return the text of a file as the process's user may read it, None where that is not possible."""
        if user is None or process.cwd is None:
            return None
        path = f"{user.home}/{path.removeprefix('~/')}" if home and path.startswith("~/") else path
        found = self._files.read(str(pure_path(self._files.os, process.cwd) / path), reader=user)
        return decode(found.raw) if isinstance(found, Data) else None


def _claude(process: Process, text: Text, files: Files) -> Iterator[Given]:
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
        value = as_json(config)
        inner = value.get("mcpServers", value) if isinstance(value, Mapping) else None
        yield from _claude_map(process, "--mcp-config", inner, texts.get(config, INLINE))
    if flags.agents is not None:
        yield from _claude_map(process, "--agents", _agents(as_json(flags.agents)), INLINE)
    for folder in values(words, "--plugin-dir"):
        yield from _plugin(process, text, str(pure_path(files.os, process.cwd or "/") / folder))
    if any(True for _ in values(words, "--plugin-url")):
        yield Given(process.identity, "--plugin-url", problem="it names a plugin that is fetched from elsewhere")


def _plugin(process: Process, text: Text, root: str) -> Iterator[Given]:
    """Yield the servers of a plugin: of its `.mcp.json`, and those that its manifest holds or names a file of."""
    manifest = as_json(text(f"{root}/.claude-plugin/plugin.json") or "{}")
    named = manifest.get("mcpServers") if isinstance(manifest, Mapping) else None
    sources: list[tuple[object, str]] = [(as_json(text(f"{root}/.mcp.json") or "{}"), f"{root}/.mcp.json")]
    for one in named if isinstance(named, list) else [named]:
        if isinstance(one, str):
            sources.append((as_json(text(f"{root}/{one}") or "{}"), f"{root}/{one}"))
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


def _codex(process: Process, text: Text, files: Files) -> Iterator[Given]:
    del text
    document: dict[str, Any] = {}
    for setting in values((process.command or ())[1:], "-c", "--config", attached="-c"):
        key, equals, value = setting.partition("=")
        if equals and key.strip().startswith("mcp_servers"):
            _put(document, _dotted(key.strip()), _toml(value.strip()))
    if not document:
        return
    origin = Origin(files.os, CODEX, process.user, ServerScope.DYNAMIC, INLINE)
    for server in read_shape("codex_servers", document, "/mcp_servers", origin).servers:
        yield Given(process.identity, "-c mcp_servers", server)


_READERS: Mapping[str, Reader] = {CLAUDE_CODE: _claude, CODEX: _codex, **OTHERS}
"""How each client's command line is read."""


def _dotted(key: str) -> list[str]:
    """Read a TOML key: bare and quoted parts with dots between."""
    try:
        found: Any = parse_toml(f"{key} = 0")
    except FormatError:
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
        return parse_toml(f"v = {value}")["v"]
    except FormatError:
        return value.strip("\"'")


def _put(document: dict[str, Any], parts: Sequence[str], value: object) -> None:
    *above, last = parts
    for part in above:
        below = document.setdefault(part, {})
        if not isinstance(below, dict):
            return
        document = below
    document[last] = value
