"""A machine's file tree full of MCP configuration, as six clients write it; the same for every run."""

import json
from pathlib import Path
from typing import Any

from tests.e2e.policies import LOCKED, MANAGED_SETTINGS

Servers = dict[str, dict[str, Any]]


def plant(root: Path, users: int, projects: int) -> int:
    """Fill `root` and return how many files of configuration there are."""
    root.chmod(0o755)  # a user may pass through the top of a file system
    before = sum(1 for path in root.rglob("*") if path.is_file())
    (root / "etc").mkdir(exist_ok=True)
    accounts = [f"user{number:02}" for number in range(users)]
    lines = [f"{name}:x:{2000 + uid}:{2000 + uid}::/home/{name}:/bin/sh\n" for uid, name in enumerate(accounts)]
    (root / "etc/passwd").write_text("root:x:0:0::/root:/bin/sh\n" + "".join(lines))
    _write(root / MANAGED_SETTINGS[1:], LOCKED)
    for name in accounts:
        plant_home(root, f"/home/{name}", projects)
    return sum(1 for path in root.rglob("*") if path.is_file()) - before


def plant_home(root: Path, home: str, projects: int) -> None:
    """Give one user six clients with three servers each, and projects in which five of them have one more."""
    folders = [f"{home}/src/project{number:02}" for number in range(projects)]
    base = root / home[1:]
    local = {path: {"mcpServers": _servers(f"local-{Path(path).name}", 1)} for path in folders}
    _write(base / ".claude.json", {"mcpServers": _servers("claude", 3), "projects": local})
    _write(base / ".config/Claude/claude_desktop_config.json", {"mcpServers": _servers("desktop", 3)})
    _write(base / ".cursor/mcp.json", {"mcpServers": _servers("cursor", 3)})
    _write(base / ".config/Code/User/mcp.json", {"servers": _servers("code", 3)})
    _write(base / ".gemini/settings.json", {"mcpServers": _servers("gemini", 3)})
    trusted = "".join(f'[projects."{path}"]\ntrust_level = "trusted"\n' for path in folders)
    _write(base / ".codex/config.toml", _toml(_servers("codex", 3)) + trusted)
    for path in folders:
        name, project = Path(path).name, root / path[1:]
        _write(project / ".mcp.json", {"mcpServers": _servers(f"shared-{name}", 1)})
        _write(project / ".cursor/mcp.json", {"mcpServers": _servers(f"cursor-{name}", 1)})
        _write(project / ".vscode/mcp.json", {"servers": _servers(f"code-{name}", 1)})
        _write(project / ".gemini/settings.json", {"mcpServers": _servers(f"gemini-{name}", 1)})
        _write(project / ".codex/config.toml", _toml(_servers(f"codex-{name}", 1)))


def _servers(prefix: str, count: int) -> Servers:
    return {
        f"{prefix}-{number}": {"command": "npx", "args": ["-y", f"@example/{prefix}-{number}@1.0.{number}", "--stdio"]}
        for number in range(count)
    }


def _toml(servers: Servers) -> str:
    rows = [
        f"[mcp_servers.{name}]\ncommand = {json.dumps(server['command'])}\nargs = {json.dumps(server['args'])}\n"
        for name, server in servers.items()
    ]
    return "".join(rows)


def _write(path: Path, content: dict[str, Any] | str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content if isinstance(content, str) else json.dumps(content, indent=2))
