"""From saving a configuration file to the committed deviation, over 60 saves, beside a poll once per second that reads the file.

A save adds a server that the policy blocks. The deviation counts as committed when another connection sees its row in the
journal; asking for it once a millisecond adds up to that much.
"""

import json
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from random import Random
from statistics import quantiles

import psutil

from benchmarks.laptop import watched
from benchmarks.measure import cpu_s, table
from tests.e2e.daemon import journal
from tests.e2e.machine import HOME

SAVES = 60
PAUSE_S = (0.3, 1.5)
"""Between two saves: drawn anew each time, so that no timer falls into step."""

PATIENCE_S = 30.0
_FILE = f"{HOME}/.cursor/mcp.json"
_NAIVE = """
import json, psutil, sys, time
WANTED = ["pid", "ppid", "name", "exe", "cmdline", "username", "create_time", "cwd"]
known = set()
while True:
    table = [process.info for process in psutil.process_iter(WANTED)]
    try:
        names = set(json.load(open(sys.argv[1]))["mcpServers"])
    except ValueError:
        names = set()
    for name in names - known:
        print(name, time.time(), flush=True)
    known |= names
    time.sleep(1)
"""


def main() -> None:
    with watched(own_processes=True) as (machine, daemon):
        file = machine.at(_FILE)
        naive = subprocess.Popen([sys.executable, "-c", _NAIVE, str(file)], stdout=subprocess.PIPE, text=True)
        polled: dict[str, float] = {}
        reader = threading.Thread(target=_read, args=(naive, polled))
        reader.start()
        try:
            processes = [psutil.Process(daemon.pid), psutil.Process(naive.pid)]
            before = [cpu_s(process) for process in processes]
            start = time.monotonic()
            saved, committed = _saves(file, journal(machine))
            time.sleep(1.5)  # the last save's poll
            lasted = time.monotonic() - start
            used = [cpu_s(process) - earlier for process, earlier in zip(processes, before, strict=True)]
        finally:
            naive.kill()
            naive.wait()
            reader.join()
    figures = [
        _figures([committed[name] - at for name, at in saved.items()]),
        _figures([polled[name] - at for name, at in saved.items() if name in polled]),
    ]
    print(f"{SAVES} saves in {lasted:.0f} s; the poll missed {len(saved.keys() - polled.keys())}")
    table(
        ["", "p50 ms", "p95 ms", "longest ms", "processor time, s"],
        [
            ["daemon, to the committed deviation", *figures[0], f"{used[0]:.2f}"],
            ["poll once per second, to having read it", *figures[1], f"{used[1]:.2f}"],
        ],
    )


def _saves(file: Path, database: Path) -> tuple[dict[str, float], dict[str, float]]:
    """Save `SAVES` times; return when each server was saved and when its deviation was there."""
    random = Random(1)
    saved: dict[str, float] = {}
    committed: dict[str, float] = {}
    connection = sqlite3.connect(f"file:{database}?mode=ro", uri=True)
    for number in range(SAVES):
        name = f"rogue-{number:03}"
        content = json.dumps({"mcpServers": {name: {"command": f"/opt/{name}/bin/server"}}}, indent=2)
        saved[name] = time.time()
        file.write_text(content)
        _wait(lambda name=name: _is_open(connection, name))  # type: ignore[misc] # bound now
        committed[name] = time.time()
        time.sleep(random.uniform(*PAUSE_S))
    connection.close()
    return saved, committed


def _is_open(connection: sqlite3.Connection, name: str) -> bool:
    query = "SELECT 1 FROM deviations WHERE closed_at IS NULL AND instr(subject, ?) LIMIT 1"
    return connection.execute(query, (name,)).fetchone() is not None


def _wait(done: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not done():
        if time.monotonic() > deadline:
            raise TimeoutError(f"no deviation within {PATIENCE_S:.0f} s")
        time.sleep(0.001)


def _read(naive: "subprocess.Popen[str]", polled: dict[str, float]) -> None:
    assert naive.stdout is not None
    for line in naive.stdout:
        name, at = line.split()
        polled[name] = float(at)


def _figures(seconds: list[float]) -> list[str]:
    cuts = quantiles(seconds, n=20, method="inclusive")
    return [f"{figure * 1000:.0f}" for figure in (cuts[9], cuts[18], max(seconds))]


if __name__ == "__main__":
    main()
