"""A file of each shape with one stdio and one remote server in it, as its clients write them; for cases that are generated."""

import base64
import json
import plistlib
import re
import sqlite3
from contextlib import closing
from typing import Any

from agent.catalog.rows import FileRow, ProjectsRow
from agent.core.place import Os

STDIO = {"command": "run", "args": ["--here"], "env": {"API_TOKEN": "canary"}}
REMOTE = {"type": "http", "url": "https://mcp.example.com/x", "headers": {"Authorization": "Bearer canary"}}
PAIR = {"here": STDIO, "there": REMOTE}
LIST = [{"name": name, **entry} for name, entry in PAIR.items()]
_JETBRAINS = """<application><component name="McpApplicationServerCommands"><commands>
<McpServerCommand><option name="name" value="here"/><option name="programPath" value="run"/>
<option name="arguments" value="--here"/>
<envs><env name="API_TOKEN" value="canary"/></envs></McpServerCommand></commands>
<urls><McpServerURL><option name="name" value="there"/><option name="url" value="https://mcp.example.com/x"/></McpServerURL></urls>
</component></application>"""
_CRUSH = """# comment
mcp add here --command run \\
  --args --here --env API_TOKEN canary
mcp add there --type http --url https://mcp.example.com/x --header Authorization "Bearer canary"
"""
_OPENCODE = {
    "here": {"type": "local", "command": ["run", "--here"], "environment": {"API_TOKEN": "canary"}},
    "there": {"type": "remote", "url": "https://mcp.example.com/x"},
    "switched": {"enabled": False},
}
_GOOSE = {
    "here": {"type": "stdio", "cmd": "run", "args": ["--here"], "envs": {"API_TOKEN": "canary"}},
    "there": {"type": "streamable_http", "uri": "https://mcp.example.com/x"},
    "developer": {"type": "builtin", "name": "developer"},
}
_CACHE = {
    "ext.one": {
        "servers": [
            {"id": "1", "label": "here", "launch": {"type": 1, "command": "run", "args": ["--here"], "env": {}}},
            {"id": "2", "label": "there", "launch": {"type": 2, "uri": "https://mcp.example.com/x"}},
        ]
    }
}
_OPENHANDS = {"stdio_servers": [{"name": "here", **STDIO}], "shttp_servers": ["https://mcp.example.com/x"]}
_WITSY = [{"uuid": "here", "type": "stdio", "command": "run", "url": "--here"}]
_DOCKER = {
    "here": {"image": "mcp/here@sha256:" + "0" * 64, "command": ["--here"]},
    "there": {"remote": {"url": "https://mcp.example.com/x"}},
}
AT_POINTER: dict[str, object] = {
    "opencode": _OPENCODE,
    "goose": _GOOSE,
    "zed": {"here": {"command": {"path": "run", "args": ["--here"]}}, "there": REMOTE, "ext": {"settings": {}}},
    "list": LIST,
    "connectors": [{"uuid": "0", "name": "there", "url": "https://mcp.example.com/x"}],
    "connector_names": {"claude.ai There": {}},
    "docker_catalog": _DOCKER,
    "docker_enabled": {"here": {"ref": ""}, "elsewhere": {"ref": ""}},
    "names": {"here": {}},
    "openhands": _OPENHANDS,
    "extension_cache": _CACHE,
    "manifest": {"command": "node", "args": ["${__dirname}/index.js"]},
    "agent": [{"here": STDIO}, "named-elsewhere"],
}
WHOLE: dict[str, object] = {
    "docker_profiles": {
        "default": [
            {"type": "image", "image": "mcp/here:1", "snapshot": {"server": {"name": "here", "command": ["--here"]}}},
            {"type": "remote", "endpoint": "https://mcp.example.com/x", "snapshot": {"server": {"name": "there"}}},
            {"type": "registry", "source": "https://registry.example.com/v0/servers/x"},
        ]
    },
    "claude_state": {"mcpServers": PAIR},
    "wrapped": {"mcpServers": PAIR},
    "augment": [{"name": "here", "command": "run --here"}, {"name": "there", **REMOTE}],
    "witsy": {"mcpServers": PAIR, "mcp": {"servers": _WITSY}},
    "toolhive": {"name": "here", "image": "mcp/here:1", "cmd_args": ["--here"]},
}
UNDER = {"vscode_servers": "/servers", "vscode_settings": "/mcp/servers"}


