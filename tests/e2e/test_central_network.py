"""The network fails between a device and two copies of the central endpoint on one PostgreSQL, at bytes that are chosen.

The device is the agent's own journal and sink. What it could not be told it sends again, to whichever copy is next: each event
that was acknowledged is there once, none is lost, and the device comes to the end of what it has to say.
"""

import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from sqlalchemy import select

from agent.ports import Accepted, RetryLater
from agent.runtime.clock import SystemClock
from agent.sinks.https import HttpsLimits, HttpsSink, HttpsTarget
from central.store.engine import engine_of, reading
from central.store.schema import deviations, events
from tests.sim.deviations import findings
from tests.sim.postgres import throwaway
from tests.sim.reporter import SINK, Reporter
from tests.sim.serving import Served
from tests.sim.wire import Fault, How, Passed, Way, Wire

pytestmark = pytest.mark.e2e

PATIENCE = HttpsLimits(connect_s=2.0, read_s=1.0, total_s=1.5)
"""How long the device waits for a network that says nothing."""

TRIES = 12
PARTS = {Way.REQUEST: (0.0, 0.1, 0.5, 0.9, None), Way.ANSWER: (0.0, 0.1, 0.5, 0.9, 1.0)}
"""Where it fails: before the first byte, in the headers, in the body, shortly before its end, right after it.

What the first byte of an answer tells is durable.
"""


@dataclass(eq=False)
class Network:
    """A device that is let in, the wire to two copies, and their database."""

    database: str
    device: Reporter
    wire: Wire
    acknowledged: list[int] = field(default_factory=list)
    told: list[object] = field(default_factory=list)
    said: int = 0

    def reports(self) -> Passed:
        """Have something to say, and say it, on a connection of its own; return what its last try took."""
        self.said += 1
        self.device.finds(findings([f"{self.said}"]))
        target = HttpsTarget(url=self.wire.url, device_id=self.device.id, token=self.device.credential)
        sink = HttpsSink(target, SystemClock(), PATIENCE)
        for _ in range(TRIES):
            batch = self.device.journal.pending(SINK, 100, 1 << 20)
            if batch is None:
                break
            self.device.journal.claim(SINK, batch)
            outcome = sink.send(batch)
            self.told.append(outcome)
            if isinstance(outcome, Accepted):
                self.acknowledged += [event["metadata"]["sequence"] for event in batch.events]
                self.device.taken(batch)
        sink.close()
        return self.wire.passed[-1]

    def stored(self) -> list[int]:
        engine = engine_of(self.database)
        with reading(engine) as connection:
            found = select(events.c.sequence).where(events.c.device == self.device.id).order_by(events.c.sequence)
            held = list(connection.execute(found).scalars())
            noticed = select(deviations.c.control).where(deviations.c.source == "central")
            assert list(connection.execute(noticed).scalars()) == [], "no gap, no broken chain, no second writer"
        engine.dispose()
        return held


@pytest.fixture(scope="module")
def copies(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Served, Served]]:
    folder = tmp_path_factory.mktemp("copies")
    with throwaway() as cluster:
        url = cluster.fresh("central")
        both = Served(folder / "one", url), Served(folder / "two", url)
        try:
            for copy in both:
                copy.start()
            yield both
        finally:
            for copy in both:
                copy.stop()


@pytest.fixture
def network(copies: tuple[Served, Served], tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Network]:
    device = Reporter(tmp_path, f"{zlib.crc32(request.node.name.encode())}")
    copies[0].admits(device)
    database = copies[0].database
    assert database is not None
    with Wire([copy.port for copy in copies]) as wire:
        yield Network(database, device, wire)
    device.journal.close()


@pytest.mark.parametrize("how", How)
@pytest.mark.parametrize("way", Way)
def test_every_acknowledged_event_is_there_once_wherever_the_network_fails(
    network: Network, way: Way, how: How
) -> None:
    network.reports()
    whole = network.reports().of(way)
    for part in PARTS[way]:
        network.wire.fails(Fault(way, None if part is None else int(whole * part), how))
        network.reports()
        assert network.wire.met
    assert network.device.journal.pending(SINK, 1, 1 << 20) is None, "the device said all that it had to say"
    assert {type(outcome) for outcome in network.told} == {Accepted, RetryLater}
    assert sorted(network.acknowledged) == list(range(1, len(network.acknowledged) + 1))
    assert network.stored() == sorted(network.acknowledged)
