"""`python -m tests.sim.soak [DAYS]`: a month in the office, a month without network, and a month of both with a tight journal."""

import logging
import sys
import tempfile
import time
import tracemalloc
from pathlib import Path

from tests.sim.month import Month, never, office_hours

MONTHS = {
    "a month of office hours, killed once a day": {"online": office_hours, "churn": 2.0},
    "a month without any network": {"online": never, "churn": 2.0},
    "a month without network, findings every five minutes": {"online": never, "churn": 60.0},
    "the same in a journal of 4 MB": {"online": never, "churn": 60.0, "max_bytes": 4_000_000},
}


def main(days: float) -> None:
    logging.disable(logging.CRITICAL)
    for name, given in MONTHS.items():
        began = time.perf_counter()
        tracemalloc.start()
        with tempfile.TemporaryDirectory() as folder:
            month = Month(Path(folder), days, **given)  # type: ignore[arg-type]
            month.run()
            waiting = month.journal.counters()
            month.settle()
            dropped = month.verify()
            month.close()
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        lost = ", ".join(f"{number} {reason}" for reason, number in dropped.items()) or "nothing"
        print(  # noqa: T201 - its answer
            f"{name}: {days:g} days in {time.perf_counter() - began:.0f} s; {month.changes} changes, {month.restarts} kills,"
            f" {waiting.events} events ({waiting.bytes / 1e6:.1f} MB) waited, {month.peak_bytes / 1e6:.1f} MB on disk at most,"
            f" {peak / 1e6:.0f} MB of memory; lost: {lost}"
        )


if __name__ == "__main__":
    main(float(sys.argv[1]) if len(sys.argv) > 1 else 30.0)
