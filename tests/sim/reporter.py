"""A device that reports: the agent's real journal, filled by the agent's own encoders, and the envelope of each batch."""

import gzip
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from agent.core.canonical import canonical
from agent.core.deviation import Findings
from agent.core.documents import DeviceRow, ServerRow
from agent.core.event import Circumstances, finding_events
from agent.core.event_device import heartbeat_event, inventory_events, policy_event, policy_facts, whole
from agent.core.ledger import Change
from agent.ports import JSON, Batch
from agent.store.journal import Journal
from central.core.envelope import Envelope, hashed
from tests.sim import statuses

SINK = "https"
NOW = 1_764_000_000.0


class Reporter:
    """`name` is part of its id. Times are Unix seconds; everything happens at `self.now`."""

    def __init__(self, folder: Path, name: str = "1", *, hostname: str = "laptop-7", agent: str = "0.1.0") -> None:
        self.id = f"00000000-0000-4000-8000-{name:0>12}"
        self.credential = f"credential-of-{name}-{'x' * 32}"
        self.now = NOW
        self.device = DeviceRow(self.id, hostname, "linux", "Debian 12", agent, "/")
        self.path = folder / f"{name}.sqlite"
        self.journal = Journal(self.path, lambda: self.now, device=self.id)
        self.journal.use_sinks([SINK])
        self._inventory: dict[str, str] = {}
        self._policy: dict[str, Any] | None = None

    def beats(
        self,
        state: Any = "compliant",  # noqa: ANN401
        *,
        digest: str = "d1",
        dropped: Mapping[str, int] | None = None,
        why: str = "",
        restate: float | None = None,
    ) -> None:
        """Queue a sign of life; one that says all that holds where the endpoint asked for that by the time `restate`."""
        status = statuses.status(state)
        if why:
            status = replace(status, check=replace(status.check, summary=replace(status.check.summary, why=why)))
        policy = replace(statuses.POLICY, digest=digest)
        status = replace(status, check=replace(status.check, device=self.device, policy=policy))

        def encode(counted: Mapping[str, int], folded: Sequence[tuple[int, int]]) -> JSON:
            holds = whole(self.id, self.journal.open_deviations(), self._inventory, asked=restate) if restate else None
            return heartbeat_event(status, at=self.now, dropped=dropped or counted, folded=folded, whole=holds)

        self.journal.beat(encode, self.now)

    def finds(self, found: Findings) -> tuple[Change, ...]:
        """Queue what a look that found `found` tells."""
        return self.journal.commit(found, self.now, self._encode)

    def has(self, *servers: ServerRow) -> None:
        """Queue what changed in the inventory."""
        self._inventory, events = inventory_events(self.device, self._inventory, servers, at=self.now)
        self.journal.append(events, self.now)

    def obeys(self, *allow: str, digest: str, **more: Any) -> None:  # noqa: ANN401
        """Queue a policy that allows these entries, and nothing else; `more` are other facts of it."""
        facts = {**policy_facts(replace(statuses.POLICY, digest=digest)), "allow": sorted(allow)} | more
        event = policy_event(self.device, self._policy, facts, at=self.now)
        self._policy = facts
        self.journal.append([event] if event else [], self.now)

    def batch(self, most: int = 500) -> Batch:
        """Return the next batch that waits."""
        batch = self.journal.pending(SINK, most, 1 << 20)
        assert batch is not None
        self.journal.claim(SINK, batch)
        return batch

    def taken(self, batch: Batch) -> None:
        """Hear that the batch was acknowledged."""
        self.journal.acknowledge(SINK, batch)

    def sends(self, most: int = 500) -> Envelope:
        """Return everything of the next batch in its envelope, and count it as acknowledged."""
        batch = self.batch(most)
        self.taken(batch)
        return self.envelope(batch)

    def envelope(self, batch: Batch) -> Envelope:
        """Return `batch` as it is sent."""
        lines = [canonical(event).encode() for event in batch.events]
        return self.sealed(lines, batch.id)

    def sealed(self, lines: Sequence[bytes], batch: str | None = None) -> Envelope:
        """Return any lines as a batch of this device."""
        body = gzip.compress(b"\n".join(lines) + b"\n", mtime=0)
        name = batch or hashlib.sha256(body).hexdigest()[:32]
        return Envelope(device=self.id, batch=name, body=body, encoding="gzip", credential=hashed(self.credential))

    def _encode(self, change: Change) -> Sequence[JSON]:
        return finding_events(self.device, change, Circumstances("d1"))
