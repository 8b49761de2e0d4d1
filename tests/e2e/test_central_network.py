"""The network fails between a device and two copies of the central endpoint on one PostgreSQL, at bytes that are chosen.

The device is the agent's own journal and sink. What it could not be told it sends again, to whichever copy is next: each event
that was acknowledged is there once, none is lost, and the device comes to the end of what it has to say.
"""

import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import trustme
from sqlalchemy import select

from agent.ports import Accepted, RetryLater
from agent.runtime.clock import SystemClock
from agent.sinks.https import HttpsLimits, HttpsSink, HttpsTarget
from central.store.engine import engine_of, reading
from central.store.schema import deviations, events
from tests.sim.deviations import findings
from tests.sim.postgres import Cluster, throwaway
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
    ca_file: Path | None = None
    acknowledged: list[int] = field(default_factory=list)
    told: list[object] = field(default_factory=list)
    said: int = 0

    def reports(self) -> Passed:
        """Have something to say, and say it, on a connection of its own; return what its last try took."""
        self.said += 1
        self.device.finds(findings([f"{self.said}"]))
        proof = self.device.credential
        target = HttpsTarget(url=self.wire.url, device_id=self.device.id, token=proof, ca_file=self.ca_file)
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

    def fails(self, fault: Fault) -> None:
        """Report while this befalls the network."""
        self.wire.fails(fault)
        self.reports()
        assert self.wire.met

    def has_said_all(self) -> None:
        """Find that each event was acknowledged, and is there once."""
        assert self.device.journal.pending(SINK, 1, 1 << 20) is None
        assert {type(outcome) for outcome in self.told} == {Accepted, RetryLater}
        assert sorted(self.acknowledged) == list(range(1, len(self.acknowledged) + 1))
        assert self._stored() == sorted(self.acknowledged)

    def _stored(self) -> list[int]:
        engine = engine_of(self.database)
        with reading(engine) as connection:
            found = select(events.c.sequence).where(events.c.device == self.device.id).order_by(events.c.sequence)
            held = list(connection.execute(found).scalars())
            noticed = select(deviations.c.control).where(deviations.c.source == "central")
            assert list(connection.execute(noticed).scalars()) == [], "no gap, no broken chain, no second writer"
        engine.dispose()
        return held


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    with throwaway() as running:
        yield running


@contextmanager
def started(one: Served, two: Served) -> Iterator[tuple[Served, Served]]:
    """Give two copies that run; whatever befell the network, neither has a word to say about it."""
    try:
        one.start()
        two.start()
        yield one, two
    finally:
        one.stop()
        two.stop()
    assert one.log + two.log == ""


@pytest.fixture(scope="module")
def copies(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Served, Served]]:
    folder, database = tmp_path_factory.mktemp("copies"), cluster.fresh("central")
    with started(Served(folder / "one", database), Served(folder / "two", database)) as both:
        yield both


@contextmanager
def joined(copies: tuple[Served, Served], folder: Path, ca_file: Path | None = None) -> Iterator[Network]:
    """Give a device that the copies let in, and the wire to them."""
    device = Reporter(folder, f"{zlib.crc32(str(folder).encode())}")
    copies[0].admits(device)
    with Wire([copy.port for copy in copies], tls=ca_file is not None) as wire:
        yield Network(copies[0].database or "", device, wire, ca_file)
    device.journal.close()


@pytest.mark.parametrize("how", How)
@pytest.mark.parametrize("way", Way)
def test_every_acknowledged_event_is_there_once_wherever_the_network_fails(
    copies: tuple[Served, Served], tmp_path: Path, way: Way, how: How
) -> None:
    with joined(copies, tmp_path) as network:
        network.reports()
        whole = network.reports().of(way)
        for part in PARTS[way]:
            network.fails(Fault(way, None if part is None else int(whole * part), how))
        network.has_said_all()


def test_so_it_is_within_tls(cluster: Cluster, tmp_path: Path) -> None:
    authority, database = trustme.CA(), cluster.fresh("within_tls")
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    authority.issue_cert("127.0.0.1").private_key_and_cert_chain_pem.write_to_path(str(tmp_path / "own.pem"))
    settings = [f'tls_{kind}_file = "{tmp_path}/own.pem"' for kind in ("certificate", "key")]
    copies = [Served(tmp_path / name, database, settings, str(tmp_path / "ca.pem")) for name in ("one", "two")]
    with started(*copies) as both, joined(both, tmp_path, tmp_path / "ca.pem") as network:
        network.reports()
        whole = network.reports()
        for way in Way:
            for part in (0.0, 0.1, 0.5, 0.9):
                network.fails(Fault(way, int(whole.of(way) * part), How.RESET))
        network.has_said_all()
