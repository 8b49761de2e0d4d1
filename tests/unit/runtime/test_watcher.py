import threading
from collections.abc import Sequence

import pytest

from agent.core.observation import Look, ManagedLook
from agent.runtime.budgets import Budgets
from agent.runtime.clock import SystemClock
from agent.runtime.mailbox import Mailbox
from agent.runtime.watcher import Watcher


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
