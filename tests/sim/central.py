"""The central endpoint's database with devices in it, and a clock of the test's own."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from sqlalchemy import Engine, func, select

from central.core.envelope import Envelope, hashed
from central.core.receive import Taken
from central.core.refusal import Refusal
from central.store import enrolling, partitions
from central.store.engine import reading, writing
from central.store.schema import deviations, events, feed
from central.store.taking import Rules, take
from tests.sim.reporter import NOW, Reporter


@dataclass(eq=False)
class Receiver:
    """Takes batches at `now`, as the intake does."""

    engine: Engine
    rules: Rules = field(default_factory=Rules)
    now: float = NOW

    def __post_init__(self) -> None:
        with writing(self.engine) as connection:
            self.key = enrolling.new_key(connection, "first", "test", self.now)

    def admits(self, reporter: Reporter) -> enrolling.NotEnrolled | None:
        """Enrol a device with the organisation's key."""
        with writing(self.engine) as connection:
            return enrolling.enrol(
                connection, reporter.id, reporter.device.hostname, hashed(reporter.credential), self.key, self.now
            )

    def takes(self, *group: Envelope) -> list[Taken | Refusal]:
        """Take a group of batches in one transaction."""
        with writing(self.engine) as connection:
            partitions.prepare(connection, partitions.day_of(self.now))
            return take(connection, group, self.rules, self.now)

    def stored(self) -> Sequence[tuple[str, int]]:
        """Return (device, sequence) of every event that is kept."""
        with reading(self.engine) as connection:
            query = select(events.c.device, events.c.sequence).order_by(events.c.device, events.c.sequence)
            return [(row.device, row.sequence) for row in connection.execute(query)]

    def open(self) -> set[str]:
        """Return what the agents' open deviations are about."""
        with reading(self.engine) as connection:
            query = select(deviations.c.subject).where(deviations.c.closed_at.is_(None), deviations.c.source == "agent")
            return set(connection.execute(query).scalars())

    def fed(self) -> int:
        """Return how many rows the feed has."""
        with reading(self.engine) as connection:
            return connection.execute(select(func.count()).select_from(feed)).scalar() or 0
