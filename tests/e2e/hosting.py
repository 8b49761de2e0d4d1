"""`host.py` as ann's process: starts and stops real servers as a test says."""

import json
import os
import signal
import subprocess
from collections.abc import Mapping, Sequence
from typing import Any

from tests.e2e.machine import ANN, CHECKOUT, HOME, PROJECT, Machine
from tests.e2e.programs import PYTHON

_SERVERS = f"{HOME}/servers.json"
_SHUTDOWN_S = 30.0


class Host:
    """A running MCP host; `servers` maps names to commands."""

    def __init__(self, machine: Machine, servers: Mapping[str, Sequence[str]]) -> None:
        machine.write(_SERVERS, json.dumps(servers), ANN)
        command = machine.command(
            [str(PYTHON), str(CHECKOUT / "tests/e2e/host.py"), _SERVERS], user=ANN, folder=PROJECT
        )
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.pid = machine.pid_of(self._process)

    def start(self, name: str) -> list[str]:
        """Start a server, speak MCP with it, and return the names of its tools."""
        tools: list[str] = self._ask(f"start {name}")["tools"]
        return tools

    def stop(self, name: str) -> None:
        """Stop a server."""
        self._ask(f"stop {name}")

    def kill(self) -> None:
        """End at once, and leave the servers to themselves."""
        os.kill(self.pid, signal.SIGKILL)
        self._process.communicate(timeout=_SHUTDOWN_S)

    def close(self) -> None:
        """Stop every server and end; a second time does nothing."""
        if self._process.returncode is None:
            self._process.communicate(timeout=_SHUTDOWN_S)

    def _ask(self, line: str) -> dict[str, Any]:
        stdin, stdout = self._process.stdin, self._process.stdout
        assert stdin is not None
        assert stdout is not None
        stdin.write(line + "\n")
        stdin.flush()
        answer: dict[str, Any] = json.loads(stdout.readline())
        assert "failed" not in answer, answer
        return answer
