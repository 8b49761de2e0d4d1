"""Running servers, from their start to the committed deviation: how fast, how many of the short-lived, and what listening costs.

Run as root: `python -m benchmarks launches`. The daemon watches this machine's own process table (the kernel tells of starting
programs in the first pid namespace only), with a managed policy, a state folder and a /home of its own in a private mount
namespace. Beside it: a poll of the process table with psutil, once and five times per second, that looks for the same servers.
"""

import contextlib
import json
import os
import shlex
import shutil
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random
from statistics import quantiles
from tempfile import TemporaryDirectory

import psutil

from benchmarks.measure import cpu_s, crowd, table
from tests.e2e.machine import COMMAND
from tests.sim.storm import STORM

LAUNCHES = 100
BRIEF, BRIEF_S, STORM_PER_S = 200, "0.02", 500
PROCESSES, BUSY_PER_S, MEASURED_S, SETTLE_S = 700, 50, 40.0, 35.0
PAUSE_S = (0.2, 0.7)
_PATIENCE_S = 20.0
_POLLS_PER_S = (1, 5)
_POLICY = {"allowManagedMcpServersOnly": True, "allowedMcpServers": [{"serverCommand": ["/opt/approved"]}]}
_POLL = """
import psutil, sys, time
seen = set()
while True:
    for process in psutil.process_iter(["pid", "ppid", "name", "exe", "cmdline", "username", "create_time", "cwd"]):
        words = process.info["cmdline"] or [""]
        if "/mcp-server-" in words[0] and words[0] not in seen:
            seen.add(words[0])
            print(words[0], time.time(), flush=True)
    time.sleep(1 / float(sys.argv[1]))
"""
_HOST = """
import subprocess, sys
for line in sys.stdin:
    started = subprocess.Popen(line.split(), stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    started.wait()
    print(flush=True)
"""


def main() -> None:
    if sys.platform != "linux" or os.geteuid() != 0:
        print("left out: process events need root on Linux")
        return
    with TemporaryDirectory() as folder, _daemon(Path(folder)) as (pid, journal), _polls(_POLLS_PER_S) as polls:
        _latency(Path(folder), journal, polls)
        _share(Path(folder), journal, polls)
        _cost(pid, polls)


def _latency(folder: Path, journal: sqlite3.Connection, polls: list["_Poll"]) -> None:
    random, took, started = Random(1), [], {}
    with _host(folder) as start:
        for number in range(LAUNCHES):
            server = _server(folder, f"slow-{number:03}")
            started[str(server)] = start(server, "0.5")
            _wait(lambda: _known(journal, server.name))  # noqa: B023 - called at once
            took.append(time.time() - started[str(server)])
            time.sleep(random.uniform(*PAUSE_S))
    rows = [["daemon, to the committed deviation", *_figures(took), f"{LAUNCHES}"]]
    for poll in polls:
        found = [poll.seen[name] - at for name, at in started.items() if name in poll.seen]
        rows.append([f"poll {poll.per_s}/s, to having seen it", *_figures(found), f"{len(found)}"])
    print(f"{LAUNCHES} servers that live for half a second")
    table(["", "p50 ms", "p99 ms", "longest ms", "found"], rows)


def _share(folder: Path, journal: sqlite3.Connection, polls: list["_Poll"]) -> None:
    storm = subprocess.Popen([sys.executable, "-c", STORM, str(STORM_PER_S)])
    servers = [_server(folder, f"brief-{number:03}") for number in range(BRIEF)]
    try:
        with _host(folder) as start:
            for server in servers:
                start(server, BRIEF_S)
                time.sleep(0.05)
    finally:
        storm.kill()
        storm.wait()
    with contextlib.suppress(TimeoutError):
        _wait(lambda: all(_known(journal, server.name) for server in servers))
    caught = sum(_known(journal, server.name) for server in servers)
    rows = [["daemon, committed deviations", f"{caught / BRIEF:.1%}"]]
    rows += [[f"poll {p.per_s}/s", f"{sum(str(s) in p.seen for s in servers) / BRIEF:.1%}"] for p in polls]
    print(f"{BRIEF} servers that live for 20 ms, while {STORM_PER_S} programs per second start")
    table(["", "caught"], rows)


def _cost(pid: int, polls: list["_Poll"]) -> None:
    daemon = psutil.Process(pid)
    watched = [[daemon, *daemon.children(recursive=True)], *([psutil.Process(poll.process.pid)] for poll in polls)]
    rows = []
    with crowd(PROCESSES) as processes:
        time.sleep(SETTLE_S)
        for label, per_s in ((f"{processes} processes, idle", 0), (f"… and {BUSY_PER_S} launches/s", BUSY_PER_S)):
            storm = subprocess.Popen([sys.executable, "-c", STORM, str(per_s)]) if per_s else None
            before, forked = [sum(map(cpu_s, group)) for group in watched], _forks()
            time.sleep(MEASURED_S)
            used = [sum(map(cpu_s, group)) - earlier for group, earlier in zip(watched, before, strict=True)]
            told = f"{label} ({(_forks() - forked) / MEASURED_S:.0f} forks/s in all)"
            if storm is not None:
                storm.kill()
                storm.wait()
            rows.append([told, *(f"{seconds / MEASURED_S:.2%}" for seconds in used), f"{used[0] / used[1]:.3f}"])
    heads = ["of one core", "daemon and listener", *(f"poll {poll.per_s}/s" for poll in polls), "daemon : poll 1/s"]
    table(heads, rows)
    held = [f"{process.name()} {process.memory_info().rss / 1e6:.0f} MB" for process in watched[0]]
    share = sum(process.memory_full_info().pss for process in watched[0])
    print(f"resident: {', '.join(held)}; proportional share of both: {share / 1e6:.0f} MB")


