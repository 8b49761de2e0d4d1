"""The process tree, safe against tables that lie: reused parent ids, missing parents, cycles."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

from agent.core.observation import Process

_CLOCK_SLACK_S = 1.0


@dataclass(frozen=True, slots=True)
class Tree:
    """Parents and children by pid. A process that claims a parent younger than itself has none."""

    by_pid: dict[int, Process]
    children: dict[int, list[Process]]
    roots: tuple[Process, ...]

    @classmethod
    def of(cls, processes: Sequence[Process]) -> "Tree":
        """Build the tree; of two entries with one pid the later started counts."""
        by_pid: dict[int, Process] = {}
        for process in processes:
            known = by_pid.get(process.pid)
            if known is None or process.create_time >= known.create_time:
                by_pid[process.pid] = process
        children: dict[int, list[Process]] = {}
        roots: list[Process] = []
        for process in by_pid.values():
            parent = _parent(process, by_pid)
            (roots if parent is None else children.setdefault(parent.pid, [])).append(process)
        return cls(by_pid, children, (*roots, *_cut_cycles(by_pid, children, roots)))

    def parent(self, process: Process) -> Process | None:
        """Return the process that started `process`, if it is still there."""
        return _parent(process, self.by_pid)

    def below(self, process: Process) -> Sequence[Process]:
        """Return the children, in the order of the table."""
        return self.children.get(process.pid, ())

    def whole(self, tops: Collection[tuple[int, float]]) -> Iterator[Process]:
        """Yield the processes of these identities and everything below them, each once."""
        stack, seen = [process for process in self.by_pid.values() if process.identity in tops], set[int]()
        while stack:
            process = stack.pop()
            if process.pid not in seen:
                seen.add(process.pid)
                yield process
                stack += self.below(process)


def _parent(process: Process, by_pid: dict[int, Process]) -> Process | None:
    if process.ppid is None or process.ppid == process.pid:
        return None
    parent = by_pid.get(process.ppid)
    if parent is None or parent.create_time > process.create_time + _CLOCK_SLACK_S:
        return None
    return parent


def _cut_cycles(
    by_pid: dict[int, Process],
    children: dict[int, list[Process]],
    roots: Sequence[Process],
) -> Iterator[Process]:
    """Yield one process of each cycle as a root; whoever walks the tree must not visit twice."""
    reached: set[int] = set()

    def reach(start: Process) -> None:
        stack = [start]
        while stack:
            process = stack.pop()
            if process.pid not in reached:
                reached.add(process.pid)
                stack += children.get(process.pid, ())

    for root in roots:
        reach(root)
    for process in by_pid.values():
        if process.pid not in reached:
            yield process
            reach(process)
