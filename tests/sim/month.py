"""A device over weeks of simulated time: findings come and go, the network too, the agent is killed, answers get lost.

Real journal, real events, real delivery; only the clock, the watched machine and the central endpoint are simulated. `verify`
holds what the endpoint has against the truth: every sequence is there or declared, the chain holds, what is open is open.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

from agent.app.telling import Teller
from agent.core.canonical import canonical, digest
from agent.core.deviation import Findings, Key
from agent.core.documents import CheckDocument, DeviceRow, PolicyRow, StatusDocument, SummaryRow
from agent.core.event import Circumstances, finding_events, finding_uid
from agent.core.ledger import Change
from agent.ports import JSON, Accepted, Batch, Outcome, RetryLater
from agent.runtime.backoff import Backoff
from agent.runtime.budgets import Budgets
from agent.runtime.delivery import Delivery
from agent.store.journal import Journal, Retention, retention_within
from tests.sim.clock import ManualClock
from tests.sim.deviations import KINDS, deviation

DAY_S = 86_400.0
STEP_S = 300.0
DEVICE = DeviceRow("device-1", "laptop-7", "linux", "Debian 12", "0.1.0", "/")
SUBJECTS = tuple(f"server-{number}" for number in range(40))
_POLICY = PolicyRow("effective", (), exclusive=False, locked=True, allow=(), deny=(), client_version=None, digest="one")

Online = Callable[[float], bool]
"""Says whether there is a network, by the time since the start in seconds."""


def office_hours(at: float) -> bool:
    """Nine to five on weekdays, with the first day a Monday."""
    return (at // DAY_S) % 7 < 5 and 9 <= at % DAY_S / 3_600 < 17


def never(_at: float) -> bool:
    return False


@dataclass
class Central:
    """Takes batches once by their id, fails now and then, and loses an answer now and then after it has taken the batch."""

    random: Random
    name: str = "https"
    online: bool = True
    troubled: bool = True
    ids: set[str] = field(default_factory=set)
    events: dict[tuple[str, int], JSON] = field(default_factory=dict)
    bytes_taken: int = 0

    def send(self, batch: Batch) -> Outcome:
        if not self.online:
            return RetryLater("there is no network")
        if self.troubled and self.random.random() < 0.1:
            return RetryLater("503", self.random.choice([None, 30.0]))
        self.ids.add(batch.id)
        for event in batch.events:
            key = (event["unmapped"]["chain"]["journal"], event["metadata"]["sequence"])
            assert self.events.setdefault(key, event) == event, "one sequence, two events"
            self.bytes_taken += len(canonical(event))
        if self.troubled and self.random.random() < 0.1:
            return RetryLater("the answer was lost")
        return Accepted()

    def probe(self) -> str | None:
        return None

    def abort(self) -> None:
        """Nothing lasts here."""

    def close(self) -> None:
        """Nothing is open here."""


@dataclass
class Month:
    """`churn` is how many subjects change on average per hour; `kills` how often per day the agent dies."""

    folder: Path
    days: float
    online: Online = office_hours
    churn: float = 0.5
    kills: float = 1.0
    max_bytes: int = retention_within(50_000_000).outbox_max_bytes
    seed: int = 1
    peak_bytes: int = 0
    changes: int = 0
    restarts: int = 0

    def __post_init__(self) -> None:
        self.random = Random(self.seed)
        self.clock = ManualClock()
        self.central = Central(self.random)
        self.present: set[str] = set()
        self._began = self.clock.monotonic()
        self._start()

    def _start(self) -> None:
        retention = Retention(outbox_max_bytes=self.max_bytes)
        self.journal = Journal(self.folder / "journal.db", self.clock.now, device=DEVICE.id, retention=retention)
        self.journal.use_sinks([self.central.name])
        backoff = Backoff(self.random, 1.0, 3_600.0)
        self.delivery = Delivery(self.central, self.journal, self.clock, backoff, Budgets())
        self.teller = Teller(DEVICE, self.journal, self.clock, 3_600.0, self.random, dict)
        self.teller.started()

    def run(self) -> None:
        """Live through the days."""
        for step in range(int(self.days * DAY_S / STEP_S)):
            self.clock.pass_s(STEP_S)
            self.central.online = self.online(self.clock.monotonic() - self._began)
            self._live()
            if step % 48 == 0:
                self.peak_bytes = max(self.peak_bytes, self.disk_bytes())

    def settle(self) -> None:
        """Bring the network back for good and deliver what waits."""
        self.central.online, self.central.troubled = True, False
        while (wait := self.delivery.step()) is not None:
            self.clock.pass_s(wait)

    def disk_bytes(self) -> int:
        """Return what the journal takes on the disk, with its log."""
        return sum(path.stat().st_size for path in self.folder.iterdir())

    def close(self) -> None:
        self.journal.close()

    def _live(self) -> None:
        if self.random.random() < self.churn * STEP_S / 3_600:
            self.present ^= {self.random.choice(SUBJECTS)}
        found = {item.key: item for item in (deviation(subject) for subject in self.present)}
        self.changes += len(self.journal.commit(Findings(present=found, looked=KINDS), self.clock.now(), _encode))
        self.teller.look(_status(self.present))
        self.teller.heartbeat(_status(self.present))
        while self.delivery.step() == 0.0:
            pass
        if self.random.random() < self.kills * STEP_S / DAY_S:
            self.journal.close()  # no more than the system does at kill -9
            self.restarts += 1
            self._start()

    def verify(self) -> dict[str, int]:
        """Hold what the endpoint has against the truth; return what was dropped, by reason, folded ones left out."""
        dropped = {k: n for k, n in self.journal.counters().dropped.items() if k != "folded"}
        by_journal: dict[str, dict[int, JSON]] = {}
        for (journal, sequence), event in self.central.events.items():
            by_journal.setdefault(journal, {})[sequence] = event
        (events,) = by_journal.values()
        declared = {n for e in events.values() for a, b in e["unmapped"].get("folded", ()) for n in range(a, b + 1)}
        missing = set(range(1, self.journal.counters().last_sequence + 1)) - events.keys() - declared
        assert len(missing) <= sum(dropped.values()), f"undeclared gaps: {sorted(missing)[:10]}"
        for sequence, event in events.items():
            if sequence - 1 in events:
                assert event["unmapped"]["chain"]["previous"] == digest(canonical(events[sequence - 1]))
        if not dropped:
            assert _open(events) == {finding_uid(DEVICE.id, Key(deviation(s).key.control, s)) for s in self.present}
        return dropped


def _encode(change: Change) -> tuple[JSON, ...]:
    return finding_events(DEVICE, change, Circumstances("one"))


def _status(present: set[str]) -> StatusDocument:
    summary = SummaryRow("deviating" if present else "compliant", {"deviations": len(present)}, "So it stands.")
    return StatusDocument(1.0, 300.0, 0.0, 1, CheckDocument(DEVICE, _POLICY, (), (), (), (), (), summary))


def _open(events: dict[int, dict[str, Any]]) -> set[str]:
    opened: set[str] = set()
    for _, event in sorted(events.items()):
        if event["class_uid"] != 2003:
            continue
        uid = event["finding_info"]["uid"]
        if event["activity_id"] == 1:
            assert uid not in opened, "opened twice"
            opened.add(uid)
        elif event["activity_id"] == 3:
            opened.remove(uid)
    return opened
