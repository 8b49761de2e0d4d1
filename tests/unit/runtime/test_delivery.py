import threading
from collections import deque

import pytest

from agent.ports import Accepted, Batch, Outcome, Refused, RetryLater, StoreError, TooLarge
from agent.runtime.backoff import Backoff
from agent.runtime.budgets import Budgets
from agent.runtime.delivery import Delivery
from tests.sim.batches import batch_of
from tests.sim.clock import ManualClock, MostRandom
from tests.sim.deviations import heartbeat


class Bench:
    """An outbox of `events` numbers and a sink that answers as `script` says, in one object, so that it knows both sides."""

    name = "central"

    def __init__(self, events: int, *script: Outcome) -> None:
        self.waiting = deque(range(1, events + 1))
        self.script = deque(script)
        self.sent: list[tuple[int, int]] = []
        self.aside: list[tuple[int, str]] = []
        self.claimed = 0
        self.alert = False
        self.full = False
        self.clock = ManualClock()
        self.aborted = 0
        backoff = Backoff(MostRandom(), 1.0, 3_600.0)
        self.delivery = Delivery(self, self, self.clock, backoff, Budgets(batch_max_events=8))

    def abort(self) -> None:
        self.aborted += 1

    def probe(self) -> str | None:
        return None

    def close(self) -> None:
        """Nothing is open here."""

    def send(self, batch: Batch) -> Outcome:
        assert self.claimed == batch.last_sequence
        self.sent.append((batch.first_sequence, batch.last_sequence))
        return self.script.popleft() if self.script else Accepted()

    def pending(self, sink: str, max_events: int, max_bytes: int) -> Batch | None:
        assert (sink, max_bytes) == (self.name, Budgets().batch_max_bytes)
        if self.full:
            raise StoreError("the disk is full")
        numbers = [n for n in self.waiting if n <= self.claimed] or list(self.waiting)[:max_events]
        return batch_of("x", numbers[0], numbers[-1], tuple(map(heartbeat, numbers))) if numbers else None

    def urgent(self, sink: str) -> bool:
        assert sink == self.name
        return self.alert

    def claim(self, sink: str, batch: Batch) -> None:
        assert sink == self.name
        self.claimed = batch.last_sequence

    def release(self, sink: str) -> None:
        assert sink == self.name
        self.claimed = 0

    def acknowledge(self, sink: str, batch: Batch) -> None:
        assert sink == self.name
        self.waiting = deque(n for n in self.waiting if n > batch.last_sequence)

    def set_aside(self, sink: str, batch: Batch, reason: str) -> None:
        self.aside += [(n, reason) for n in self.waiting if n <= batch.last_sequence]
        self.acknowledge(sink, batch)

    def steps(self, count: int) -> list[float | None]:
        """Take steps, letting the time pass that each asks for."""
        waits = []
        for _ in range(count):
            waits.append(self.delivery.step())
            self.clock.pass_s(waits[-1] or 0.0)
        return waits


def test_with_nothing_to_tell_it_waits_until_it_is_woken() -> None:
    assert Bench(0).steps(1) == [None]


def test_an_alert_goes_at_once() -> None:
    bench = Bench(1)
    bench.alert = True
    assert bench.steps(2) == [0.0, None]
    assert bench.sent == [(1, 1)]


def test_what_is_no_alert_waits_a_moment_for_company_and_goes_in_one_batch() -> None:
    bench = Bench(1)
    assert bench.delivery.step() == 3.0
    bench.clock.pass_s(2.0)
    bench.waiting.append(2)
    assert bench.delivery.step() == 1.0
    bench.clock.pass_s(1.0)
    assert bench.steps(2) == [0.0, None]
    assert bench.sent == [(1, 2)]


def test_on_battery_what_is_no_alert_waits_longer_and_an_alert_still_goes_at_once() -> None:
    bench = Bench(1)
    bench.delivery.patience = lambda seconds: 100 * seconds
    assert bench.steps(3) == [3.0, 0.0, None], "the first word of all does not wait"
    bench.waiting.append(2)
    assert bench.delivery.step() == 300.0
    bench.clock.pass_s(299.0)
    assert bench.delivery.step() == 1.0
    bench.alert = True
    assert bench.delivery.step() == 0.0
    assert bench.sent == [(1, 1), (2, 2)]


def test_an_alert_takes_along_what_was_waiting_for_company() -> None:
    bench = Bench(3)
    assert bench.delivery.step() == 3.0
    bench.alert = True
    assert bench.delivery.step() == 0.0
    assert bench.sent == [(1, 3)]


def test_full_batches_do_not_wait_and_a_backlog_goes_batch_by_batch() -> None:
    bench = Bench(20)
    assert bench.steps(5) == [0.0, 0.0, 3.0, 0.0, None]
    assert bench.sent == [(1, 8), (9, 16), (17, 20)]


