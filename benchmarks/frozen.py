"""The frozen program (`make freeze` first): start to the answer of `status`, and what the daemon holds in memory after 15 s."""

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

CHECKOUT = Path(__file__).parents[1]
FROZEN = CHECKOUT / "dist/mcp-compliance-agent/mcp-compliance"
SOURCE = CHECKOUT / ".venv/bin/mcp-compliance"
TIMES = 15
SETTLED_S = 15.0
ONE_ARENA = {"MALLOC_ARENA_MAX": "1"}
"""As the systemd unit has it."""


def main() -> None:
    """Measure and print."""
    if not FROZEN.exists():
        sys.exit(f"{FROZEN} is not there: make freeze")
    started = [_started(name, command) for name, command in _commands().items()]
    table(("to the last line of `status`", "wall ms, median", "processor ms, median"), started)
    held = [
        _held("frozen", FROZEN, ONE_ARENA),
        _held("frozen, malloc as it is", FROZEN, {}),
        _held("from the checkout", SOURCE, ONE_ARENA),
    ]
    table(("daemon after 15 s, its listener too", "resident MB", "peak MB", "own share (PSS) MB"), held)


def _commands() -> dict[str, list[str]]:
    return {
        "frozen": [str(FROZEN), "status"],
        "from the checkout": [str(SOURCE), "status"],
        "an empty Python": [sys.executable, "-c", "pass"],
    }


def _started(name: str, command: list[str]) -> tuple[str, ...]:
    runs = [run(command) for _ in range(TIMES)]
    return name, f"{median(r.wall_s for r in runs) * 1000:.0f}", f"{median(r.cpu_s for r in runs) * 1000:.0f}"


def _held(name: str, program: Path, extra: dict[str, str]) -> tuple[str, ...]:
    with TemporaryDirectory() as state:
        environment = {**os.environ, **extra, "MCP_COMPLIANCE_STATE_FOLDER": state}
        daemon = subprocess.Popen([str(program), "run", "--quiet"], env=environment)
        time.sleep(SETTLED_S)
        first = psutil.Process(daemon.pid)
        all_of_it = [first, *first.children(recursive=True)]
        resident = sum(process.memory_info().rss for process in all_of_it)
        own = sum(process.memory_full_info().pss for process in all_of_it)
        peak = sum(_peak(process.pid) for process in all_of_it)
        daemon.send_signal(signal.SIGTERM)
        daemon.wait(30)
    return name, f"{resident / 1e6:.0f}", f"{peak / 1e6:.0f}", f"{own / 1e6:.0f}"


def _peak(pid: int) -> int:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM"))
