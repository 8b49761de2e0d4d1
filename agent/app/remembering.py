"""What the agent remembers from one start to the next: of the managed files, and of the servers that ran."""

import logging
from dataclasses import dataclass, field
from pathlib import Path

from agent.app.looking import Known
from agent.core.baseline.trust import Memory
from agent.core.recognition import Before
from agent.core.recognition.recalling import Trace, traces
from agent.store import running, whereto
from agent.store.memory import MemoryLostError, load, save

log = logging.getLogger(__name__)


def known_before(state: Path) -> Known:
    """Return what the agent with that state folder knows; what cannot be read is as on a first start."""
    try:
        memory = load(state)
    except MemoryLostError as error:
        log.warning("%s", error)
        memory = Memory()
    return Known(memory, where_to=whereto.load(state), before=Before(traces=running.load(state)))


@dataclass(slots=True)
class RememberingServers:
    """The servers of the judgement before, and what is written of them when it has changed.

    A folder that cannot be written costs that what outlives its client is not known again after a start.
    """

    state: Path
    before: Before = field(init=False)
    _kept: tuple[Trace, ...] = field(default=(), init=False)

    def __post_init__(self) -> None:
        self._kept = running.load(self.state)
        self.before = Before(traces=self._kept)

    def keep(self) -> None:
        """Write what has changed since the last time; any thread may call."""
        before = self.before
        known = traces(before.running)
        if before.traces or known == self._kept:
            return
        try:
            running.save(self.state, known)
        except OSError:
            return
        self._kept = known


class Remembering:
    """The daemon's memory: loaded once, written when a judgement changed it. `problem` says what is wrong with it."""

    def __init__(self, state: Path) -> None:
        self._state = state
        self.problem: str | None = None
        try:
            self.memory = load(state)
        except MemoryLostError as error:
            self.memory, self.problem = Memory(), f"{error}; what the managed files were before is not known any more"

    def keep(self, memory: Memory) -> None:
        """Remember `memory` durably, if it is another one than before."""
        if memory == self.memory:
            return
        try:
            save(self._state, memory)
        except OSError as error:
            self.problem = f"the state folder cannot be written: {error.strerror}"
        else:
            self.memory = memory
