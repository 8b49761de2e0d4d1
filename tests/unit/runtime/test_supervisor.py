import logging
import threading
from collections.abc import Callable
from random import Random

import pytest

from agent.runtime.backoff import Backoff
from agent.runtime.budgets import Budgets
from agent.runtime.clock import SystemClock
from agent.runtime.supervisor import EXIT_FAILED, EXIT_STOPPED, End, Supervisor
from agent.runtime.waiting import Beat, WakeBit

AT_ONCE = Backoff(Random(1), base_s=0.0, cap_s=0.0)
SECRET = "sk-canary-7f3a"


class Steady:
    """Waits until the end, and says when it runs."""

    def __init__(self, name: str = "steady") -> None:
        self.name = name
        self.runs = threading.Semaphore(0)
        self._bit = WakeBit()

    def run(self, stop: threading.Event, beat: Beat) -> None:
        self.runs.release()
        while not stop.is_set():
            self._bit.wait(None, beat, 30.0)

    def wake(self) -> None:
        self._bit.set()


class Crashing(Steady):
    """Crashes `times` times, then is steady."""

    def __init__(self, times: int, name: str = "crashing") -> None:
        super().__init__(name)
        self.left = times

    def run(self, stop: threading.Event, beat: Beat) -> None:
        if self.left:
            self.left -= 1
            self.runs.release()
            raise RuntimeError(SECRET)
        super().run(stop, beat)


class Deaf(Steady):
    """Does not end when it is told to; `release` ends the thread after the test."""

    def __init__(self) -> None:
        super().__init__("deaf")
        self.release = threading.Event()

    def run(self, stop: threading.Event, beat: Beat) -> None:
        del stop, beat
        self.runs.release()
        self.release.wait(20)


def supervisor(*workers: Steady, budgets: Budgets | None = None, feed: Callable[[], None] = lambda: None) -> Supervisor:
    return Supervisor(workers, SystemClock(), AT_ONCE, budgets or Budgets(), feed)


def running(it: Supervisor) -> tuple[threading.Thread, list[int]]:
    status: list[int] = []
    thread = threading.Thread(target=lambda: status.append(it.run()))
    thread.start()
    return thread, status


def test_it_runs_every_worker_and_ends_them_in_order_when_stopped() -> None:
    one, two = Steady("one"), Steady("two")
    it = supervisor(one, two)
    thread, status = running(it)
    assert one.runs.acquire(timeout=10)
    assert two.runs.acquire(timeout=10)
    assert [(w.name, w.alive, w.restarts) for w in it.health()] == [("one", True, 0), ("two", True, 0)]
    it.stop()
    it.stop()
    thread.join(10)
    assert status == [EXIT_STOPPED]
    assert not any(w.alive for w in it.health())


def test_a_stop_before_the_start_ends_it_at_once() -> None:
    it = supervisor(Steady())
    it.stop()
    assert it.run() == EXIT_STOPPED


def test_a_crashed_worker_is_logged_by_name_without_the_message_and_started_again(
    caplog: pytest.LogCaptureFixture,
) -> None:
    worker = Crashing(2)
    it = supervisor(worker)
    thread, status = running(it)
    assert all(worker.runs.acquire(timeout=10) for _ in range(3))
    [health] = it.health()
    assert (health.alive, health.restarts, health.last_crash) == (True, 2, "RuntimeError")
    it.stop()
    thread.join(10)
    assert status == [EXIT_STOPPED]
    assert "worker crashing crashed: RuntimeError at test_supervisor.py" in caplog.text
    assert SECRET not in caplog.text


def test_the_fifth_crash_in_the_window_ends_everything_with_a_failure(caplog: pytest.LogCaptureFixture) -> None:
    other = Steady()
    it = supervisor(Crashing(2, "one"), Crashing(99, "two"), other)
    thread, status = running(it)
    thread.join(10)
    assert status == [EXIT_FAILED]
    assert "5 crashes within 600 s; ending the process" in caplog.text
    assert not any(w.alive for w in it.health())


