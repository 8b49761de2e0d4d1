"""One case per (client, system): a small tree on disk, and exactly what the look at it gives.

The files of Claude Code, Codex and Gemini CLI are what those clients wrote themselves (`claude mcp add`, `codex mcp add`,
`gemini mcp add`), with ids replaced and a few entries added. To write the expectation of a new case, run this file as a program
and read what it wrote before you keep it.
"""

import json
import tempfile
from pathlib import Path
from typing import Any, get_args

import pytest

from agent.catalog.rows import catalog
from agent.core.observation import ConfigLook, CoverageState
from agent.core.place import Os
from agent.core.server import Server
from agent.host.files import RootedFiles
from agent.host.users import HomeUsers
from agent.sources.configs import ConfigSource

CASES = sorted((Path(__file__).parent / "clients").glob("*.json"))


def look(case: dict[str, Any], os: Os, root: Path) -> ConfigLook:
    for path, text in case["files"].items():
        local = root / (path.removeprefix("C:").replace("\\", "/") if os == "windows" else path).lstrip("/")
        local.parent.mkdir(parents=True, exist_ok=True)
        local.write_bytes(text.encode())
    files = RootedFiles(root, os)
    (found,) = ConfigSource(files, HomeUsers(files), catalog()).look()
    return found


def described(found: ConfigLook, client: str) -> dict[str, Any]:
    rows = [row for row in found.coverage if row.scope.client == client and row.state is not CoverageState.ABSENT]
    return {
        "servers": [_line(server) for server in found.servers if server.client == client],
        "problems": [str(problem) for problem in found.problems],
        "documents": [f"{document.kind} {document.path}" for document in found.documents],
        "projects": list(found.projects),
        "versions": dict(found.client_versions),
        "looked": [f"{row.scope.path} {row.state}" for row in rows],
        "others": sorted(
            {row.scope.client or "" for row in found.coverage if row.scope.client != client and row.scope.path}
        ),
    }


def _line(server: Server) -> str:
    what = " ".join(server.command) if server.command else server.url
    where = f" for {server.project}" if server.project else ""
    whose = "" if server.user else " of the device"
    secrets = ",".join((*server.env, *server.headers))
    extra = (f" [{secrets}]" if secrets else "") + (" off" if server.disabled else "")
    return f"{server.scope} {server.name}: {server.transport} {what}{extra}{where}{whose} in {server.place}"


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_the_look_finds_exactly_what_the_client_would_read(path: Path, tmp_path: Path) -> None:
    client, os = path.stem.split(".")
    case = json.loads(path.read_text("utf-8"))
    assert described(look(case, _system(os), tmp_path), client) == case["expected"]


def test_a_client_with_a_case_has_one_on_every_system() -> None:
    clients = {path.stem.partition(".")[0] for path in CASES}
    assert {path.stem for path in CASES} == {f"{client}.{os}" for client in clients for os in get_args(Os)}
    assert clients >= {"claude-code", "claude-desktop", "codex", "cursor", "gemini-cli", "vscode"}


def _system(name: str) -> Os:
    return next(os for os in get_args(Os) if os == name)


def _write() -> None:
    for path in CASES:
        client, os = path.stem.split(".")
        case = json.loads(path.read_text("utf-8"))
        with tempfile.TemporaryDirectory() as folder:
            case["expected"] = described(look(case, _system(os), Path(folder)), client)
        path.write_text(json.dumps(case, indent=2, ensure_ascii=False) + "\n", "utf-8")


if __name__ == "__main__":
    _write()
