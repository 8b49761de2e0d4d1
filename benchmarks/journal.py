"""The journal and the reports: committed findings, delivered events, bytes on the wire, and how fast `status` answers."""

import gzip
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from random import Random
from statistics import median

from agent.core.canonical import canonical
from agent.core.deviation import Deviation, Findings, Key
from agent.core.event import Circumstances, finding_events
from agent.core.event_device import heartbeat_event
from agent.core.ledger import Change
from agent.ports import JSON
from agent.runtime.backoff import Backoff
from agent.runtime.budgets import Budgets
from agent.runtime.clock import SystemClock
from agent.runtime.delivery import Delivery
from agent.sinks.https import HttpsSink, HttpsTarget
from agent.store.journal import Journal
from benchmarks.measure import run
from tests.sim.deviations import KINDS, deviation
from tests.sim.endpoint import Endpoint
from tests.sim.month import DEVICE, Month
from tests.sim.statuses import status

FINDINGS = 2_000
BURST = 50
STATUS_RUNS = 15


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        _commits(Path(folder))
        _delivery(Path(folder))
    _wire()
    _quiet_day()
    _status()


def _encode(change: Change) -> Sequence[JSON]:
    return finding_events(DEVICE, change, Circumstances("one"))


def _journal(folder: Path, name: str) -> Journal:
    journal = Journal(folder / name, SystemClock().now, device=DEVICE.id)
    journal.use_sinks(["https"])
    return journal


def _commits(folder: Path) -> None:
    for size, label in ((1, "one finding per commit"), (BURST, f"{BURST} findings per commit")):
        journal = _journal(folder, f"commits-{size}.db")
        present: dict[Key, Deviation] = {}
        rounds = min(FINDINGS // size, 300)
        began, used = time.perf_counter(), time.process_time()
        for number in range(rounds):
            present |= {item.key: item for item in (deviation(f"s{number}-{n}") for n in range(size))}
            journal.commit(Findings(present=dict(present), looked=KINDS), float(number), _encode)
        took, cpu = time.perf_counter() - began, time.process_time() - used
        journal.close()
        per_cpu = rounds * size / cpu
        print(
            f"{label:<46} {rounds * size / took:>9.0f} /s, durable (synchronous=FULL); {per_cpu:.0f} per processor second"
        )


def _delivery(folder: Path) -> None:
    journal = _journal(folder, "delivery.db")
    found = {item.key: item for item in (deviation(f"s{number}") for number in range(FINDINGS))}
    journal.commit(Findings(present=found, looked=KINDS), 1.0, _encode)
    with Endpoint() as endpoint:
        target = HttpsTarget(url=endpoint.url, ca_file=endpoint.ca_file(folder), device_id=DEVICE.id)
        sink = HttpsSink(target, SystemClock())
        delivery = Delivery(sink, journal, SystemClock(), Backoff(Random(1), 1.0, 60.0), Budgets(linger_s=0.0))
        began = time.perf_counter()
        while delivery.step() is not None:
            pass
        took = time.perf_counter() - began
        taken, wire = len(endpoint.events), sum(len(request.body) for request in endpoint.requests)
        sink.close()
    journal.close()
    print(
        f"{'delivered to a local receiver (TLS)':<46} {taken / took:>9.0f} /s, {wire / taken:.0f} bytes each on the wire"
    )


def _wire() -> None:
    event = heartbeat_event(status("compliant"), at=1_700_000_000.0, dropped={})
    line = canonical(event).encode()
    print(f"{'one sign of life':<46} {len(line):>9} bytes, {len(gzip.compress(line))} compressed")


def _quiet_day() -> None:
    with tempfile.TemporaryDirectory() as folder:
        month = Month(Path(folder), 1, online=lambda _: True, churn=0.1, kills=1.0)
        month.run()
        month.settle()
        total = month.central.bytes_taken
        count = len(month.central.events)
        month.close()
    print(f"{'a quiet day':<46} {total / 1000:>9.1f} KB in {count} events, before compression")


def _status() -> None:
    program = Path(sys.executable).with_name("mcp-compliance")
    for form in ("text", "jamf"):
        runs = [run([str(program), "status", "--format", form]) for _ in range(STATUS_RUNS)]
        wall, cpu = median(one.wall_s for one in runs), median(one.cpu_s for one in runs)
        print(f"{'status --format ' + form:<46} {wall * 1000:>9.0f} ms, {cpu * 1000:.0f} ms of processor")


if __name__ == "__main__":
    main()
