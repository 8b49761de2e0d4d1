"""Invariants of the outbox, whatever the destinations answer and whenever the daemon is restarted.

Every event is delivered once, waits, is set aside, or was dropped and counted; to each destination the first deliveries go in
order; one destination never changes what another gets; a batch that is repeated has the same id.
"""

import tempfile
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from agent.ports import Accepted, Batch, Outcome, Refused, RetryLater, TooLarge
from agent.runtime.backoff import Backoff
from agent.runtime.budgets import Budgets
from agent.runtime.delivery import Delivery
from agent.store.journal import Journal, Retention
from tests.sim.clock import ManualClock, MostRandom
from tests.sim.deviations import encode, findings, heartbeat

SINKS = ("central", "file")
outcomes = st.sampled_from([Accepted(), Accepted(), RetryLater("later"), TooLarge("413"), Refused("401")])
actions = st.one_of(
    st.tuples(st.just("beats"), st.integers(1, 6)),
    st.tuples(st.just("finding"), st.integers(0, 3)),
    st.tuples(st.sampled_from(SINKS), outcomes),
    st.tuples(st.just("restart"), st.none()),
    st.tuples(st.just("try again"), st.sampled_from(SINKS)),
)


class Destination:
    """Answers what it was told to, and keeps what it took by batch id, as the real endpoint does."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.answer: Outcome = Accepted()
        self.taken: list[int] = []
        self.ids: dict[str, tuple[int, int]] = {}

    def send(self, batch: Batch) -> Outcome:
        assert self.ids.setdefault(batch.id, (batch.first_sequence, batch.last_sequence))[1] == batch.last_sequence
        if isinstance(self.answer, Accepted):
            self.taken += [event["metadata"]["sequence"] for event in batch.events]
        return self.answer

    def probe(self) -> str | None:
        return None

    def abort(self) -> None:
        """Nothing lasts here."""

    def close(self) -> None:
        """Nothing is open here."""


class Device:
    def __init__(self, folder: str, max_bytes: int) -> None:
        self.path = Path(folder) / "journal.db"
        self.retention = Retention(outbox_max_bytes=max_bytes)
        self.clock = ManualClock()
        self.destinations = {name: Destination(name) for name in SINKS}
        self.start()

    def start(self) -> None:
        self.journal = Journal(self.path, self.clock.now, device="device-1", retention=self.retention)
        self.journal.use_sinks(SINKS)
        budgets, backoff = Budgets(batch_max_events=4, linger_s=0.0), Backoff(MostRandom(), 1.0, 60.0)
        self.deliveries = {
            name: Delivery(sink, self.journal, self.clock, backoff, budgets) for name, sink in self.destinations.items()
        }

    def act(self, action: str, what: object) -> None:
        if action == "beats":
            assert isinstance(what, int)
            self.journal.append([heartbeat(number, "x" * 50) for number in range(what)], self.clock.now())
        elif action == "finding":
            self.journal.commit(findings([str(what)]), self.clock.now(), encode)
        elif action == "restart":
            self.journal.close()
            self.start()
        elif action == "try again":
            self.journal.try_again(str(what))
        else:
            assert isinstance(what, Accepted | RetryLater | TooLarge | Refused)
            self.destinations[action].answer = what
            self.clock.pass_s(60.0)
            self.deliveries[action].step()

    def drain(self) -> None:
        for name, delivery in self.deliveries.items():
            self.destinations[name].answer = Accepted()
            self.journal.try_again(name)
            while (wait := delivery.step()) is not None:
                self.clock.pass_s(wait)


@settings(max_examples=40)
@given(st.lists(actions, max_size=25))
def test_every_event_reaches_every_destination_once_or_is_set_aside(script: list[tuple[str, object]]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        device = Device(folder, 50_000_000)
        for action, what in script:
            device.act(action, what)
        device.drain()
        counters = device.journal.counters()
        for name, destination in device.destinations.items():
            assert len(set(destination.taken)) == len(destination.taken)
            apart = counters.sinks[name].set_aside
            assert len(destination.taken) + apart == counters.last_sequence
            assert counters.sinks[name].waiting == 0
        device.journal.close()


@settings(max_examples=40)
@given(st.lists(actions.filter(lambda a: not isinstance(a[1], Refused | TooLarge)), max_size=25))
def test_a_destination_that_refuses_nothing_gets_everything_in_order(script: list[tuple[str, object]]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        device = Device(folder, 50_000_000)
        for action, what in script:
            device.act(action, what)
        device.drain()
        last = device.journal.counters().last_sequence
        assert all(d.taken == list(range(1, last + 1)) for d in device.destinations.values())
        device.journal.close()


@settings(max_examples=40)
@given(st.lists(actions, max_size=25))
def test_the_bound_holds_and_every_drop_is_counted(script: list[tuple[str, object]]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        device = Device(folder, 2_500)
        device.journal.use_sinks(["central"])
        for action, what in script:
            if action in ("beats", "finding"):
                device.act(action, what)
                counters = device.journal.counters()
                assert counters.bytes <= 2_500
                assert counters.events + sum(counters.dropped.values()) == counters.last_sequence
        device.journal.close()
