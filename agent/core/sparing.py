"""What can wait waits longer while the machine runs on its battery: one table.

What is told as it happens (programs that start, files that change) is taken in at once in any case, and so is every alert; what
stands in for events that are not told keeps its time too.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType


class Chore(StrEnum):
    """Work that is done by the clock, and that nobody waits for."""

    CONFIGS = "configs"  # the timed look at all configuration, where changes are told
    SWEEP = "sweep"  # the whole process table, where starting programs are told
    WALK = "walk"  # through the homes, for projects that no client remembers
    BATCH = "batch"  # reports that are no alerts waiting for company


STRETCH: Mapping[Chore, float] = MappingProxyType(
    {
        Chore.CONFIGS: 4.0,  # 20 minutes by the settings' default
        Chore.SWEEP: 4.0,  # two minutes
        Chore.WALK: 30.0,  # a step every half minute
        Chore.BATCH: 100.0,  # five minutes: the radio wakes once
    }
)
"""How many times as long each waits."""


@dataclass(frozen=True, slots=True)
class Sparing:
    """Says how long to wait, now; `on_battery` says whether the machine runs on its battery. Any thread may ask."""

    on_battery: Callable[[], bool] = lambda: False

    def wait_s(self, chore: Chore, seconds: float) -> float:
        """Return for how long `chore` waits that waits `seconds` on mains."""
        return seconds * STRETCH[chore] if self.on_battery() else seconds
