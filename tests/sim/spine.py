"""A program for tests to kill: the daemon's whole spine over a source that makes up deviations as fast as it can.

`python -m tests.sim.spine FOLDER URL CA_FILE churn|settle`: `churn` opens and closes deviations at random, `settle` lets all of
them close. SIGTERM ends it in order, with status 0.
"""

import json
import signal
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random

from agent.core.deviation import Findings
from agent.core.observation import Look, ManagedLook
from agent.core.world import World
from agent.runtime.backoff import Backoff
from agent.runtime.budgets import Budgets
from agent.runtime.clock import SystemClock
from agent.runtime.delivery import Delivery
from agent.runtime.mailbox import Mailbox
from agent.runtime.pipeline import Pipeline, Stages
from agent.runtime.supervisor import End, Supervisor
from agent.runtime.watcher import Watcher
from agent.sinks.https import HttpsLimits, HttpsSink, HttpsTarget
from agent.store.journal import Journal
from tests.sim.deviations import encode, findings

SUBJECTS = tuple("abcdef")


class Churn:
    """Every look sees another part of the subjects; `settled` sees none."""

    name = "churn"
    interval_s = 0.002

    def __init__(self, *, settled: bool) -> None:
        self._random = Random()
        self._settled = settled

    def look(self) -> Sequence[Look]:
        seen = [] if self._settled else [s for s in SUBJECTS if self._random.random() < 0.5]
        return [ManagedLook(json.dumps(seen))]

    def watched(self) -> Sequence[str]:
        return ()


@dataclass
class Judged:
    findings: Findings


def assess(world: World) -> Judged:
    assert world.managed is not None
    return Judged(findings(json.loads(world.managed.folder)))


def main(folder: str, url: str, ca_file: str, mode: str) -> int:
    clock, random, budgets = SystemClock(), Random(), Budgets(linger_s=0.01, batch_max_events=20)
    journal = Journal(Path(folder) / "journal.db", clock.now, device="device-1")
    journal.use_sinks(["https"])
    sink = HttpsSink(
        HttpsTarget(url=url, ca_file=Path(ca_file), device_id="device-1"), clock, HttpsLimits(read_s=1.0, total_s=2.0)
    )
    delivery = Delivery(sink, journal, clock, Backoff(random, 0.005, 0.05), budgets)
    journal.subscribe(delivery.wake)
    mailbox = Mailbox(budgets.beat_every_s)
    stages = Stages(assess, encode, lambda _: None, lambda *_: None)
    pipeline = Pipeline(mailbox, journal, clock, stages, budgets)
    watcher = Watcher(Churn(settled=mode == "settle"), mailbox, clock, budgets)
    supervisor = Supervisor([watcher, pipeline], clock, Backoff(random, 0.01, 0.1), budgets, end=End((delivery,)))
    signal.signal(signal.SIGTERM, lambda *_: supervisor.stop())
    status = supervisor.run()
    sink.close()
    journal.close()
    return status


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