def _forks() -> int:
    """Return how many processes and threads the machine has started since it did (proc_stat(5)): what else goes on counts too."""
    lines = Path("/proc/stat").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("processes "))


class _Poll:
    """What a developer would write in five minutes, running; `seen` is when it saw each server."""

    def __init__(self, per_s: int) -> None:
        self.per_s = per_s
        self.seen: dict[str, float] = {}
        command = [sys.executable, "-c", _POLL, str(per_s)]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            name, at = line.split()
            self.seen[name] = float(at)

    def end(self) -> None:
        self.process.kill()
        self.process.wait()
        self._reader.join()


@contextlib.contextmanager
def _polls(rates: tuple[int, ...]) -> Iterator[list[_Poll]]:
    polls = [_Poll(rate) for rate in rates]
    try:
        yield polls
    finally:
        for poll in polls:
            poll.end()


@contextlib.contextmanager
def _daemon(folder: Path) -> Iterator[tuple[int, sqlite3.Connection]]:
    for name in ("state", "etc/claude-code", "work", "homes"):
        (folder / name).mkdir(parents=True)
    (folder / "etc/claude-code/managed-settings.json").write_text(json.dumps(_POLICY))
    (folder / "agent.toml").write_text(f'state_folder = "{folder}/state"\n')
    at = shlex.quote(str(folder))
    script = (
        f"mount -t overlay overlay -o lowerdir=/etc,upperdir={at}/etc,workdir={at}/work /etc && "
        f"mount --bind {at}/homes /home && "
        f"exec {shlex.quote(COMMAND)} run --settings {at}/agent.toml"
    )
    log = (folder / "daemon.txt").open("wb")
    started = subprocess.Popen(["unshare", "--mount", "sh", "-c", script], stdout=log, stderr=log)
    try:
        database = folder / "state/journal.sqlite3"
        _wait((folder / "state/status.json").exists)
        status = json.loads((folder / "state/status.json").read_text())
        print(f"processes are noticed by: {status['process_events'] or 'the sweep alone'}")
        with contextlib.closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as connection:
            yield started.pid, connection
    finally:
        started.terminate()
        started.wait()
        log.close()


@contextlib.contextmanager
def _host(folder: Path) -> Iterator[Callable[[Path, str], float]]:
    """A process with the path of a client's package, which starts servers over pipes and waits for the end of each.

    Yielded is what has it start one, once the one before has ended; the answer is when it was told to, in Unix seconds.
    """
    script = folder / "node_modules/@anthropic-ai/claude-code/cli.py"
    script.parent.mkdir(parents=True, exist_ok=True)
    script.write_text(_HOST)
    host = subprocess.Popen([sys.executable, str(script)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    time.sleep(1.0)
    assert host.stdin is not None
    assert host.stdout is not None
    stdin, stdout = host.stdin, host.stdout
    waiting = [0]

    def start(server: Path, life_s: str) -> float:
        while waiting[0]:
            stdout.readline()
            waiting[0] -= 1
        at = time.time()
        stdin.write(f"{server} {life_s}\n")
        stdin.flush()
        waiting[0] += 1
        return at

    try:
        yield start
    finally:
        host.communicate()


def _server(folder: Path, name: str) -> Path:
    """Return a program of its own name that sleeps for as many seconds as it is told."""
    program = folder / f"mcp-server-{name}"
    shutil.copy("/bin/sleep", program)
    return program


def _known(journal: sqlite3.Connection, name: str) -> bool:
    query = "SELECT 1 FROM deviations WHERE instr(deviation, ?) LIMIT 1"
    return journal.execute(query, (name,)).fetchone() is not None


def _wait(done: Callable[[], bool]) -> None:
    deadline = time.monotonic() + _PATIENCE_S
    while not done():
        if time.monotonic() > deadline:
            raise TimeoutError(f"not within {_PATIENCE_S:.0f} s")
        time.sleep(0.001)


def _figures(seconds: list[float]) -> list[str]:
    if len(seconds) < 2:
        return ["-", "-", "-"]
    cuts = quantiles(seconds, n=100, method="inclusive")
    return [f"{figure * 1000:.0f}" for figure in (cuts[49], cuts[98], max(seconds))]


if __name__ == "__main__":
    main()
