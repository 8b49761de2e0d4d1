"""How the benchmarks measure processes and write tables."""

import contextlib
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from tempfile import TemporaryFile

import psutil

NAIVE_POLL = """
import psutil, time
WANTED = ["pid", "ppid", "name", "exe", "cmdline", "username", "create_time", "cwd"]
while True:
    table = [process.info for process in psutil.process_iter(WANTED)]
    time.sleep(1)
"""
"""What watching processes costs without any thought: everything about everyone, once per second."""


@dataclass(frozen=True, slots=True)
class Run:
    """One command, run to its end: wall-clock and processor seconds, peak resident memory in bytes, standard output."""

    wall_s: float
    cpu_s: float
    peak_bytes: int
    output: bytes


def run(command: Sequence[str]) -> Run:
    """Run `command` in a process of its own; any exit status will do."""
    peaks = [0]
    with TemporaryFile() as output:
        start = time.perf_counter()
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=output)
        sampler = threading.Thread(target=_sample_peak, args=(process.pid, peaks))
        sampler.start()
        _, _, used = os.wait4(process.pid, 0)
        wall = time.perf_counter() - start
        process.returncode = 0  # it has been waited for
        sampler.join()
        output.seek(0)
        return Run(wall, used.ru_utime + used.ru_stime, max(peaks), output.read())


def _sample_peak(pid: int, peaks: list[int]) -> None:
    """Collect the kernel's high-water mark of resident bytes; what `wait4` says of it includes the parent before `exec`."""
    with contextlib.suppress(OSError):
        while True:
            text = Path(f"/proc/{pid}/status").read_text()
            peaks += [int(line.split()[1]) * 1024 for line in text.splitlines() if line.startswith("VmHWM")]
            time.sleep(0.005)


def typical(command: Sequence[str], runs: int) -> Run:
    """Run `command` once to warm the disk's cache, then `runs` times; return the run of median wall time."""
    run(command)
    done = sorted((run(command) for _ in range(runs)), key=lambda one: one.wall_s)
    return done[len(done) // 2]


def one_poll_s() -> float:
    """Return the median processor seconds of one naive sweep on this machine, now, in a process that is warm."""
    sweep = NAIVE_POLL.split("while True:", 1)[0] + (
        "import time\n"
        "def once():\n"
        "    start = time.process_time()\n"
        "    [process.info for process in psutil.process_iter(WANTED)]\n"
        "    return time.process_time() - start\n"
        "print([once() for _ in range(6)][1:])\n"
    )
    figures = run([sys.executable, "-c", sweep]).output.decode().strip("[]\n")
    return median(float(figure) for figure in figures.split(", "))


def cpu_s(process: psutil.Process) -> float:
    """Return the processor seconds that a live process has used."""
    times = process.cpu_times()
    return float(times.user + times.system)


@contextlib.contextmanager
def crowd(total: int) -> Iterator[int]:
    """Fill the machine up to `total` processes with sleepers; yield how many processes there are."""
    missing = max(0, total - len(psutil.pids()))
    sleepers = [subprocess.Popen(["sleep", "infinity"]) for _ in range(missing)]
    try:
        yield len(psutil.pids())
    finally:
        for sleeper in sleepers:
            sleeper.kill()
        for sleeper in sleepers:
            sleeper.wait()


def table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print a Markdown table, so that it can go into the README as it is."""
    widths = [max(len(row[column]) for row in [heads, *rows]) for column in range(len(heads))]
    for row in (heads, ["-" * width for width in widths], *rows):
        print("| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) + " |")