def content(file: FileRow) -> bytes:
    """Return a file of that row's format and shape."""
    assert file.shape is not None
    if file.shape == "jetbrains":
        return _JETBRAINS.encode()
    if file.shape == "crush":
        return _CRUSH.encode()
    value = WHOLE.get(file.shape)
    if value is None:
        value = _placed(AT_POINTER.get(file.shape, PAIR), file.pointer + UNDER.get(file.shape, ""))
    if file.shape == "manifest" and isinstance(value, dict):
        value["name"] = "here"
    if file.query is not None:
        assert isinstance(value, dict)
        return _database(value, file.query)
    text = _text(value, file.format)
    return text.encode() if file.wrap is None else _wrapped(text, file)


def memory(place: ProjectsRow, project: str, os: Os) -> bytes:
    """Return what a client writes in `place` that remembers `project`."""
    uri = ("file:///" if os == "windows" else "file://") + project.replace("\\", "/")
    if place.query is not None:
        return _database({project: 1}, place.query.replace(", 1 FROM", ", kept FROM"))
    if place.shape == "jetbrains":
        return f'<application><map><entry key="{project.replace(chr(92), "/")}"/></map></application>'.encode()
    if place.format == "properties":
        return f"{place.pointer[1:]}={project.replace(chr(92), chr(92) * 2)}\n".encode()
    values: dict[str, object] = {
        "keys": {project: {}},
        "uri": uri,
        "uris": [{"folderUri": uri}],
        "workspace": f"{uri}/all.code-workspace",
    }
    return _text(_placed(values[place.shape], place.pointer), place.format).encode()


def _placed(value: object, pointer: str) -> Any:  # noqa: ANN401 - any value
    for part in reversed(pointer.split("/")[1:]):
        value = {part: value}
    return value


def _text(value: Any, form: str) -> str:  # noqa: ANN401 - any value
    if form == "toml":
        return _toml(value)
    if form == "front-matter":
        return f"---\nname: x\n{json.dumps(value)[1:-1]}\n---\n# Agent\n"
    if form == "json5":
        return "// comment\n" + json.dumps(value).replace('"mcpServers"', "mcpServers").replace('"run"', "'run'")
    if form == "jsonc":
        return "// comment\n" + json.dumps(value)[:-1] + ",}"
    return json.dumps(value)  # JSON is YAML


def _toml(value: dict[str, Any], above: tuple[str, ...] = ()) -> str:
    """Write what these samples hold: tables, arrays of tables, and values that are the same in JSON."""
    head = f"[{'.'.join(above)}]\n" if above else ""
    plain = {key: item for key, item in value.items() if not isinstance(item, dict) and not _tables(item)}
    text = head + "".join(f"{key} = {json.dumps(item)}\n" for key, item in plain.items())
    for key, item in value.items():
        if isinstance(item, dict):
            text += _toml(item, (*above, key))
        elif _tables(item):
            for one in item:
                text += f"[{'.'.join((*above, key))}]".replace("[", "[[").replace("]", "]]") + "\n"
                text += _toml(one, (*above, key)).partition("\n")[2]
    return text


def _tables(item: object) -> bool:
    return isinstance(item, list) and bool(item) and isinstance(item[0], dict)


def _wrapped(text: str, file: FileRow) -> bytes:
    assert file.wrap is not None
    key = file.wrap.pointer[1:]
    inner = base64.b64encode(text.encode()).decode() if file.wrap.base64 else text
    if file.wrap.format == "plist":
        return plistlib.dumps({key: inner}, fmt=plistlib.FMT_BINARY)
    escaped = inner.replace("\\", "\\\\").replace(":", "\\:").replace("=", "\\=")
    return f"eclipse.preferences.version=1\n{key}={escaped}\n".encode()


def _database(value: dict[str, Any], query: str) -> bytes:
    key, item, table = re.findall(r"SELECT (\w+), (\w+) FROM (\w+)", query)[0]
    with closing(sqlite3.connect(":memory:")) as connection:
        connection.execute(f"CREATE TABLE {table} ({key} TEXT UNIQUE, {item} BLOB)")
        rows = [(name, json.dumps(given)) for name, given in value.items()]
        connection.executemany(f"INSERT INTO {table} VALUES (?, ?)", rows)
        connection.commit()
        return connection.serialize()
