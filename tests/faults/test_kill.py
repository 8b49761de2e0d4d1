"""kill -9 at any moment: what was committed is told, what was not leaves nothing, and nothing is told twice.

Real child processes are killed: at every step of every change to the journal, and at random moments of the whole spine while
it reports to an endpoint that misbehaves.
"""

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random

import pytest

from agent.core.canonical import canonical, digest
from agent.store.journal import Journal
from tests.sim import commit_steps
from tests.sim.deviations import encode, findings
from tests.sim.endpoint import Answer, CutRequest, CutResponse, Endpoint, Step, TlsFailure

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="POSIX signals")

ROOT = Path(__file__).parents[2]
ENVIRONMENT = {"PATH": os.defpath, "PYTHONPATH": str(ROOT), "NO_PROXY": "*"}
State = tuple[object, ...]


def state(journal: Journal) -> State:
    """Everything that a kill could tear apart."""
    batch = journal.pending("central", 1_000, 1_000_000)
    told = [(e["metadata"]["sequence"], e.get("activity"), e.get("beat")) for e in batch.events] if batch else []
    kept = [(r.deviation.label, r.deviation.text, r.closed_at) for r in journal.history(0.0)]
    counters = journal.counters()
    apart = counters.sinks["central"].set_aside
    return kept, told, counters.last_sequence, counters.sinks["central"].acked, apart, counters.events


@pytest.mark.parametrize("action", list(commit_steps.ACTIONS))
def test_a_change_killed_at_any_step_is_there_whole_or_not_at_all_and_can_be_made_again(
    tmp_path: Path, action: str
) -> None:
    start = commit_steps.opened(tmp_path / "start")
    start.commit(findings(["changes", "closes", "stays"]), 1.0, encode)
    before = state(start)
    start.close()
    command = [sys.executable, "-m", "tests.sim.commit_steps", str(tmp_path), action]
    done = subprocess.run(command, cwd=ROOT, env=ENVIRONMENT, capture_output=True, text=True, timeout=60, check=True)
    copies = int(done.stdout)
    assert copies > 5
    after = finished(tmp_path / str(copies - 1))
    assert after != before
    seen = [finished(tmp_path / str(number)) for number in range(copies)]
    assert [found for found in seen if found not in (before, after)] == []
    for number, found in enumerate(seen):
        if found == before:
            assert finished(tmp_path / str(number), commit_steps.ACTIONS[action]) == after


def finished(folder: Path, action: Callable[[Journal], None] | None = None) -> State:
    journal = commit_steps.opened(folder)
    assert journal.recovery is None
    if action is not None:
        action(journal)
    found = state(journal)
    journal.close()
    return found


def test_a_spine_killed_again_and_again_loses_nothing_and_tells_nothing_twice(tmp_path: Path) -> None:
    random = Random(20)
    trouble: list[Step] = [
        Answer(500),
        Answer(429, {"Retry-After": "0"}),
        CutResponse(),
        CutRequest(),
        TlsFailure(),
        CutResponse(),
    ]
    with Endpoint() as endpoint:
        for _ in range(8):
            endpoint.play(*(step for each in random.sample(trouble, 6) for step in (each, Answer(), Answer())))
            with spine(endpoint, tmp_path, "churn") as running:
                wanted = len(endpoint.requests) + 3
                until(lambda wanted=wanted: len(endpoint.requests) >= wanted)  # type: ignore[misc]
                threading.Event().wait(random.uniform(0.0, 0.1))
                running.kill()
                assert running.wait(10) == -signal.SIGKILL
        with spine(endpoint, tmp_path, "settle") as running:
            until(lambda: endpoint.events and not endpoint.open_subjects and drained(endpoint, tmp_path), every_s=0.25)
            running.send_signal(signal.SIGTERM)
            assert running.wait(15) == 0

        taken = [event for events in endpoint.batches.values() for event in events]
        assert [event["metadata"]["sequence"] for event in taken] == list(range(1, len(taken) + 1))
        links = ["0" * 64, *(digest(canonical(event)) for event in taken)]
        assert [event["unmapped"]["chain"]["previous"] for event in taken] == links[:-1]
        assert endpoint.open_subjects == set()
        assert len(taken) > 50


@contextlib.contextmanager
def spine(endpoint: Endpoint, folder: Path, mode: str) -> Iterator[subprocess.Popen[bytes]]:
    arguments = [str(folder), endpoint.url, str(endpoint.ca_file(folder)), mode]
    with subprocess.Popen([sys.executable, "-m", "tests.sim.spine", *arguments], cwd=ROOT, env=ENVIRONMENT) as running:
        try:
            yield running
        finally:
            running.kill()


def drained(endpoint: Endpoint, folder: Path) -> bool:
    journal = Journal(folder / "journal.db", time.time)
    last = journal.counters().last_sequence
    journal.close()
    return last == max(int(event["metadata"]["sequence"]) for event in endpoint.events)


def until(condition: Callable[[], object], every_s: float = 0.02) -> None:
    deadline = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < deadline, "it did not come to pass"
        threading.Event().wait(every_s)
