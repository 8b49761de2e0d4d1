"""The process table as a source: one look at everything that runs now."""

from collections.abc import Sequence

from agent.core.observation import Coverage, CoverageState, ProcessLook, Scope
from agent.ports import ProcessTable, TableView

_SCOPE = Scope("process")


class ProcessSource:
    """Sweeps the process table. `table` is None where another root is examined: what runs there cannot be seen."""

    name = "processes"

    def __init__(self, table: ProcessTable | None, interval_s: float = 5.0) -> None:
        self.interval_s = interval_s
        self._table = table

    def look(self) -> Sequence[ProcessLook]:
        """Return every process that could be seen, and whether that is all of them."""
        if self._table is None:
            problem = "another root is examined: the processes of that machine cannot be seen from here"
            return [ProcessLook(coverage=(Coverage(_SCOPE, CoverageState.SKIPPED, problem),))]
        view = self._table.snapshot()
        return [ProcessLook(processes=view.processes, coverage=(_coverage(view),))]

    def watched(self) -> Sequence[str]:
        """No file tells of a process; only the timer does."""
        return ()


def _coverage(view: TableView) -> Coverage:
    if not view.hidden and view.problem is None:
        return Coverage(_SCOPE, CoverageState.COMPLETE)
    problem = view.problem or f"the command lines of {view.hidden} processes could not be read"
    return Coverage(_SCOPE, CoverageState.UNREADABLE, f"{problem}; MCP servers of other users may be among them")
