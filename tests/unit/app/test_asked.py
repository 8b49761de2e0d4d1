"""A look that the endpoint asked for: done once, and told when every source has looked since and all was judged."""

import threading
from collections.abc import Sequence
from dataclasses import dataclass, field

from agent.app.asked import AskedLook
from agent.core.observation import Look
from agent.runtime.budgets import Budgets
from agent.runtime.mailbox import Mailbox
from agent.runtime.watcher import Watcher
from tests.sim.clock import ManualClock


@dataclass(eq=False)
class _Source:
    name: str
    interval_s: float = 3_600.0
    looks: int = field(default=0, init=False)
    looked: threading.Event = field(default_factory=threading.Event, init=False)

    def look(self) -> Sequence[Look]:
        self.looks += 1
        self.looked.set()
        return ()

    def watched(self) -> Sequence[str]:
        return ()


def scene() -> tuple[AskedLook, list[Watcher], ManualClock]:
    clock = ManualClock()
    watchers = [Watcher(_Source(name), Mailbox(1.0), clock, Budgets()) for name in ("configs", "processes")]
    return AskedLook(clock, watchers), watchers, clock


def test_it_has_come_when_every_source_has_looked_since_and_that_was_judged() -> None:
    asked, watchers, clock = scene()
    for watcher in watchers:
        watcher.looked_at = clock.now()
    clock.pass_s(10)
    asked.ask(500.0)
    assert not asked.came(clock.now()), "nobody has looked since"
    clock.pass_s(1)
    watchers[0].looked_at = clock.now()
    assert not asked.came(clock.now()), "one source has not looked since"
    watchers[1].looked_at = clock.now()
    assert not asked.came(clock.now() - 5), "what is judged is older"
    assert asked.came(clock.now())
    assert not asked.came(clock.now()), "it is told once"


def test_it_wakes_every_source_and_the_same_request_is_done_once() -> None:
    asked, watchers, clock = scene()
    stop = threading.Event()
    threads = [threading.Thread(target=watcher.run, args=(stop, lambda: None)) for watcher in watchers]
    for thread in threads:
        thread.start()
    sources = [watcher.source for watcher in watchers]
    assert all(isinstance(source, _Source) and source.looked.wait(10) for source in sources)
    for source in sources:
        assert isinstance(source, _Source)
        source.looked.clear()
    asked.ask(500.0)
    assert all(isinstance(source, _Source) and source.looked.wait(10) for source in sources)
    stop.set()
    for watcher in watchers:
        watcher.wake()
    for thread in threads:
        thread.join(10)
    assert asked.came(clock.now() + 1)
    asked.ask(500.0)
    assert not asked.came(clock.now() + 2), "the endpoint asks with every answer until it hears"


def test_the_answer_is_not_before_the_request_whichever_clock_is_right() -> None:
    asked, watchers, clock = scene()
    assert asked.looked_at() is None
    for watcher in watchers:
        watcher.looked_at = clock.now()
    before = asked.looked_at()
    assert before == clock.now()
    asked.ask(clock.now() + 1_000_000)
    assert asked.came(clock.now())
    assert asked.looked_at() == clock.now() + 1_000_000
