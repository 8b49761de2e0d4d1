"""What a sweep of the process table costs: the delta sweep beside a naive `psutil.process_iter` over everything.

Run: `python benchmarks/processes.py [COUNT]`. CPU time of this process, for COUNT (default 700) sleeping processes.
"""

import subprocess
import sys
import time
from collections.abc import Callable

import psutil

from agent.core.recognition import ClientMarks, recognise
from agent.host.processes import YOUNG_S, PsutilProcessTable

ROUNDS = 10
INTERVAL_S = 5.0
_NAIVE = ["pid", "create_time", "ppid", "name", "username", "exe", "cmdline", "cwd", "environ"]
_CLIENTS = (ClientMarks("claude-code", frozenset({"claude"}), ("@anthropic-ai/claude-code",)),)


def cpu_ms(work: Callable[[], object], rounds: int = ROUNDS) -> float:
    start = time.process_time()
    for _ in range(rounds):
        work()
    return (time.process_time() - start) * 1000 / rounds


def naive() -> None:
    list(psutil.process_iter(_NAIVE))


def measure() -> None:
    ahead = [0.0]
    table = PsutilProcessTable({"CLAUDECODE"}, monotonic=lambda: ahead[0])
    first = cpu_ms(table.snapshot, 1)
    ahead[0] = 2 * YOUNG_S
    delta = cpu_ms(table.snapshot)
    view = table.snapshot()
    cold = cpu_ms(lambda: recognise(view.processes, (), _CLIENTS), 1)
    warm = cpu_ms(lambda: recognise(view.processes, (), _CLIENTS))
    whole = cpu_ms(naive)
    print(f"processes               {len(view.processes)}")
    print(f"first sweep             {first:8.2f} ms CPU")
    print(f"delta sweep             {delta:8.2f} ms CPU")
    print(f"recognition, first      {cold:8.2f} ms CPU")
    print(f"recognition, again      {warm:8.2f} ms CPU")
    print(f"naive process_iter      {whole:8.2f} ms CPU ({whole / delta:.0f} times the delta sweep)")
    for label, cost in (("sweep alone", delta), ("with recognition", delta + warm)):
        print(f"idle, every {INTERVAL_S:.0f} s        {cost / (INTERVAL_S * 10):8.3f} % of a core, {label}")


def main() -> None:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 700
    sleepers = [subprocess.Popen(["/bin/sleep", "600"]) for _ in range(count)]
    try:
        measure()
    finally:
        for sleeper in sleepers:
            sleeper.kill()
        for sleeper in sleepers:
            sleeper.wait()


if __name__ == "__main__":
    main()
