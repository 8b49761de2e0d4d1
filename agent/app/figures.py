"""The figures that the status shows beside the judgement: what is open, what waits for whom, what was given up.

A journal that cannot be read now gives empty figures; that it cannot is a health condition of its own.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from agent.core.documents import DeliveryRow
from agent.core.ledger import Record
from agent.ports import StoreError
from agent.runtime.delivery import Delivery
from agent.sources.hints import HintsHealth
from agent.sources.launches import Launches
from agent.store.journal import Journal


@dataclass(frozen=True)
class Figures:
    """Any thread may ask."""

    journal: Journal
    deliveries: Sequence[Delivery]
    launches: Launches
    watches: Callable[[], HintsHealth] = HintsHealth

    def opened(self) -> tuple[Record, ...]:
        """Return every open deviation."""
        try:
            return self.journal.open_deviations()
        except StoreError:
            return ()

    def delivery(self) -> tuple[DeliveryRow, ...]:
        """Return how each destination does."""
        try:
            waiting = {name: backlog.waiting for name, backlog in self.journal.counters().sinks.items()}
        except StoreError:
            waiting = {}
        rows = [delivery.health() for delivery in self.deliveries]
        return tuple(DeliveryRow(r.sink, waiting.get(r.sink, 0), r.last_accepted_at, r.problem) for r in rows)

    def dropped(self) -> Mapping[str, int]:
        """Return how many events were given up, by reason."""
        try:
            return self.journal.counters().dropped
        except StoreError:
            return {}

    def counters(self) -> dict[str, int]:
        """Return what was counted since the start, and how many folders are watched now, or should be and are not."""
        counts, watches = self.launches.counts, self.watches()
        return {
            "launches": counts.started,
            "launches_missed": counts.missed,
            "launches_unjudged": counts.unjudged,
            "launch_overruns": counts.overruns,
            "folders_watched": watches.watched,
            "folders_unwatched": watches.unwatched,
        }
