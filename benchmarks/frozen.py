"""The frozen program (`make freeze` first): start to the answer of `status`, and what the daemon holds in memory after 75 s.

That is after the first look, its report, and the first time that free memory went back to the system.
"""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

import psutil

from benchmarks.measure import run, table
from tests.sim.endpoint import Endpoint

CHECKOUT = Path(__file__).parents[1]
FROZEN = CHECKOUT / "dist/mcp-compliance-agent/mcp-compliance"
SOURCE = CHECKOUT / ".venv/bin/mcp-compliance"
TIMES = 15
SETTLED_S = 75.0
ONE_ARENA = {"MALLOC_ARENA_MAX": "1"}
"""As the systemd unit has it."""


def main() -> None:
    """Measure and print."""
    if not FROZEN.exists():
        sys.exit(f"{FROZEN} is not there: make freeze")
    started = [_started(name, command) for name, command in _commands().items()]
    table(("to the last line of `status`", "wall ms, median", "processor ms, median"), started)
    with Endpoint() as endpoint:
        daemons = [
            _Daemon("frozen", FROZEN),
            _Daemon("frozen, reporting over TLS", FROZEN, endpoint),
            _Daemon("from the checkout", SOURCE),
        ]
        time.sleep(SETTLED_S)
        held = [daemon.held() for daemon in daemons]
        for daemon in daemons:
            daemon.end()
    heads = (f"after {SETTLED_S:.0f} s", "daemon MB", "at most", "listener MB", "both, shared files once, MB")
    table(heads, held)


def _commands() -> dict[str, list[str]]:
    return {
        "frozen": [str(FROZEN), "status"],
        "from the checkout": [str(SOURCE), "status"],
        "an empty Python": [sys.executable, "-c", "pass"],
    }


def _started(name: str, command: list[str]) -> tuple[str, ...]:
    runs = [run(command) for _ in range(TIMES)]
    return name, f"{median(r.wall_s for r in runs) * 1000:.0f}", f"{median(r.cpu_s for r in runs) * 1000:.0f}"


class _Daemon:
    """A daemon with a state folder of its own."""

    def __init__(self, name: str, program: Path, to: Endpoint | None = None) -> None:
        self._name, self._folder = name, TemporaryDirectory()
        settings = Path(self._folder.name, "agent.toml")
        reports = f'[endpoint]\nurl = "{to.url}"\nca_file = "{to.ca_file(settings.parent)}"\n' if to else ""
        settings.write_text(f'state_folder = "{self._folder.name}/state"\n{reports}')
        command = [str(program), "run", "--quiet", "--settings", str(settings)]
        self._process = subprocess.Popen(command, env={**os.environ, **ONE_ARENA})

    def held(self) -> tuple[str, ...]:
        daemon = psutil.Process(self._process.pid)
        listeners = daemon.children(recursive=True)
        resident = daemon.memory_info().rss
        beside = sum(process.memory_info().rss for process in listeners)
        both = resident + sum(_anonymous(process.pid) for process in listeners)  # they map the same files
        return self._name, *(f"{size / 1e6:.0f}" for size in (resident, _peak(daemon.pid), beside, both))

    def end(self) -> None:
        self._process.send_signal(signal.SIGTERM)
        self._process.wait(30)
        self._folder.cleanup()


def _anonymous(pid: int) -> int:
    """Return the resident bytes that are mapped from no file."""
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("Anonymous:"))


def _peak(pid: int) -> int:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM"))
