"""What the agent remembers of the managed files from one start to the next."""

import logging
from pathlib import Path

from agent.core.baseline.trust import Memory
from agent.store.memory import MemoryLostError, load, save

log = logging.getLogger(__name__)


def remembered(state: Path) -> Memory:
    """Return the memory in the state folder; an empty one where it cannot be read, as on a first start."""
    try:
        return load(state)
    except MemoryLostError as error:
        log.warning("%s", error)
        return Memory()


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
