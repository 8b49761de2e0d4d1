"""Memory and processor time of the idle daemon among 700 processes, beside a naive poll of all processes once per second.

The laptop has processes of its own, so that what else the host does costs nothing here; the daemon then sweeps the table by
timer, which is the dearer of its two ways.
"""

import sys
import time

import psutil

from benchmarks.laptop import started, watched
from benchmarks.measure import NAIVE_POLL, cpu_s, table

PROCESSES = 700
SETTLE_S = 20.0
MEASURED_S = float(sys.argv[1]) if __name__ == "__main__" and len(sys.argv) > 1 else 60.0

_CROWD = f"for _ in $(seq {PROCESSES}); do sleep infinity & done; wait"
_NAIVE = (sys.executable, "-c", NAIVE_POLL)


def main() -> None:
    with (
        watched(own_processes=True) as (machine, daemon),
        started(machine, "sh", "-c", _CROWD),
        started(machine, *_NAIVE) as naive,
    ):
        both = [psutil.Process(daemon.pid), psutil.Process(naive)]
        time.sleep(SETTLE_S)
        before = [cpu_s(process) for process in both]
        time.sleep(MEASURED_S)
        used = [cpu_s(process) - earlier for process, earlier in zip(both, before, strict=True)]
        resident = [process.memory_info().rss for process in both]
        own = [process.memory_full_info().uss for process in both]
    print(f"{PROCESSES} processes, {MEASURED_S:.0f} s")
    table(
        ["", "daemon", "naive poll, 1/s", "ratio"],
        [
            ["processor time, s", f"{used[0]:.2f}", f"{used[1]:.2f}", f"{used[0] / used[1]:.2f}"],
            ["of one core", f"{used[0] / MEASURED_S:.2%}", f"{used[1] / MEASURED_S:.2%}", ""],
            [
                "resident, MB",
                f"{resident[0] / 1e6:.0f}",
                f"{resident[1] / 1e6:.0f}",
                f"{resident[0] / resident[1]:.2f}",
            ],
            ["of it its own, MB", f"{own[0] / 1e6:.0f}", f"{own[1] / 1e6:.0f}", f"{own[0] / own[1]:.2f}"],
        ],
    )


if __name__ == "__main__":
    main()
