import threading
from collections.abc import Sequence

import pytest

from agent.core.observation import Look, ManagedLook
from agent.runtime.budgets import Budgets
from agent.runtime.clock import SystemClock
from agent.runtime.mailbox import Mailbox
from agent.runtime.watcher import Watcher
from tests.sim.clock import ManualClock


class Source:
    name = "managed"
    interval_s = 3_600.0

    def __init__(self, *, broken: bool = False) -> None:
        self.looks = 0
        self.looked = threading.Semaphore(0)
        self._broken = broken

    def look(self) -> Sequence[Look]:
        if self._broken:
            raise ZeroDivisionError
        self.looks += 1
        self.looked.release()
        return [ManagedLook(f"/{self.looks}")]

    def watched(self) -> Sequence[str]:
        return ()


def beat() -> None:
    """Nobody listens."""


def test_it_looks_at_the_start_and_whenever_it_is_woken() -> None:
    source, box, stop = Source(), Mailbox(30.0), threading.Event()
    watcher = Watcher(source, box, SystemClock(), Budgets(look_gap_min_s=0.0, look_gap_factor=0.0))
    thread = threading.Thread(target=watcher.run, args=(stop, beat))
    thread.start()
    for _ in range(3):
        assert source.looked.acquire(timeout=10)
        watcher.wake()
    stop.set()
    watcher.wake()
    thread.join(10)
    [look] = box.take(0, beat)["managed"]
    assert isinstance(look, ManagedLook)
    assert look.folder == f"/{source.looks}"


def test_it_looks_again_when_the_interval_is_over_though_nobody_wakes_it() -> None:
    source, stop = Source(), threading.Event()
    source.interval_s = 0.001
    thread = threading.Thread(target=Watcher(source, Mailbox(30.0), SystemClock(), Budgets()).run, args=(stop, beat))
    thread.start()
    assert all(source.looked.acquire(timeout=10) for _ in range(3))
    stop.set()
    thread.join(10)


def test_the_interval_is_as_long_as_patience_says_and_a_wake_ends_it_in_any_case() -> None:
    source, stop, asked = Source(), threading.Event(), list[float]()
    source.interval_s = 0.001

    def patience(seconds: float) -> float:
        asked.append(seconds)
        return 3_600.0

    budgets = Budgets(look_gap_min_s=0.0, look_gap_factor=0.0)
    watcher = Watcher(source, Mailbox(30.0), SystemClock(), budgets, patience=patience)
    thread = threading.Thread(target=watcher.run, args=(stop, beat))
    thread.start()
    assert source.looked.acquire(timeout=10)
    assert not source.looked.acquire(timeout=0.2)
    watcher.wake()
    assert source.looked.acquire(timeout=10)
    stop.set()
    watcher.wake()
    thread.join(10)
    assert set(asked) == {0.001}


class Ending(threading.Event):
    """Set after so many waits, which it passes on the clock and remembers."""

    def __init__(self, clock: ManualClock, waits: int) -> None:
        super().__init__()
        self.clock, self.left, self.waits = clock, waits, list[float]()

    def wait(self, timeout: float | None = None) -> bool:
        assert timeout is not None
        self.waits.append(round(timeout, 6))
        self.clock.pass_s(timeout)
        if len(self.waits) == self.left:
            self.set()
        return self.is_set()


@pytest.mark.parametrize(("ahead_s", "looks_at_s"), [(0.0, [0, 40, 80, 120]), (0.04, [0, 0, 40, 80, 120])])
def test_after_a_quiet_while_two_looks_follow_at_once_and_no_more_on_the_whole(
    ahead_s: float, looks_at_s: list[int]
) -> None:
    clock, looks = ManualClock(), list[int]()
    source = Source()
    budgets = Budgets(look_gap_min_s=0.04, look_ahead_s=ahead_s)
    watcher = Watcher(source, Mailbox(30.0), clock, budgets)
    began = clock.monotonic()

    def look() -> Sequence[Look]:
        looks.append(round((clock.monotonic() - began) * 1000))
        watcher.wake()
        return [ManagedLook("/")]

    source.look = look  # type: ignore[method-assign]
    watcher.run(Ending(clock, 4), beat)
    assert looks[: len(looks_at_s)] == looks_at_s


def test_an_exception_from_a_source_is_a_crash_of_its_worker() -> None:
    watcher = Watcher(Source(broken=True), Mailbox(30.0), SystemClock(), Budgets())
    with pytest.raises(ZeroDivisionError):
        watcher.run(threading.Event(), beat)


def test_whoever_watches_for_a_source_hears_when_it_wants_to_watch_something_else() -> None:
    source, stop, moves = Source(), threading.Event(), list[int]()
    source.interval_s = 0.001
    wishes: list[Sequence[str]] = [["a"], ["b"]]
    source.watched = lambda: wishes[source.looks > 2]  # type: ignore[method-assign]
    budgets = Budgets(look_gap_min_s=0.0, look_gap_factor=0.0)
    watcher = Watcher(source, Mailbox(30.0), SystemClock(), budgets, lambda: moves.append(source.looks))
    thread = threading.Thread(target=watcher.run, args=(stop, beat))
    thread.start()
    assert all(source.looked.acquire(timeout=10) for _ in range(5))
    stop.set()
    watcher.wake()
    thread.join(10)
    assert moves == [1, 3]


def test_rests_that_a_beat_cut_short_do_not_add_up() -> None:
    clock, looks = ManualClock(), list[int]()
    source = Source()
    budgets = Budgets(look_gap_min_s=100, look_ahead_s=100, look_gap_factor=0, beat_every_s=30)
    watcher = Watcher(source, Mailbox(30.0), clock, budgets)
    began = clock.monotonic()

    def look() -> Sequence[Look]:
        looks.append(round(clock.monotonic() - began))
        if looks[-1] == 120:  # then it is quiet for a while
            clock.pass_s(300)
        watcher.wake()
        return [ManagedLook("/")]

    source.look = look  # type: ignore[method-assign]
    watcher.run(Ending(clock, 5), beat)
    assert looks == [0, 0, 30, 60, 90, 120, 420]
