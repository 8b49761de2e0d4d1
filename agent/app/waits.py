"""How long the daemon's workers wait: as long as ever, or longer on battery, by the table of `agent.core.sparing`."""

from collections.abc import Callable
from dataclasses import dataclass

from agent.core.sparing import Chore, Sparing
from agent.sources.hints import HintsHealth
from agent.sources.launches import Launches
from agent.sources.processes import RECONCILE_S


@dataclass(frozen=True)
class Waits:
    """A `Patience` for each chore; any thread may ask."""

    sparing: Sparing
    launches: Launches
    watches: Callable[[], HintsHealth]

    def sweep(self, seconds: float) -> float:
        """Let only the sweep wait that reconciles: not one that stands in for events, nor the look soon after one."""
        reconciles = self.launches.how and seconds >= RECONCILE_S
        return self.sparing.wait_s(Chore.SWEEP, seconds) if reconciles else seconds

    def configs(self, seconds: float) -> float:
        """Let the timed look wait where every folder of interest is watched."""
        return seconds if self.watches().unwatched else self.sparing.wait_s(Chore.CONFIGS, seconds)

    def walk(self, seconds: float) -> float:
        """Let the walk through the homes wait."""
        return self.sparing.wait_s(Chore.WALK, seconds)

    def batch(self, seconds: float) -> float:
        """Let reports wait for company; alerts are never asked about."""
        return self.sparing.wait_s(Chore.BATCH, seconds)
