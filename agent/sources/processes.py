"""The process table as a source: everything that runs now, and what ran since the last look.

Where the system tells of programs as they start, a look reads only what was told of, and the sweep of the whole table is the
reconciliation; where it doesn't, every look is a sweep.
"""

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from agent.core.artifact import Artifact, Unhashed
from agent.core.observation import Coverage, CoverageState, Process, ProcessLook, Scope, as_noticed
from agent.core.recognition.tree import Tree
from agent.core.superseded import Superseded
from agent.ports import ProcessTable, TableView
from agent.sources.artifacts import Artifacts
from agent.sources.flags import Flags
from agent.sources.launches import Launches, Sightings
from agent.sources.superseding import Superseding
from agent.sources.whereabouts import Whereabouts

_SCOPE = Scope("process")
RECONCILE_S = 30.0
"""Between two sweeps while events are told."""


@dataclass(frozen=True, slots=True)
class Readers:
    """What is made of processes besides: what clients were given, what servers are, and where clients have their things.

    `listens` returns the TCP addresses on which processes listen, by pid; `superseding` tells whose program is another one now.
    """

    flags: Flags
    artifacts: Artifacts
    whereabouts: Whereabouts
    listens: Callable[[Iterable[int]], Mapping[int, tuple[str, ...]]] = lambda _pids: {}
    superseding: Superseding | None = None


class ProcessSource:
    """Looks at the process table. `table` is None where another root is examined: what runs there cannot be seen.

    `interval_s` is the time until the next look: short after something happened, because what has started goes on to change.
    """

    name = "processes"

    def __init__(
        self,
        table: ProcessTable | None,
        interval_s: float = 5.0,
        launches: Launches | None = None,
        monotonic: Callable[[], float] = time.monotonic,
        readers: Readers | None = None,
    ) -> None:
        self.interval_s = interval_s
        self._busy_s = interval_s
        self._table, self._launches, self._monotonic = table, launches, monotonic
        self._readers = readers
        self._sweep_due: float | None = None
        self._listens: Mapping[tuple[int, float], tuple[str, ...]] = {}
        self._superseded: Mapping[tuple[int, float], Superseded] = {}

    def look(self) -> Sequence[ProcessLook]:
        """Return every process that could be seen, and whether that is all of them."""
        if self._table is None:
            problem = "another root is examined: the processes of that machine cannot be seen from here"
            return [ProcessLook(coverage=(Coverage(_SCOPE, CoverageState.SKIPPED, problem),))]
        if self._launches is None:
            view = self._table.snapshot()
            return [self._whole(ProcessLook(processes=view.processes, coverage=(_coverage(view),)), swept=True)]
        look, swept = self._told(self._table, self._launches)
        return [self._whole(look, swept=swept)]

    def watched(self) -> Sequence[str]:
        """No file tells of a process."""
        return ()

    def _whole(self, look: ProcessLook, *, swept: bool) -> ProcessLook:
        """Add what takes reading files. After an event there is no time for that; a sweep follows soon."""
        everything = (*look.processes, *look.ended)
        if self._readers is None:
            return look
        given = self._readers.flags.given(everything)
        self._readers.whereabouts.note(everything)
        artifacts = self._readers.artifacts.of(everything, read=swept)
        if swept:
            servers = tuple(Tree.of(everything).whole(artifacts))  # what a server starts can open a door for it
            found = self._readers.listens([process.pid for process in servers])
            self._listens = {one.identity: found[one.pid] for one in servers if one.pid in found}
            if self._readers.superseding is not None:
                self._superseded = self._readers.superseding.among(everything, artifacts)
        listens, superseded = self._listens, self._superseded
        artifacts = {one: _what_runs(found, superseded.get(one)) for one, found in artifacts.items()}
        return replace(look, given=given, artifacts=artifacts, listens=listens, superseded=superseded)

    def _told(self, table: ProcessTable, launches: Launches) -> tuple[ProcessLook, bool]:
        seen, now, deaf = launches.take(), self._monotonic(), not launches.how
        sweeps = deaf or not seen or seen.lost or self._sweep_due is None or now >= self._sweep_due
        if sweeps:
            if seen.processes:  # the table keeps what was executed; it may have got another title since
                table.update(seen.processes.values(), ())
            view = table.snapshot()
            self._sweep_due = now + max(self._busy_s, RECONCILE_S)
        else:
            view = table.update(seen.processes.values(), seen.ended)
        launches.follow(seen, view.processes, whole=sweeps)
        self.interval_s = self._busy_s if seen or deaf else max(self._busy_s, RECONCILE_S)
        processes = as_noticed(view.processes, seen.processes.values())
        look = ProcessLook(processes, ended=_ended(seen, view), coverage=(_coverage(view),))
        return look, sweeps


def _what_runs(artifact: Artifact, gone: Superseded | None) -> Artifact:
    """Return the artifact without the digest of a file that has taken the place of the one that runs."""
    if gone is None or not gone.unseen or gone.path not in (artifact.program, artifact.named):
        return artifact
    return replace(artifact, sha256=None, recorded=None, unhashed=Unhashed.SUPERSEDED)


def _ended(seen: Sightings, view: TableView) -> tuple[Process, ...]:
    alive = {process.identity for process in view.processes}
    return tuple(p for p in (*seen.replaced, *seen.processes.values()) if p.identity not in alive)


def _coverage(view: TableView) -> Coverage:
    if not view.hidden and view.problem is None:
        return Coverage(_SCOPE, CoverageState.COMPLETE)
    problem = view.problem or f"the command lines of {view.hidden} processes could not be read"
    return Coverage(_SCOPE, CoverageState.UNREADABLE, f"{problem}; MCP servers of other users may be among them")
