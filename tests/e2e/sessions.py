"""Real clients in a session: each has its servers in its own file, and a model, which is the stub in `model.py`.

A client starts its servers once a session has begun, and keeps them until the model has said its last: once `FINISHED` is there.
"""

import json
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from tests.e2e.daemon import until
from tests.e2e.machine import ANN, CHECKOUT, HOME, PROJECT, Machine
from tests.e2e.programs import program

_PORT = 8123
MODEL = f"http://127.0.0.1:{_PORT}"
FINISHED = f"{PROJECT}/finished"
SOURCE = f"{PROJECT}/notes.py"
WORK = f"""git init --quiet .
mkfifo held-$$ && exec 3<>held-$$
git cat-file --batch <&3 & pids=$!
grep mcp-server <&3 & pids="$pids $!"
python3 -m http.server 0 & pids="$pids $!"
timeout 180 sh -c 'until test -e {FINISHED}; do sleep 0.2; done'
kill $pids
"""
"""What the model has the client's shell do: things that run on beside the servers and are none."""
CLAUDE_LOG = f"{HOME}/claude.log"
"""Where Claude Code says which servers it is connected with."""
_SCRIPT = f"{PROJECT}/work.sh"
LANGUAGE_SERVER = str(CHECKOUT / ".venv/e2e/bin/jedi-language-server")

Servers = Mapping[str, Sequence[str]]
_MCP_SECONDS = 60
_ENDS_WITHIN_S = 60.0


def _json(servers: Servers, **more: object) -> str:
    entries = {name: {"command": command[0], "args": list(command[1:])} for name, command in servers.items()}
    return json.dumps({"mcpServers": entries, **more})


def _codex(servers: Servers) -> str:
    lines = ['model = "stub"', 'model_provider = "stub"', "[model_providers.stub]", 'name = "stub"', 'env_key = "KEY"']
    lines += [f'base_url = "{MODEL}/v1"', 'wire_api = "responses"']
    for name, command in servers.items():
        lines += [f"[mcp_servers.{name}]", f"command = {json.dumps(command[0])}", f"args = {json.dumps(command[1:])}"]
        lines += [f"startup_timeout_sec = {_MCP_SECONDS}"]
    return "\n".join(lines)


def _opencode(servers: Servers) -> str:
    options = {"baseURL": f"{MODEL}/v1", "apiKey": "none"}
    provider = {"npm": "@ai-sdk/openai-compatible", "options": options, "models": {"stub": {"tool_call": True}}}
    entries = {
        name: {"type": "local", "command": list(command), "timeout": _MCP_SECONDS * 1000}
        for name, command in servers.items()
    }
    document = {"model": "stub/stub", "small_model": "stub/stub", "provider": {"stub": provider}, "mcp": entries}
    return json.dumps(document | {"lsp": {"jedi": {"command": [LANGUAGE_SERVER], "extensions": [".py"]}}})


@dataclass(frozen=True)
class Client:
    """A client: the file that its servers stand in, how that is written, and the command that holds a session."""

    id: str
    file: str
    write: Callable[[Servers], str]
    command: Sequence[str]
    environment: Mapping[str, str] = field(default_factory=dict)


