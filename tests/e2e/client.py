"""The real Claude Code, used by ann on her laptop: it writes its own configuration, and says which servers a session has.

It has no network and no credential: a session gets as far as its list of servers, and ends because nobody is logged in.
"""

import json

from tests.e2e.machine import ANN, PROJECT, Machine
from tests.e2e.programs import CLAUDE


class ClaudeCode:
    """Runs in ann's project folder."""

    def __init__(self, machine: Machine) -> None:
        self._machine = machine

    def add(self, name: str, scope: str, *command: str, variables: tuple[str, ...] = ()) -> None:
        """Add a stdio server, as a user does."""
        given = [word for variable in variables for word in ("--env", variable)]
        self._must("mcp", "add", "--scope", scope, name, *given, "--", *command)

    def add_url(self, name: str, scope: str, url: str, *headers: str) -> None:
        """Add a server by URL, as a user does."""
        given = [word for header in headers for word in ("--header", header)]
        self._must("mcp", "add", "--scope", scope, "--transport", "http", name, url, *given)

    def refuses(self, name: str, *command: str) -> str:
        """Try to add a stdio server and return what the client said, empty if it took it."""
        done = self._run("mcp", "add", "--scope", "user", name, "--", *command)
        return done[1] if done[0] else ""

    def session(self) -> dict[str, str]:
        """Start a non-interactive session and return what it says of its servers: name to status."""
        status, printed = self._run("-p", "hello", "--output-format", "stream-json", "--verbose")
        events = [json.loads(line) for line in printed.splitlines() if line.startswith("{")]
        start = next((event for event in events if event.get("subtype") == "init"), None)
        assert start is not None, f"no session, status {status}: {printed}"
        return {server["name"]: server["status"] for server in start["mcp_servers"]}

    def _must(self, *argv: str) -> None:
        status, printed = self._run(*argv)
        assert status == 0, printed

    def _run(self, *argv: str) -> tuple[int, str]:
        done = self._machine.run([CLAUDE, *argv], user=ANN, folder=PROJECT)
        return done.returncode, done.stdout + done.stderr
