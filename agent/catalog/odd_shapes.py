"""Shapes that are no plain map of entries: state caches, run configurations, catalogues, XML, a shell script.

Each returns what the client would start or call, in the same terms as the plain shapes.
"""

import shlex
from collections.abc import Callable, Mapping
from dataclasses import replace
from itertools import islice
from typing import Any

from agent.catalog.entries import MAX_ENTRIES, Origin, Servers, bare_server, entry_problem, read_entry, text_of, texts
from agent.catalog.maps import at, read_map
from agent.catalog.rows import Shape
from agent.catalog.xmltext import Element, descend
from agent.core.jsontext import pointer as pointer_to
from agent.core.place import Os
from agent.core.server import Server, Transport

_PLATFORMS: Mapping[Os, str] = {"linux": "linux", "macos": "darwin", "windows": "win32"}


def extension_cache(value: Mapping[str, Any], pointer: str, origin: Origin) -> Servers:
    """VS Code's cache of servers that extensions bring: collection → {servers: [{id, label, launch}]} (microsoft/vscode)."""
    found = Servers()
    cached = at(value, pointer)
    for key, collection in islice(cached.items(), MAX_ENTRIES) if isinstance(cached, Mapping) else ():
        listed = collection.get("servers") if isinstance(collection, Mapping) else None
        if isinstance(listed, list):
            found += read_map(listed, f"{pointer}{pointer_to(key, 'servers')}", origin)
    return found


def openhands(value: Mapping[str, Any], pointer: str, origin: Origin) -> Servers:
    """`[mcp]` with stdio_servers, and sse_servers and shttp_servers of URLs or tables with one."""
    found = Servers()
    for key, kind in (("stdio_servers", "stdio"), ("sse_servers", "sse"), ("shttp_servers", "http")):
        listed = at(value, f"{pointer}/{key}")
        if isinstance(listed, list):
            entries = [_typed({"url": item} if isinstance(item, str) else item, kind) for item in listed[:MAX_ENTRIES]]
            found += read_map(entries, f"{pointer}/{key}", origin)
    return found


def witsy(value: Mapping[str, Any], pointer: str, origin: Origin) -> Servers:
    """`mcpServers`, and a list at `mcp.servers` in which `url` holds the arguments of a stdio server as one text."""
    found = read_map(at(value, "/mcpServers"), "/mcpServers", origin)
    listed = at(value, "/mcp/servers")
    entries = [_witsy_entry(entry) for entry in listed[:MAX_ENTRIES]] if isinstance(listed, list) else []
    return found + read_map(entries, pointer + "/mcp/servers", origin)


def jetbrains(value: Mapping[str, Any], pointer: str, origin: Origin) -> Servers:
    """XML options of the AI Assistant: `McpServerCommand` with `option` children, `McpServerURL` with a url and headers."""
    servers: list[Server] = []
    problems = []
    if "tag" not in value:
        return Servers()
    for number, element in enumerate(islice(descend(value, "McpServerCommand", "McpServerURL"), MAX_ENTRIES)):
        entry = _jetbrains_entry(element)
        name = entry.get("name") or str(number)
        where = f"{pointer}/{number}"
        read = read_entry(name, entry, where, origin)
        if isinstance(read, Server):
            servers.append(read)
        elif element["children"]:
            problems.append(entry_problem(origin, where, name, read or "it is empty"))
    return Servers(tuple(servers), tuple(problems))


def crush(value: Mapping[str, Any], pointer: str, origin: Origin) -> Servers:
    """`mcp add <name> --command … --args … --url … --type … --env k v --header k v` in a script that is never run."""
    servers: list[Server] = []
    problems = []
    for line, words in islice(value.items(), MAX_ENTRIES):
        entry = _crush_entry(words) if isinstance(words, list) else None
        if entry is None:
            continue
        name, where = str(entry["name"]), pointer + pointer_to(line)
        read = read_entry(name, entry, where, origin)
        if isinstance(read, Server):
            servers.append(read)
        elif read is not None:
            problems.append(entry_problem(origin, where, name, read))
    return Servers(tuple(servers), tuple(problems))


