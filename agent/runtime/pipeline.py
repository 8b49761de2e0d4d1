"""The single writer: takes looks, keeps the world, judges all of it, commits what changed, and tells.

When the journal cannot store, nothing is lost: the world is kept, the reason is shown, and the commit is tried again.
"""

import logging
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Generic, Protocol, TypeVar

from agent.core.deviation import Findings
from agent.core.ledger import Change
from agent.core.observation import Look
from agent.core.world import World
from agent.ports import JSON, Clock, StoreError
from agent.runtime.budgets import Budgets
from agent.runtime.mailbox import Mailbox, merged
from agent.runtime.waiting import Beat

log = logging.getLogger(__name__)


class Assessment(Protocol):
    """What judging the world gives; the pipeline itself needs only the findings."""

    @property
    def findings(self) -> Findings:
        """What fails, and what could not be judged."""
        ...


class Ledger(Protocol):
    """The part of the journal that the pipeline writes."""

    def commit(self, findings: Findings, at: float, encode: Callable[[Change], Sequence[JSON]]) -> tuple[Change, ...]:
        """Commit what changed with the events that tell it, all or nothing; raise `StoreError` if that is not possible."""
        ...


A = TypeVar("A", bound=Assessment)


@dataclass(frozen=True)
class Stages(Generic[A]):
    """What the pipeline calls, in this order. None of them raises for what the machine does; if one does, it is a crash.

    `publish` gets the assessment and, while the journal cannot store, the sentence that says why.
    """

    assess: Callable[[World], A]
    encode: Callable[[Change], Sequence[JSON]]
    announce: Callable[[Sequence[Change]], None]
    publish: Callable[[A, str | None], None]


@dataclass(eq=False)
class Pipeline(Generic[A]):
    """The worker that decides. `problem` says why the last commit failed, None if it did not; any thread may read it."""

    mailbox: Mailbox
    ledger: Ledger
    clock: Clock
    stages: Stages[A]
    budgets: Budgets
    name: str = "pipeline"
    problem: str | None = field(default=None, init=False)
    world: World = field(default_factory=World, init=False)
    _uncommitted: bool = field(default=False, init=False)

    def wake(self) -> None:
        """Make a wait for looks return now."""
        self.mailbox.wake()

    def run(self, stop: threading.Event, beat: Beat) -> None:
        """Decide on every look until `stop` is set."""
        while not stop.is_set():
            slots = self.mailbox.take(self.budgets.commit_retry_s if self._uncommitted else None, beat)
            if not stop.is_set():
                self.step(slots)

    def step(self, slots: Mapping[str, Sequence[Look]]) -> None:
        """Carry `slots` into the world and, if there is anything new or left over, judge, commit and tell."""
        unread = (self.world.processes,) if self._uncommitted and self.world.processes else ()
        for looks in slots.values():
            self.world = self.world.updated(merged(unread, looks))
            self._uncommitted = True
        if not self._uncommitted:
            return
        assessment = self.stages.assess(self.world)
        try:
            changes = self.ledger.commit(assessment.findings, self.clock.now(), self.stages.encode)
        except StoreError as error:
            if self.problem is None:
                log.error("%s; trying again", error)  # noqa: TRY400 - the sentence is the whole story
            self.problem = str(error)
        else:
            if self.problem is not None:
                log.info("the journal stores again")
            self.problem, self._uncommitted = None, False
            self.stages.announce(changes)
        self.stages.publish(assessment, self.problem)
