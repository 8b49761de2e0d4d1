"""One inspection of a machine with 20 users, beside PyPI's `snyk-agent-scan` on the same machine: time, memory, what was found.

Both run on a laptop of their own without a network and start no server: the other one asks before it would, and hears no. Its own
virtual environment is made in `.scratch` the first time.
"""

import json
import subprocess
import sys
import venv
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

from benchmarks.measure import table
from benchmarks.tree import plant
from tests.e2e.machine import CHECKOUT, COMMAND, Machine

USERS, PROJECTS, RUNS = 20, 20, 5
PEER = "snyk-agent-scan==0.6.9"
_PLACE = CHECKOUT / ".scratch/peers"
_METER = """
import json, resource, subprocess, sys, time
start = time.perf_counter()
done = subprocess.run(sys.argv[1:], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
wall, used = time.perf_counter() - start, resource.getrusage(resource.RUSAGE_CHILDREN)
print(json.dumps([wall, used.ru_utime + used.ru_stime, used.ru_maxrss * 1024, done.stdout.decode()]))
"""


@dataclass(frozen=True, slots=True)
class Metered:
    """One run of a program: seconds, bytes, and how many servers it found."""

    wall_s: float
    cpu_s: float
    peak_bytes: int
    servers: int


def main() -> None:
    runs = int(sys.argv[1]) if __name__ == "__main__" and len(sys.argv) > 1 else RUNS
    peer = _installed()
    with TemporaryDirectory() as folder:
        root = Path(folder, "laptop")
        root.mkdir()
        machine = Machine(root, {})
        try:
            files = plant(root, USERS, PROJECTS)
            ours = _typical(machine, [COMMAND, "check", "--json"], runs)
            scan = [str(peer), "inspect", "--scan-all-users", "--no-skills", "--json", "--storage-file", "/tmp/scan"]
            theirs = _typical(machine, scan, runs)
        finally:
            machine.close()
    print(f"{USERS} users, {PROJECTS} projects each, {files} files, median of {runs}")
    table(
        ["", "mcp-compliance check", PEER, "ratio"],
        [
            ["wall, s", f"{ours.wall_s:.1f}", f"{theirs.wall_s:.1f}", f"{ours.wall_s / theirs.wall_s:.2f}"],
            ["processor time, s", f"{ours.cpu_s:.1f}", f"{theirs.cpu_s:.1f}", f"{ours.cpu_s / theirs.cpu_s:.2f}"],
            [
                "peak memory, MB",
                f"{ours.peak_bytes / 1e6:.0f}",
                f"{theirs.peak_bytes / 1e6:.0f}",
                f"{ours.peak_bytes / theirs.peak_bytes:.2f}",
            ],
            ["servers found", f"{ours.servers}", f"{theirs.servers}", f"{ours.servers / max(1, theirs.servers):.2f}"],
            [
                "processor time per server, ms",
                f"{ours.cpu_s / ours.servers * 1000:.1f}",
                f"{theirs.cpu_s / max(1, theirs.servers) * 1000:.1f}",
                f"{ours.cpu_s / ours.servers / (theirs.cpu_s / max(1, theirs.servers)):.2f}",
            ],
        ],
    )


def _installed() -> Path:
    command = _PLACE / "bin/snyk-agent-scan"
    if not command.exists():
        venv.create(_PLACE, with_pip=True)
        subprocess.run([_PLACE / "bin/python", "-m", "pip", "install", "--quiet", PEER], check=True)
    return command


def _typical(machine: Machine, argv: Sequence[str], runs: int) -> Metered:
    """Run once to warm the disk's cache, then so often; return the median of each figure."""
    done = [_metered(machine, argv) for _ in range(runs + 1)][1:]
    return Metered(
        median(one.wall_s for one in done),
        median(one.cpu_s for one in done),
        round(median(one.peak_bytes for one in done)),
        done[0].servers,
    )


def _metered(machine: Machine, argv: Sequence[str]) -> Metered:
    command = machine.command([sys.executable, "-c", _METER, *argv])
    done = subprocess.run(command, check=True, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)
    wall_s, cpu_s, peak_bytes, text = json.loads(done.stdout)
    return Metered(wall_s, cpu_s, int(peak_bytes), _servers(json.loads(text)))


def _servers(found: Any) -> int:  # noqa: ANN401 - the documents of two programs
    """Count the servers in either document: objects in a list that is called servers."""
    if isinstance(found, dict):
        return sum(
            len(value) if key == "servers" and isinstance(value, list) else _servers(value)
            for key, value in found.items()
        )
    return sum(map(_servers, found)) if isinstance(found, list) else 0


if __name__ == "__main__":
    main()
