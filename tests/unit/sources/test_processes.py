"""The process table as a source."""

from collections.abc import Collection

from agent.core.observation import CoverageState, Process
from agent.ports import TableView
from agent.sources.processes import ProcessSource

ONE = Process(1, 1.0, 0, "init", command=("init",))


class _Table:
    def __init__(self, view: TableView) -> None:
        self.view = view

    def snapshot(self) -> TableView:
        return self.view

    def update(self, seen: Collection[Process], gone: Collection[int]) -> TableView:
        raise NotImplementedError


def test_a_whole_table_is_a_complete_look() -> None:
    (look,) = ProcessSource(_Table(TableView((ONE,)))).look()
    assert look.processes == (ONE,)
    assert [row.state for row in look.coverage] == [CoverageState.COMPLETE]


def test_hidden_processes_make_the_look_inconclusive_and_say_how_many() -> None:
    (look,) = ProcessSource(_Table(TableView((ONE,), hidden=7, problem=None))).look()
    assert look.coverage[0].state is CoverageState.UNREADABLE
    assert "7 processes" in (look.coverage[0].problem or "")
    (look,) = ProcessSource(_Table(TableView((ONE,), problem="the system hides processes"))).look()
    assert not look.coverage[0].state.conclusive


def test_another_root_has_no_processes_and_says_so() -> None:
    (look,) = ProcessSource(None).look()
    assert (look.processes, look.coverage[0].state) == ((), CoverageState.SKIPPED)
    assert look.coverage[0].problem