CLIENTS = (
    Client(
        "claude-code",
        f"{HOME}/.claude.json",
        _json,
        (program("claude"), "-p", "hello", "--dangerously-skip-permissions", "--debug-file", CLAUDE_LOG),
        {
            "ANTHROPIC_BASE_URL": MODEL,
            "ANTHROPIC_API_KEY": "none",
            "MCP_TIMEOUT": f"{_MCP_SECONDS}000",
            "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1",
        },
    ),
    Client(
        "codex",
        f"{HOME}/.codex/config.toml",
        _codex,
        (program("codex"), "exec", "--skip-git-repo-check", "--dangerously-bypass-approvals-and-sandbox", "hello"),
        {"KEY": "none"},
    ),
    Client(
        "gemini-cli",
        f"{HOME}/.gemini/settings.json",
        lambda servers: _json(
            servers,
            security={"auth": {"selectedType": "gemini-api-key"}},
            privacy={"usageStatisticsEnabled": False},
        ),
        (program("gemini"), "--yolo", "--skip-trust", "--model", "gemini-2.5-pro", "-p", "hello"),
        {"GEMINI_API_KEY": "none", "GOOGLE_GEMINI_BASE_URL": MODEL},
    ),
    Client(
        "opencode",
        f"{HOME}/.config/opencode/opencode.json",
        _opencode,
        (program("opencode"), "run", "hello"),
        dict.fromkeys(
            ("OPENCODE_DISABLE_AUTOUPDATE", "OPENCODE_DISABLE_MODELS_FETCH", "OPENCODE_DISABLE_LSP_DOWNLOAD"), "1"
        ),
    ),
)


class Loopback:
    """A network of its own with nothing but loopback, and on it the stub of the models."""

    def __init__(self, machine: Machine) -> None:
        self._machine = machine
        machine.write(SOURCE, "import json\n", ANN)
        machine.write(_SCRIPT, WORK, ANN)
        self.log = machine.root.parent / "model.txt"
        stub = [sys.executable, str(CHECKOUT / "tests/e2e/model.py"), str(_PORT), SOURCE, f"sh {_SCRIPT}"]
        stub.append(str(machine.at(FINISHED)))
        with self.log.open("wb") as stream:
            self._stub = subprocess.Popen(
                ["unshare", "--net", "sh", "-c", 'ip link set lo up && exec "$@"', "sh", *stub], stdout=stream
            )
        until("the stub of the models", lambda: self.log.read_text().startswith("ready"))

    def session(self, client: Client) -> "Session":
        """Start a session of a client."""
        return Session(
            self._machine,
            client,
            self._machine.command(
                client.command, user=ANN, folder=PROJECT, environment=client.environment, network=self._stub.pid
            ),
        )

    def session_in_container(self, client: Client) -> "Session":
        """Start a session in a container: the laptop's folders, as ann, in namespaces of its own for everything but users."""
        container = [
            "bwrap",
            "--unshare-pid",
            "--unshare-ipc",
            "--unshare-uts",
            "--die-with-parent",
            "--cap-add",
            "ALL",
        ]
        container += ["--bind", str(self._machine.root), "/"]
        for path, source in self._machine.mounts.items():
            container += ["--ro-bind", str(source), path]
        container += ["--dev", "/dev", "--proc", "/proc", "--chdir", PROJECT, "--clearenv"]
        for name, value in {"HOME": HOME, "PATH": "/usr/bin:/bin", "LANG": "C.UTF-8", **client.environment}.items():
            container += ["--setenv", name, value]
        enter = ["nsenter", f"--net=/proc/{self._stub.pid}/ns/net"]
        become = ["setpriv", f"--reuid={ANN}", f"--regid={ANN}", "--clear-groups", "--inh-caps=-all"]
        return Session(self._machine, client, [*enter, *container, *become, *client.command])

    def close(self) -> None:
        """End the stub."""
        self._stub.kill()
        self._stub.wait()


class Session:
    """One client at work. What it prints goes to `output`."""

    def __init__(self, machine: Machine, client: Client, command: Sequence[str]) -> None:
        self.output = machine.root.parent / f"{client.id}.txt"
        with self.output.open("wb") as stream:
            self._process: subprocess.Popen[Any] = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=stream, stderr=subprocess.STDOUT
            )
        self.pid = self._process.pid

    def end(self) -> int:
        """Wait for its end, which comes with the end of the model's command, and return its exit status."""
        return self._process.wait(_ENDS_WITHIN_S)

    def kill(self) -> None:
        """End it at once."""
        self._process.kill()
        self._process.wait()