def manifest(value: Mapping[str, Any], pointer: str, origin: Origin) -> Servers:
    """A desktop extension's manifest.json: one server, with what this system overrides, and its folder put in (MCPB)."""
    given = at(value, pointer)
    name = next((text for key in ("name", "display_name") if isinstance(text := value.get(key), str)), "extension")
    if not isinstance(given, Mapping):
        return Servers()
    over = at(given, f"/platform_overrides/{_PLATFORMS[origin.os]}")
    entry = {**given, **(over if isinstance(over, Mapping) else {})}
    read = read_entry(name, entry, pointer, origin)
    if isinstance(read, str) or read is None:
        return Servers(problems=(entry_problem(origin, pointer, name, read or "it is empty"),))
    folder = origin.path.replace("\\", "/").rpartition("/")[0]
    folder = folder.replace("/", "\\") if origin.os == "windows" else folder
    command = tuple(word.replace("${__dirname}", folder) for word in read.command or ())
    return Servers((replace(read, command=command or None),))


def docker_catalog(value: Mapping[str, Any], pointer: str, origin: Origin) -> Servers:
    """Docker's catalogue: what the gateway runs for each server that it offers; which are enabled stands in registry.yaml.

    A server is a container, `docker run … <image> [command]`, or a remote URL.
    """
    offered = at(value, pointer)
    servers: list[Server] = []
    for name, given in islice(offered.items(), MAX_ENTRIES) if isinstance(offered, Mapping) else ():
        server = _contained(str(name), given, pointer + pointer_to(str(name)), origin)
        servers += [server] if server is not None else []
    return Servers(tuple(servers))


def docker_profiles(value: Mapping[str, Any], pointer: str, origin: Origin) -> Servers:
    """Docker's database: profile → its servers, each an image, a remote, or an address in a registry (docker/mcp-gateway).

    A snapshot beside says how the server is called and what its image is given.
    """
    servers: list[Server] = []
    for profile, listed in islice(value.items(), MAX_ENTRIES):
        for number, entry in enumerate(listed[:MAX_ENTRIES] if isinstance(listed, list) else ()):
            given = entry if isinstance(entry, Mapping) else {}
            shot = at(given, "/snapshot/server")
            whole: dict[str, Any] = dict(shot) if isinstance(shot, Mapping) else {}
            whole |= {"image": given["image"]} if isinstance(given.get("image"), str) else {}
            whole |= {"remote": {"url": given["endpoint"]}} if isinstance(given.get("endpoint"), str) else {}
            name = next(
                (t for t in (whole.get("name"), whole.get("image"), given.get("source")) if isinstance(t, str)), ""
            )
            where = pointer + pointer_to(str(profile), str(number))
            name = name or str(number)
            servers.append(_contained(name, whole, where, origin) or bare_server(name, where, origin))
    return Servers(tuple(servers[:MAX_ENTRIES]))


def _contained(name: str, given: object, pointer: str, origin: Origin) -> Server | None:
    """Return what Docker's gateway runs for an entry of a catalogue; None where that says nothing of it."""
    entry: Mapping[str, Any] = given if isinstance(given, Mapping) else {}
    image, remote, extra = entry.get("image"), at(entry, "/remote/url"), entry.get("command")
    bare = bare_server(name, pointer, origin)
    if isinstance(image, str) and image:
        words = [text_of(word) for word in extra] if isinstance(extra, list) else []
        command = ("docker", "run", "--rm", "-i", image, *(word for word in words if word is not None))
        return replace(bare, transport=Transport.STDIO, command=command)
    return replace(bare, transport=Transport.HTTP, url=remote) if isinstance(remote, str) and remote else None


def docker_enabled(value: Mapping[str, Any], pointer: str, origin: Origin) -> Servers:
    """Docker's registry.yaml: the names of the catalogue's servers that are enabled."""
    return _named(at(value, pointer), pointer, origin)


def names(value: Mapping[str, Any], pointer: str, origin: Origin) -> Servers:
    """A map whose keys name servers of which the device knows nothing else."""
    return _named(at(value, pointer), pointer, origin)


def toolhive(value: Mapping[str, Any], pointer: str, origin: Origin) -> Servers:
    """One RunConfig of ToolHive: a container's image with its arguments, or a remote URL behind a local proxy."""
    name = text_of(value.get("name") or value.get("base_name")) or "workload"
    bare = bare_server(name, pointer, origin)
    remote, image = value.get("remote_url"), value.get("image")
    if isinstance(remote, str) and remote:
        return Servers((replace(bare, transport=Transport.HTTP, url=remote, env=texts(value.get("env_vars"))),))
    if not isinstance(image, str) or not image:
        return Servers(problems=(entry_problem(origin, pointer, name, "it has neither an image nor a URL"),))
    extra, volumes = value.get("cmd_args"), value.get("volumes")
    words = [text_of(word) for word in extra] if isinstance(extra, list) else []
    mounts = (
        [word for volume in volumes[:MAX_ENTRIES] for word in ("-v", str(volume))] if isinstance(volumes, list) else []
    )
    arguments = (word for word in words if word is not None)
    command = ("docker", "run", "--rm", "-i", *mounts, image, *arguments)
    env = {**texts(value.get("env_vars")), **_secret_names(value.get("secrets"))}
    return Servers((replace(bare, transport=Transport.STDIO, command=command, env=env),))


