from collections.abc import Callable, Sequence
from dataclasses import dataclass

from agent.core.deviation import Findings
from agent.core.ledger import Change, ChangeKind, Record
from agent.core.observation import ConfigLook, ManagedLook, Process, ProcessLook
from agent.core.place import User
from agent.core.world import World
from agent.ports import JSON, StoreError
from agent.runtime.budgets import Budgets
from agent.runtime.mailbox import Mailbox
from agent.runtime.pipeline import Pipeline, Stages
from tests.sim.clock import ManualClock
from tests.sim.deviations import deviation, encode

CHANGE = Change(ChangeKind.OPENED, Record(deviation("a"), 1.0, 1.0), 1.0)


@dataclass
class Judged:
    world: World
    findings: Findings


class Bench:
    """A pipeline whose journal is full for as long as `full` is set."""

    def __init__(self) -> None:
        self.full = False
        self.commits: list[float] = []
        self.announced: list[Sequence[Change]] = []
        self.published: list[tuple[Judged, str | None]] = []
        stages = Stages(
            assess=lambda world: Judged(world, Findings()),
            encode=encode,
            announce=self.announced.append,
            publish=lambda judged, problem: self.published.append((judged, problem)),
        )
        self.pipeline = Pipeline(Mailbox(30.0), self, ManualClock(), stages, Budgets())

    def commit(self, findings: Findings, at: float, encode: Callable[[Change], Sequence[JSON]]) -> tuple[Change, ...]:
        assert isinstance(findings, Findings)
        assert encode(CHANGE)
        if self.full:
            raise StoreError("the disk is full")
        self.commits.append(at)
        return (CHANGE,)

    @property
    def world(self) -> World:
        return self.published[-1][0].world


def process(pid: int) -> Process:
    return Process(pid, 1.0, 1, "node")


def test_looks_of_several_sources_make_one_world_one_judgement_and_one_commit() -> None:
    bench = Bench()
    ann = ConfigLook(User("ann", "/home/ann"))
    bench.pipeline.step({"configs": [ann], "managed": [ManagedLook("/etc")], "processes": [ProcessLook()]})
    assert bench.world == World((ann,), ManagedLook("/etc"), ProcessLook())
    assert bench.commits == [ManualClock().now()]
    assert bench.announced == [(CHANGE,)]


def test_a_source_that_has_not_looked_again_keeps_its_last_look() -> None:
    bench = Bench()
    bench.pipeline.step({"managed": [ManagedLook("/etc")]})
    bench.pipeline.step({"processes": [ProcessLook()]})
    assert bench.world.managed == ManagedLook("/etc")


def test_nothing_new_is_neither_judged_nor_committed() -> None:
    bench = Bench()
    bench.pipeline.step({})
    assert (bench.commits, bench.published) == ([], [])


def test_a_journal_that_cannot_store_is_published_as_a_problem_and_tried_again() -> None:
    bench = Bench()
    bench.full = True
    bench.pipeline.step({"managed": [ManagedLook("/etc")]})
    assert (bench.published[-1][1], bench.pipeline.problem) == ("the disk is full", "the disk is full")
    assert bench.announced == []
    bench.full = False
    bench.pipeline.step({})
    assert (bench.published[-1][1], bench.pipeline.problem) == (None, None)
    assert bench.announced == [(CHANGE,)]


def test_a_process_that_ended_while_the_journal_could_not_store_is_not_forgotten() -> None:
    bench = Bench()
    bench.full = True
    bench.pipeline.step({"processes": [ProcessLook((process(1), process(2)))]})
    bench.full = False
    bench.pipeline.step({"managed": [ManagedLook("/etc")], "processes": [ProcessLook((process(1),))]})
    assert bench.world.processes == ProcessLook((process(1),), ended=(process(2),))


def test_a_process_that_ended_after_its_commit_is_not_carried_on() -> None:
    bench = Bench()
    bench.pipeline.step({"processes": [ProcessLook((process(1),))]})
    bench.pipeline.step({"managed": [ManagedLook("/etc")], "processes": [ProcessLook()]})
    assert bench.world.processes == ProcessLook()