def test_what_cannot_be_taken_now_is_sent_again_as_the_same_batch_after_growing_delays() -> None:
    bench = Bench(8, RetryLater("down"), RetryLater("down"), RetryLater("down"))
    bench.alert = True
    assert bench.delivery.step() == 2.0
    bench.waiting.append(9)
    assert bench.delivery.health().problem == "down"
    bench.clock.pass_s(2.0)
    assert bench.steps(3) == [4.0, 8.0, 0.0]
    assert bench.sent == [(1, 8)] * 4
    health = bench.delivery.health()
    assert (health.failures, health.problem, health.retry_in_s) == (0, None, 0.0)
    assert health.last_accepted_at == bench.clock.now()


def test_waking_it_does_not_shorten_a_delay() -> None:
    bench = Bench(1, RetryLater("busy", after_s=30.0))
    bench.alert = True
    assert bench.delivery.step() == 32.0
    bench.clock.pass_s(10.0)
    bench.delivery.wake()
    assert bench.delivery.step() == 22.0
    assert bench.delivery.health().retry_in_s == 22.0
    assert len(bench.sent) == 1


def test_a_clock_that_jumps_changes_no_delay() -> None:
    bench = Bench(1, RetryLater("busy", after_s=30.0))
    bench.alert = True
    bench.delivery.step()
    bench.clock.wall -= 1e9
    assert bench.delivery.step() == 32.0


def test_a_batch_that_is_too_large_is_halved_until_it_fits_and_the_size_recovers() -> None:
    bench = Bench(20, TooLarge("413"), TooLarge("413"))
    bench.steps(7)
    assert bench.sent == [(1, 8), (1, 4), (1, 2), (3, 6), (7, 14), (15, 20)]
    assert bench.aside == []


def test_a_single_event_that_is_too_large_is_set_aside_and_what_follows_goes_on() -> None:
    bench = Bench(2, TooLarge("413"), TooLarge("413"))
    bench.alert = True
    bench.steps(4)
    assert bench.aside == [(1, "413")]
    assert bench.sent == [(1, 2), (1, 1), (2, 2)]


def test_a_refused_batch_is_set_aside_and_what_follows_goes_on_after_a_pause() -> None:
    bench = Bench(9, Refused("401"))
    bench.alert = True
    assert bench.steps(2) == [2.0, 0.0]
    assert bench.aside == [(n, "401") for n in range(1, 9)]
    assert bench.sent == [(1, 8), (9, 9)]


def test_a_journal_that_cannot_be_used_is_a_problem_and_tried_again() -> None:
    bench = Bench(8)
    bench.full = True
    assert bench.delivery.step() == 2.0
    assert bench.delivery.health().problem == "the disk is full"
    bench.full = False
    bench.clock.pass_s(2.0)
    assert bench.delivery.step() == 0.0
    assert bench.delivery.health().problem is None


def ended(bench: Bench) -> None:
    stop = threading.Event()
    stop.set()
    bench.delivery.run(stop, lambda: None)


def test_at_the_end_it_carries_away_what_waits_without_lingering() -> None:
    bench = Bench(11)
    ended(bench)
    assert bench.sent == [(1, 8), (9, 11)]


@pytest.mark.parametrize("outcome", [RetryLater("no network"), Refused("401")])
def test_at_the_end_it_tries_once_and_leaves_the_rest_to_the_next_start(outcome: Outcome) -> None:
    bench = Bench(11, outcome)
    ended(bench)
    assert bench.sent == [(1, 8)]
    assert bench.claimed == 8 or bench.aside


def test_at_the_end_it_asks_no_destination_that_fails_already() -> None:
    bench = Bench(8, RetryLater("no network"))
    bench.delivery.step()
    ended(bench)
    assert bench.sent == [(1, 8)]


def test_a_journal_that_cannot_be_read_at_the_end_keeps_nothing_from_ending() -> None:
    bench = Bench(8)
    bench.full = True
    ended(bench)
    assert bench.sent == []


def test_giving_up_ends_an_attempt_in_flight() -> None:
    bench = Bench(8)
    bench.delivery.wake()
    assert bench.aborted == 0
    bench.delivery.give_up()
    assert bench.aborted == 1


def test_what_waits_from_an_earlier_run_goes_out_within_the_spread_and_an_alert_at_once() -> None:
    bench = Bench(3)
    bench.delivery.hold_s = 40.0
    assert bench.delivery.step() == 40.0
    assert bench.sent == []
    bench.alert = True
    assert bench.delivery.step() == 0.0
    assert bench.sent == [(1, 3)]
