"""The Windows that Wine is: started once, kept on, and asked by its own programs."""

import json
import subprocess
import time
from pathlib import Path
from typing import Any

from tests.e2e.daemon import until

CHECKOUT = Path(__file__).parents[2]
WINE = CHECKOUT / "tests/windows/wine.sh"
PROGRAM = "C:\\Program Files\\MCP Compliance Agent\\mcp-compliance.exe"
_LONGEST_S = 180.0

Done = subprocess.CompletedProcess[str]


class Windows:
    """One session. Wine ends its services with the last program, so one of ours stays until `close`."""

    def __init__(self, folder: Path) -> None:
        _run("off")
        self.disk = Path(_run("path").stdout.strip())
        self._on = folder / "on"
        self._on.touch()
        up = folder / "up"
        code = f"import os, time\nopen(r'Z:{up}', 'w')\nwhile os.path.exists(r'Z:{self._on}'): time.sleep(0.2)"
        self._keeper = subprocess.Popen(
            [str(WINE), "python", "-c", code], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL
        )
        until("Windows", up.exists)  # its services write where its first program writes, for as long as they live

    def close(self) -> None:
        """End the session."""
        self._on.unlink()
        self._keeper.wait(_LONGEST_S)
        _run("off")

    def run(self, *argv: str) -> Done:
        """Run a Windows program to its end."""
        return _run("run", *argv)

    def agent(self, *argv: str) -> Done:
        """Run the installed command."""
        return self.run(PROGRAM, *argv)

    def msiexec(self, *argv: str) -> None:
        """Install or remove, silently."""
        done = self.run("msiexec", "/qn", *argv)
        assert done.returncode == 0, f"{done.returncode} {done.stdout}"

    def service(self, name: str) -> str:
        """Return the state of a service as the service manager tells it, empty where there is none."""
        said = self.run("sc", "query", name).stdout
        return next((line.split()[-1] for line in said.splitlines() if "STATE" in line), "")

    def python(self, code: str) -> str:
        """Run a few lines of Python on this Windows, with the checkout to import from, and return what they print."""
        done = _run("python", "-c", f"import sys; sys.path.insert(0, r'Z:{CHECKOUT}')\n{code}")
        assert done.returncode == 0, f"{done.returncode} {done.stdout}"
        return done.stdout.strip()

    def at(self, path: str) -> Path:
        """Return where a path of drive C: stands here."""
        return self.disk / path.removeprefix("C:\\").replace("\\", "/")

    def until(self, what: str, ask: Any, patience_s: float = 60.0) -> None:  # noqa: ANN401 - any question
        """Wait until `ask` says yes; where it doesn't, show what the agent wrote."""
        try:
            until(what, lambda: ask() or None, patience_s)
        except AssertionError as error:
            log = self.at("C:\\ProgramData\\MCPComplianceAgent\\state\\agent.log")
            raise AssertionError(f"{error}\n{log.read_text() if log.exists() else 'no log'}") from None


def _run(*words: str) -> Done:
    started = time.monotonic()
    done = subprocess.run(
        [str(WINE), *words], check=False, capture_output=True, text=True, timeout=_LONGEST_S, stdin=subprocess.DEVNULL
    )
    assert time.monotonic() - started < _LONGEST_S, words
    return done


def status(windows: Windows) -> dict[str, Any]:
    """Return the status document of the installed agent, empty before the first one."""
    file = windows.at("C:\\ProgramData\\MCPComplianceAgent\\state\\status.json")
    try:
        found: dict[str, Any] = json.loads(file.read_bytes())
    except (FileNotFoundError, ValueError):  # not yet, or being replaced
        return {}
    return found