def test_crashes_that_are_far_apart_do_not_end_the_process() -> None:
    worker = Crashing(8)
    it = supervisor(worker, budgets=Budgets(crash_window_s=0.0))  # each is out of the window at once
    thread, status = running(it)
    assert all(worker.runs.acquire(timeout=10) for _ in range(9))
    it.stop()
    thread.join(10)
    assert status == [EXIT_STOPPED]


def test_a_worker_that_returns_before_it_was_told_to_has_crashed(caplog: pytest.LogCaptureFixture) -> None:
    worker = Deaf()
    worker.release.set()
    assert supervisor(worker).run() == EXIT_FAILED
    assert "worker deaf ended by itself" in caplog.text


def test_a_worker_that_does_not_end_is_named_and_does_not_hold_up_the_end(caplog: pytest.LogCaptureFixture) -> None:
    deaf, steady = Deaf(), Steady()
    it = supervisor(deaf, steady, budgets=Budgets(shutdown_s=0.05))
    it.stop()
    assert it.run() == EXIT_FAILED
    assert "did not end within 0 s: deaf" in caplog.text
    assert [w.name for w in it.health() if w.alive] == ["deaf"]
    deaf.release.set()


def test_a_worker_that_hangs_ends_the_process(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.CRITICAL)
    deaf = Deaf()
    fed: list[int] = []
    budgets = Budgets(shutdown_s=0.05, supervise_every_s=0.02, hung_after_s=0.2)
    assert supervisor(deaf, budgets=budgets, feed=lambda: fed.append(1)).run() == EXIT_FAILED
    assert "worker deaf has hung" in caplog.text
    assert fed
    deaf.release.set()


def test_the_watchdog_is_not_fed_while_a_worker_waits_for_its_restart() -> None:
    fed: list[int] = []
    backoff = Backoff(Random(1), base_s=1e6, cap_s=1e6)
    worker = Crashing(1)
    it = Supervisor([worker], SystemClock(), backoff, Budgets(supervise_every_s=0.01), lambda: fed.append(1))
    thread, _ = running(it)
    assert worker.runs.acquire(timeout=10)
    while not it.health()[0].restarts:
        threading.Event().wait(0.005)
    before = len(fed)
    threading.Event().wait(0.1)
    it.stop()
    thread.join(10)
    assert len(fed) == before


def test_two_workers_of_one_name_are_refused() -> None:
    with pytest.raises(ValueError, match="same name"):
        supervisor(Steady(), Steady())


class Carrying(Steady):
    """A courier that after the stop still waits for an answer, until it is told to give up."""

    def __init__(self, said: list[str]) -> None:
        super().__init__("courier")
        self.said = said
        self.given_up = threading.Event()

    def run(self, stop: threading.Event, beat: Beat) -> None:
        super().run(stop, beat)
        self.said.append("told to end")
        assert self.given_up.wait(10)
        self.said.append("gave up")

    def give_up(self) -> None:
        self.given_up.set()


def test_couriers_end_last_after_the_farewell_and_are_told_to_give_up_when_their_time_is_over() -> None:
    said: list[str] = []

    class Working(Steady):
        def run(self, stop: threading.Event, beat: Beat) -> None:
            super().run(stop, beat)
            said.append("worked")

    courier, worker = Carrying(said), Working()
    end = End((courier,), lambda status: said.append(f"farewell {status}"))
    it = Supervisor([worker], SystemClock(), AT_ONCE, Budgets(flush_s=0.05), end=end)
    thread, status = running(it)
    assert worker.runs.acquire(timeout=10)
    assert courier.runs.acquire(timeout=10)
    it.stop()
    thread.join(10)
    assert status == [EXIT_STOPPED]
    assert said == ["worked", "farewell 0", "told to end", "gave up"]
