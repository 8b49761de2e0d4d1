"""The real Claude Code, asked offline about one case: which servers does its session have, or does it not start?

Every run has its own mount, network and process namespace (Linux, root): `/home` is the case's tree, `/etc` a small one of its
own, there is no network, the key is made up, and no command is found, so that no server starts. The client prints the servers of
its session before it asks its model anything; then it is ended.
"""

import json
import os
import shutil
import subprocess
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path

from tests.differential.recorded import BOX, HOME, PLUGIN, Case, folder, planted, write
from tests.sim.files import Tree

Servers = dict[str, str]
_SCRIPT = """
mount --make-rprivate / && mount --bind "$1/home" /home && mount --bind "$1/etc" /etc && cd "$2" || exit 97
shift 2
exec "$@"
"""
_NOT_MADE = 97
_SYSTEM = ("passwd", "group", "hosts", "nsswitch.conf", "ld.so.cache", "os-release")
_ENVIRONMENT = {
    "HOME": HOME,
    "PATH": "/nonexistent",
    "DISABLE_TELEMETRY": "1",
    "DISABLE_AUTOUPDATER": "1",
    "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1",
    "ANTHROPIC_API_KEY": "sk-ant-none",
    "ANTHROPIC_BASE_URL": "http://127.0.0.1:9",
    "MCP_TIMEOUT": "300",
}


class UnansweredError(Exception):
    """The client neither told its servers nor ended in time, or the namespaces could not be made."""


def ask(case: Case, client: Path, limit_s: float = 60) -> Servers | None:
    """Return the status of every server in the session of the real client; None where it ends without having had one.

    Raises `UnansweredError`.
    """
    with tempfile.TemporaryDirectory(prefix="oracle-") as work:
        root = Path(work)
        root.chmod(0o755)
        _system(root / "etc")
        (root / "home").mkdir()
        tree = planted(case)
        write(tree, root)
        arguments = _arguments(case, root)
        _own(tree, root, case.get("uid", 0))
        environment = _ENVIRONMENT | case.get("env", {})
        command = [
            *("/usr/bin/unshare", "--mount", "--net", "--pid", "--fork", "--kill-child", "--mount-proc"),
            *("/bin/sh", "-c", _SCRIPT, "sh", work, folder(case)),
            *("/usr/bin/env", "-i", *(f"{name}={value}" for name, value in environment.items())),
            *(
                []
                if not case.get("uid")
                else ["/usr/bin/setpriv", f"--reuid={case['uid']}", f"--regid={case['uid']}", "--clear-groups"]
            ),
            *(str(client), "-p", "hi", "--output-format", "stream-json", "--verbose", *arguments),
        ]
        return _told(command, limit_s)


def _system(etc: Path) -> None:
    """Put the few files of the system's configuration that any program wants."""
    etc.mkdir()
    for name in _SYSTEM:
        if Path("/etc", name).exists():
            shutil.copyfile(Path("/etc", name), etc / name)


def _own(tree: Tree, root: Path, uid: int) -> None:
    """Give what is below /home to the user of the case, and every other node to its owner."""
    if uid:
        for path in _below(root / "home"):
            os.chown(path, uid, uid, follow_symlinks=False)
    for parts, node in tree.nodes().items():
        if node.uid or node.gid:
            os.chown(root.joinpath(*parts), node.uid, node.gid, follow_symlinks=False)


def _below(top: Path) -> Iterator[Path]:
    yield top
    for folder_, folders, files in os.walk(top):
        yield from (Path(folder_, name) for name in (*folders, *files))


def _told(command: list[str], limit_s: float) -> Servers | None:
    """Run the client until it tells its servers; end it then."""
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    late = threading.Event()

    def end() -> None:
        late.set()
        process.kill()

    timer = threading.Timer(limit_s, end)
    timer.start()
    try:
        servers = _first_event(process)
    finally:
        timer.cancel()
        process.kill()
        status = process.wait()
        if process.stdout is not None:
            process.stdout.close()
    if servers is None and (late.is_set() or status == _NOT_MADE):
        raise UnansweredError("no answer in time" if late.is_set() else "the namespaces could not be made")
    return servers


def _first_event(process: "subprocess.Popen[bytes]") -> Servers | None:
    for line in process.stdout or ():
        event = json.loads(line) if line.startswith(b"{") else {}
        if event.get("subtype") == "init":
            return {server["name"]: server["status"] for server in event["mcp_servers"]}
    return None


def _arguments(case: Case, root: Path) -> list[str]:
    """Return the arguments of the case; what they name is put below /home, which the client sees."""
    arguments = list(case.get("args", ()))
    servers = case.get("servers", {})
    if "cli" in servers:
        (root / "home/cli.json").write_text(json.dumps({"mcpServers": servers["cli"]}))
        arguments += ["--mcp-config", f"{BOX}/cli.json"]
    if "plugin" in servers:
        plugin = root / PLUGIN.lstrip("/")
        (plugin / ".claude-plugin").mkdir(parents=True)
        (plugin / ".claude-plugin/plugin.json").write_text('{"name": "plug", "version": "1.0.0", "description": "x"}')
        (plugin / ".mcp.json").write_text(json.dumps({"mcpServers": servers["plugin"]}))
        arguments += ["--plugin-dir", PLUGIN]
    return arguments