def _secret_names(listed: object) -> dict[str, str]:
    """Return the variables that ToolHive fills from its store: `<secret>,target=<variable>`."""
    given = listed[:MAX_ENTRIES] if isinstance(listed, list) else []
    parts = (text.rpartition(",target=") for text in given if isinstance(text, str))
    return {target: "" for _, found, target in parts if found and target}


def connectors(value: Mapping[str, Any], pointer: str, origin: Origin) -> Servers:
    """Remote servers of an account, as a session was given them: [{uuid, name, url}]."""
    return read_map(at(value, pointer), pointer, origin)


def connector_names(value: Mapping[str, Any], pointer: str, origin: Origin) -> Servers:
    """Connectors of claude.ai: the device knows their names alone, `claude.ai <Name>`."""
    found = at(value, pointer)
    own = {key: None for key in found if str(key).startswith("claude.ai ")} if isinstance(found, Mapping) else {}
    return _named(own, pointer, origin)


READERS: Mapping[Shape, Callable[[Mapping[str, Any], str, Origin], Servers]] = {
    "extension_cache": extension_cache,
    "openhands": openhands,
    "witsy": witsy,
    "jetbrains": jetbrains,
    "crush": crush,
    "manifest": manifest,
    "docker_catalog": docker_catalog,
    "docker_profiles": docker_profiles,
    "docker_enabled": docker_enabled,
    "names": names,
    "toolhive": toolhive,
    "connectors": connectors,
    "connector_names": connector_names,
}


def _named(value: object, pointer: str, origin: Origin) -> Servers:
    """Return a server for each name of the map `value`, of which nothing else is known."""
    names = islice(value, MAX_ENTRIES) if isinstance(value, Mapping) else ()
    return Servers(tuple(bare_server(str(name), pointer + pointer_to(str(name)), origin) for name in names))


def _typed(entry: object, kind: str) -> object:
    return {**entry, "type": kind} if isinstance(entry, Mapping) else entry


def _witsy_entry(entry: object) -> object:
    if not isinstance(entry, Mapping) or entry.get("type") != "stdio" or not isinstance(entry.get("url"), str):
        return entry
    return {**{key: value for key, value in entry.items() if key != "url"}, "args": _words(entry["url"])}


def _words(line: str) -> list[str]:
    try:
        return shlex.split(line)
    except ValueError:  # an open quotation
        return line.split()


def _jetbrains_entry(element: Element) -> dict[str, Any]:
    options = {
        child["attributes"].get("name"): child["attributes"].get("value", "")
        for child in element["children"]
        if child["tag"] == "option"
    }
    pairs = [
        inner["attributes"]
        for child in element["children"]
        if child["tag"] in ("envs", "headers")
        for inner in descend(child, "env", "header", "entry")
    ]
    named = {pair.get("name", pair.get("key", "")): pair.get("value", "") for pair in pairs}
    attributes = {**element["attributes"], **options}
    entry: dict[str, Any] = {"name": attributes.get("name"), "enabled": attributes.get("enabled") != "false"}
    if element["tag"] == "McpServerURL":
        return {**entry, "url": attributes.get("url"), "headers": named}
    return {
        **entry,
        "command": attributes.get("programPath"),
        "args": _words(attributes.get("arguments") or ""),
        "env": named,
    }


def _crush_entry(words: list[Any]) -> dict[str, Any] | None:
    """Return the entry that a line of crushrc adds, None where it adds none."""
    if words[:2] != ["mcp", "add"] or len(words) < len(("mcp", "add", "name")):
        return None
    entry: dict[str, Any] = {"name": words[2], "args": [], "env": {}, "headers": {}}
    rest = [str(word) for word in reversed(words[3:])]
    while rest:
        option, equals, value = rest.pop().partition("=")
        key = option.lstrip("-")
        if key in ("env", "header"):
            name = value if equals else _next(rest)
            entry["headers" if key == "header" else key][name] = _next(rest)
        elif key in ("arg", "args"):
            entry["args"].append(value if equals else _next(rest))
        elif option.startswith("--"):
            entry[key] = value if equals else _next(rest)
    return {**entry, "disabled": entry.get("disabled") == "true"}


def _next(rest: list[str]) -> str:
    return rest.pop() if rest else ""
