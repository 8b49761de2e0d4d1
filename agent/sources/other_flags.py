"""What other clients than Claude Code and Codex were given on their command lines, by tables of what each was seen to do.

Copilot CLI, Amp, Auggie and Kimi CLI take files or JSON, Copilot CLI plugins too; Goose takes commands and URLs. Auggie's
`--plugin-dir` was tried (0.36.0) and started nothing while its service could not be reached; it is not read.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from agent.catalog.entries import Origin
from agent.catalog.shapes import read_shape
from agent.core.commandline import simple_command
from agent.core.observation import Given, Process
from agent.core.server import ServerScope
from agent.ports import Files
from agent.sources.options import INLINE, Reader, Text, as_json, values

COPILOT, GOOSE = "github-copilot-cli", "goose"


@dataclass(frozen=True, slots=True)
class _Maps:
    """An option whose values are servers by name, as JSON or in a file.

    `file` is what a file's name begins with (None: there are no files), `json` whether a value can be JSON. Files lie below what
    the option `below` names; `home`: `~/` is the user's home. `bare`: names stand at the top, not below `mcpServers`. `last`: of
    several only the last counts.
    """

    name: str
    file: str | None = ""
    json: bool = True
    below: str | None = None
    home: bool = False
    bare: bool = False
    last: bool = False


_MAPS: Mapping[str, Sequence[_Maps]] = {
    # 1.0.102, run: the session's folder is that of -C; what is neither JSON nor begins with @ is refused
    "github-copilot-cli": (_Maps("--additional-mcp-config", "@", below="-C", home=True),),
    # 0.0.1790142911, run: what stands below `mcpServers` is refused, `@` and `~` are parts of a name
    "amp": (_Maps("--mcp-config", bare=True, last=True),),
    # 0.36.0, run: `@` and `~` are parts of a name; -w is not the folder of relative ones
    "augment": (_Maps("--mcp-config"),),
    # 1.52.0, read in its source (kimi_cli/cli/__init__.py)
    "kimi-cli": (_Maps("--mcp-config", None), _Maps("--mcp-config-file", json=False)),
}
"""How clients are given servers, with the version of which it was seen."""

_NOT_READ = "a file that it names could not be read"


def _maps(client: str) -> Reader:
    """Return the reader of the options of `client` in the table."""

    def read(process: Process, text: Text, files: Files) -> Iterator[Given]:
        for option in _MAPS[client]:
            found = list(values((process.command or ())[1:], option.name))
            for value in found[-1:] if option.last else found:
                yield from _map(
                    option, value, Origin(files.os, client, process.user, ServerScope.DYNAMIC, ""), process, text
                )

    return read


def _map(option: _Maps, value: str, origin: Origin, process: Process, text: Text) -> Iterator[Given]:
    inline = option.json and value.lstrip().startswith("{")
    if not inline and (option.file is None or not value.startswith(option.file)):
        return  # the client refuses it
    path = INLINE if inline else _under(option, value.removeprefix(option.file or ""), process)
    found = value if inline else text(path, home=option.home)
    if found is None:
        yield Given(process.identity, option.name, problem=_NOT_READ)
        return
    servers = as_json(found)
    if not isinstance(servers, Mapping) or (option.bare and "mcpServers" in servers):
        return
    wrapped = {"mcpServers": servers} if option.bare else servers
    for server in read_shape("servers", wrapped, "/mcpServers", replace(origin, path=path)).servers:
        yield Given(process.identity, option.name, server)


def _under(option: _Maps, path: str, process: Process) -> str:
    """Return the path as the reader of texts takes it: absolute, below the user's home, or of the folder of the process."""
    if option.home and path.startswith("~/"):
        return path
    folder = next(values((process.command or ())[1:], option.below), None) if option.below is not None else None
    return path if folder is None or path.startswith("/") else f"{folder}/{path}"


_MANIFESTS = ("plugin.json", ".github/plugin/plugin.json", ".claude-plugin/plugin.json")


def _copilot(process: Process, text: Text, files: Files) -> Iterator[Given]:
    """Besides, `--plugin-dir` (1.0.102, run): what a manifest holds or names, and two files where there is a manifest."""
    yield from _maps(COPILOT)(process, text, files)
    words = (process.command or ())[1:]
    folder = next(values(words, "-C"), None)
    for value in values(words, "--plugin-dir"):
        root = f"{folder}/{value}" if folder is not None and not value.startswith("/") else value
        manifests = [
            parsed for name in _MANIFESTS if isinstance(parsed := as_json(text(f"{root}/{name}") or ""), Mapping)
        ]
        if not manifests:
            continue  # it is no plugin
        named = manifests[0].get("mcpServers")
        found = [(named, root)] if isinstance(named, Mapping) else []
        for path in (*([named] if isinstance(named, str) else []), ".mcp.json", ".github/mcp.json"):
            value_of = as_json(text(f"{root}/{path}") or "")
            if isinstance(value_of, Mapping) and isinstance(inner := value_of.get("mcpServers"), Mapping):
                found.append((inner, f"{root}/{path}"))
        for servers, place in found:
            origin = Origin(files.os, COPILOT, process.user, ServerScope.DYNAMIC, place)
            for server in read_shape("servers", {"mcpServers": servers}, "/mcpServers", origin).servers:
                yield Given(process.identity, "--plugin-dir", server)


def _goose(process: Process, text: Text, files: Files) -> Iterator[Given]:
    """`--with-extension "NAME=value command args"`, and options that take the URL of a remote server."""
    del text
    words = (process.command or ())[1:]
    origin = Origin(files.os, GOOSE, process.user, ServerScope.DYNAMIC, INLINE)
    entries: list[tuple[str, dict[str, Any]]] = []
    for line in values(words, "--with-extension"):
        command = simple_command(line) or tuple(line.split())
        if command:
            entries.append(("--with-extension", {"command": command[0], "args": list(command[1:])}))
    for option in ("--with-streamable-http-extension", "--with-remote-extension"):
        entries += [(option, {"url": url}) for url in values(words, option)]
    for number, (option, entry) in enumerate(entries):
        for server in read_shape("wrapped", {"mcpServers": {f"extension-{number}": entry}}, "", origin).servers:
            yield Given(process.identity, option, server)


OTHERS: Mapping[str, Reader] = {GOOSE: _goose, **{client: _maps(client) for client in _MAPS}, COPILOT: _copilot}
"""How each client's command line is read."""
