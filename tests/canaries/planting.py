"""A machine full of canaries: in every format that clients use, in names, and in files that cannot be read."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tests.sim.canaries import URLS, Canaries, entries

HOME = "home/ann"


def plant(root: Path, canaries: Canaries) -> None:
    """Fill `root` with the configuration of one user and a managed policy."""
    root.chmod(0o755)
    _write(root / "etc/passwd", "ann:x:1000:1000::/home/ann:/bin/sh\n")
    home = root / HOME
    named = home / "src" / canaries.token("name of a project")
    plain = home / "src/plain"
    token = canaries.token("name of a server")
    claude = {"mcpServers": {**entries(canaries, "json"), token: {"command": "srv"}}}
    local = {"mcpServers": {"local": {"command": "srv", "args": ["--token", canaries.weak("local scope")]}}}
    _write(
        home / ".claude.json", {**claude, "projects": {f"/{named.relative_to(root)}": local, "/home/ann/src/plain": {}}}
    )
    _write(named / ".mcp.json", {"mcpServers": {"x": {"command": "srv"}}})
    _write(plain / ".mcp.json", {"mcpServers": {"x": {"command": canaries.token("program of a project")}}})
    _write(plain / ".vscode/mcp.json", "{ // " + canaries.strong("comment") + "\n" + json.dumps({"servers": {}})[1:])
    _write(home / ".cursor/mcp.json", {"mcpServers": entries(canaries, "cursor")})
    _write(home / ".config/Code/User/mcp.json", {"servers": entries(canaries, "vscode")})
    _write(home / ".codex/config.toml", _toml(entries(canaries, "toml")))
    _write(home / ".continue/config.yaml", _yaml(entries(canaries, "yaml")))
    _write(home / ".config/goose/config.yaml", f"extensions:\n  x: [ {canaries.strong('broken yaml')}\n")
    _write(
        home / ".gemini/settings.json", '{"mcpServers": {"x": {"command": "' + canaries.strong("broken json") + "}}}"
    )
    broken = {"mcpServers": {"x": {"command": 7, "args": [canaries.strong("invalid entry")]}}}
    _write(home / ".codeium/windsurf/mcp_config.json", broken)
    _write(home / ".config/JetBrains/IntelliJIdea2026.1/options/llm.mcpServers.xml", _xml(canaries))
    _write(home / ".config/github-copilot/mcp.json", "\0" + canaries.strong("not text"))
    _write(
        root / "etc/claude-code/managed-settings.json",
        {
            "allowedMcpServers": [
                {"serverCommand": ["npx", "--token", canaries.weak("allow entry")]},
                {"serverUrl": URLS["login"](canaries.weak("URL of an allow entry"))},
            ],
            "deniedMcpServers": [{"serverCommand": ["srv", canaries.strong("deny entry")]}],
            "allowManagedMcpServersOnly": True,
            "env": {"ANTHROPIC_AUTH_TOKEN": canaries.strong("env of settings")},
        },
    )


def _write(path: Path, content: str | Mapping[str, Any]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content if isinstance(content, str) else json.dumps(content))


def _toml(found: Mapping[str, Any]) -> str:
    rows = []
    for name, entry in found.items():
        rows.append(f"[mcp_servers.{json.dumps(name)}]")
        rows += [f"{key} = {_toml_value(value)}" for key, value in entry.items()]
    return "\n".join(rows)


def _toml_value(value: object) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{json.dumps(key)} = {json.dumps(text)}" for key, text in value.items()) + "}"
    return json.dumps(value)


def _yaml(found: Mapping[str, Any]) -> str:
    lines = ["mcpServers:"]
    for name, entry in found.items():
        lines.append(f"  - name: {json.dumps(name)}")
        lines += [f"    {key}: {json.dumps(value)}" for key, value in entry.items()]
    return "\n".join(lines) + "\n"


def _xml(canaries: Canaries) -> str:
    secret = canaries.weak("XML")
    return (
        '<application><component name="McpApplicationServerCommands"><commands><McpServerCommand>'
        f'<option name="name" value="x"/><option name="programPath" value="srv"/>'
        f'<option name="arguments" value="--token {secret}"/>'
        "</McpServerCommand></commands></component></application>"
    )
