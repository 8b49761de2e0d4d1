"""What is looked at now and then: the agent's own health, the age of the status, the sign of life."""

import contextlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from agent.app.asked import AskedLook
from agent.app.audience import ServiceManager
from agent.app.listening import Listening
from agent.app.remembering import Remembering
from agent.app.telling import Teller
from agent.ports import StoreError
from agent.runtime.delivery import Delivery
from agent.runtime.supervisor import WorkerHealth
from agent.sources.hints import Hints
from agent.status.health import Health
from agent.status.publisher import Publisher
from agent.store.anchor import drop
from agent.store.journal import Journal
from agent.store.outbox import FOLDED, Counters


@dataclass(eq=False)
class Tending:
    """`tampered` says what showed at the start that the journal was changed by somebody else; None: nothing did."""

    health: Health
    journal: Journal
    deliveries: Sequence[Delivery]
    workers: Callable[[], Sequence[WorkerHealth]]
    hints: Hints
    listening: Listening
    remembering: Remembering
    tampered: str | None
    state: Path
    publisher: Publisher
    teller: Teller
    manager: ServiceManager
    asked: AskedLook

    def tick(self) -> None:
        """Look once."""
        self._look_at_health()
        self.publisher.refresh()
        document = self.publisher.last
        if document is not None:
            self.teller.health(document.health)
            self.teller.heartbeat(document, asked=self.asked.came(document.written_at))
            self.manager.says(document.check.summary.why)

    def _look_at_health(self) -> None:
        hold = self.health.hold
        crashed = [f"{worker.name} ({worker.last_crash})" for worker in self.workers() if worker.restarts]
        hold("worker.restarted", ", ".join(crashed) or None)
        problems = [f"{row.sink}: {row.problem}" for d in self.deliveries if (row := d.health()).problem]
        hold("delivery.failing", ", ".join(problems) or None)
        missing = self.hints.health.unwatched
        hold("watch.limited", f"{missing} folders are not watched" if missing else None)
        launches = self.listening.launches
        hold("launches.unnoticed", launches.problem)
        hold("launches.hindered", launches.hindered)
        hold("writers.unnoticed", self.listening.writing.problem)
        overruns = launches.counts.overruns
        hold("launches.lost", f"{overruns} times since the agent started" if overruns else None)
        unjudged = launches.counts.unjudged
        hold("launches.missed", f"{unjudged} since the agent started" if unjudged else None)
        hold("memory.lost", self.remembering.problem)
        hold("journal.tampered", self.tampered)
        with contextlib.suppress(OSError):  # the journal's own condition tells of a full disk
            drop(self.state, self.journal.path)
        recovery = self.journal.recovery
        hold("journal.replaced", f"{recovery.reason}, kept as {recovery.kept_as}" if recovery else None)
        with contextlib.suppress(StoreError):
            self._look_at_outbox(self.journal.counters())

    def _look_at_outbox(self, counters: Counters) -> None:
        lost = [f"{number} {reason}" for reason, number in counters.dropped.items() if number and reason != FOLDED]
        self.health.hold("delivery.dropped", ", ".join(lost) or None)
        apart = [
            f"{name}: {row.set_aside} ({row.set_aside_reason})" for name, row in counters.sinks.items() if row.set_aside
        ]
        self.health.hold("delivery.refused", ", ".join(apart) or None)
