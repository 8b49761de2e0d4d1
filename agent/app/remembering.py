"""What the agent remembers of the managed files from one start to the next."""

import logging
from pathlib import Path

from agent.app.looking import Known
from agent.core.baseline.trust import Memory
from agent.store import whereto
from agent.store.memory import MemoryLostError, load, save

log = logging.getLogger(__name__)


def known_before(state: Path) -> Known:
    """Return what the agent with that state folder knows; what cannot be read is as on a first start."""
    try:
        memory = load(state)
    except MemoryLostError as error:
        log.warning("%s", error)
        memory = Memory()
    return Known(memory, where_to=whereto.load(state))


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
