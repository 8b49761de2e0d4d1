"""Two copies of the central endpoint on one PostgreSQL, and what befalls them under load: every acknowledged event is there once.

The devices are the agent's own journal and sink. A copy is killed, the database is restarted and crashes, and the way to it is
cut, each while reports are coming; what was not acknowledged comes again, to whichever copy answers.
"""

import signal
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import cycle
from pathlib import Path

import pytest
from sqlalchemy import func, select

from agent.ports import Accepted, Batch, RetryLater
from agent.runtime.clock import SystemClock
from agent.sinks.https import HttpsSink, HttpsTarget
from central.store.engine import engine_of, reading
from central.store.schema import deviations, events, feed
from tests.sim.deviations import findings
from tests.sim.postgres import Cluster, throwaway
from tests.sim.relay import Relay
from tests.sim.reporter import SINK, Reporter
from tests.sim.serving import Served

pytestmark = pytest.mark.e2e

DEVICES = 8
ROUNDS = 40
LONGEST_S = 150.0
SOCKET = ".s.PGSQL.5432"

Fault = Callable[["Scene"], None]


@dataclass(eq=False)
class Scene:
    """What runs, what was acknowledged so far, and what the devices were told."""

    cluster: Cluster
    relay: Relay
    copies: tuple[Served, Served]
    folder: Path
    acknowledged: list[tuple[str, int]] = field(default_factory=list)
    told: Counter[str] = field(default_factory=Counter)
    refused: list[object] = field(default_factory=list)

    def play(self, name: str) -> None:
        """Be one device until all that it has to say is acknowledged."""
        reporter = self.device(name)
        sinks = cycle([self.sink(reporter, copy) for copy in self.copies])
        deadline = time.monotonic() + LONGEST_S
        while (batch := reporter.journal.pending(SINK, 2, 1 << 20)) is not None and time.monotonic() < deadline:
            reporter.journal.claim(SINK, batch)
            self.settle(reporter, batch, next(sinks))
        reporter.journal.close()

    def settle(self, reporter: Reporter, batch: Batch, sink: HttpsSink) -> None:
        outcome = sink.send(batch)
        self.told[type(outcome).__name__] += 1
        if isinstance(outcome, Accepted):
            self.acknowledged += [(reporter.id, event["metadata"]["sequence"]) for event in batch.events]
            reporter.taken(batch)
        elif isinstance(outcome, RetryLater):
            time.sleep(0.05)
        else:
            self.refused.append(outcome)

    def device(self, name: str) -> Reporter:
        """A device that is let in and has much to say."""
        reporter = Reporter(self.folder, name)
        reporter.now = time.time()
        for number in range(ROUNDS):
            reporter.finds(findings([f"{number}", f"{number + 1}"]))
        self.copies[0].admits(reporter)
        return reporter

    def sink(self, reporter: Reporter, copy: Served) -> HttpsSink:
        target = HttpsTarget(url=f"{copy.url}/v1/events", device_id=reporter.id, token=reporter.credential)
        return HttpsSink(target, SystemClock())

    def after(self, number: int) -> None:
        """Wait until so many events were acknowledged."""
        deadline = time.monotonic() + LONGEST_S
        while len(self.acknowledged) < number and not self.refused:
            assert time.monotonic() < deadline, self.told
            time.sleep(0.01)


def killed(scene: Scene) -> None:
    scene.copies[0].stop(signal.SIGKILL)
    time.sleep(0.5)
    scene.copies[0].start()


def restarted(scene: Scene) -> None:
    scene.cluster.stop()
    time.sleep(0.5)
    scene.cluster.start()


def crashed(scene: Scene) -> None:
    scene.cluster.stop(signal.SIGQUIT)
    scene.cluster.start()


def cut(scene: Scene) -> None:
    for _ in range(5):  # that a commit is cut off from its answer takes some tries
        scene.relay.cut()
        time.sleep(0.1)
        scene.relay.mend()
        time.sleep(0.1)


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[Scene]:
    with throwaway() as cluster:
        wire = cluster.folder / "wire"
        wire.mkdir()
        with Relay(wire / SOCKET, cluster.folder / SOCKET) as relay:
            cluster.fresh("central")
            database = f"postgresql://postgres@/central?host={wire}"
            copies = Served(tmp_path / "one", database), Served(tmp_path / "two", database)
            try:
                for copy in copies:
                    copy.start()
                yield Scene(cluster, relay, copies, tmp_path)
            finally:
                for copy in copies:
                    copy.stop()


def test_every_acknowledged_event_is_there_once_whatever_befalls_copies_and_database(scene: Scene) -> None:
    devices = [threading.Thread(target=scene.play, args=(str(number),)) for number in range(DEVICES)]
    for device in devices:
        device.start()
    felt = {}
    for part, fault in enumerate((killed, restarted, crashed, cut), start=1):
        scene.after(part * DEVICES * ROUNDS // 3)
        before = scene.told["RetryLater"]
        fault(scene)
        felt[fault.__name__] = scene.told["RetryLater"] - before
    for device in devices:
        device.join()

    engine = engine_of(scene.cluster.url("central"))
    with reading(engine) as connection:
        stored = [tuple(row) for row in connection.execute(select(events.c.device, events.c.sequence))]
        alerts = connection.execute(select(func.count()).where(events.c.class_uid == 2004)).scalar()
        positions = connection.execute(select(feed.c.position).order_by(feed.c.position)).scalars().all()
        seen = connection.execute(select(deviations.c.control).where(deviations.c.source == "central")).scalars().all()
    engine.dispose()

    assert scene.refused == []
    assert all(felt.values()), felt
    assert len(scene.acknowledged) == len(set(scene.acknowledged)) == DEVICES * scene_size()
    assert sorted(stored) == sorted(scene.acknowledged)
    assert list(positions) == list(range(1, len(positions) + 1))
    assert len(positions) == alerts
    assert seen == [], "no gap, no broken chain, no second writer"


def scene_size() -> int:
    """How many events a device has to say: each round opens one deviation and closes one, and each is told and alerted."""
    return 2 * (2 + 2 * (ROUNDS - 1))
