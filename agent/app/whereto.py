"""Where to look besides the usual places: put together, and kept from one start to the next."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from agent.core.place import User
from agent.core.whereto import WhereTo
from agent.ports import Wake
from agent.sources.walk import ProjectWalk
from agent.sources.whereabouts import Whereabouts
from agent.store.whereto import save


@dataclass(frozen=True, slots=True)
class Habits:
    """What running clients tell, and what the walk found where the settings switch it on."""

    whereabouts: Whereabouts
    walk: ProjectWalk | None = None

    @property
    def known(self) -> WhereTo:
        """Return everything that is worth being kept."""
        return replace(self.whereabouts.known, walks=self.walk.walks if self.walk is not None else {})

    def subscribe(self, wake: Wake) -> None:
        """Call `wake` when there is something new to look at."""
        self.whereabouts.subscribe(wake)
        if self.walk is not None:
            self.walk.subscribe(wake)

    def environments(self, user: User) -> Sequence[Mapping[str, str]]:
        """Return the environments in which the user's clients run."""
        return self.whereabouts.environments(user)

    def projects(self, user: User) -> Sequence[str]:
        """Return the folders in which clients work, and those that the walk found."""
        found = self.walk.projects(user) if self.walk is not None else ()
        return tuple(dict.fromkeys((*self.whereabouts.projects(user), *found)))


@dataclass(slots=True)
class KeepingHabits:
    """Writes down what is known of where to look, when it has changed; a folder that cannot be written costs only time."""

    state: Path
    habits: Habits
    _kept: WhereTo = field(default_factory=WhereTo)

    def keep(self) -> None:
        """Write what has changed since the last time."""
        known = self.habits.known
        if known != self._kept:
            try:
                save(self.state, known)
            except OSError:
                return
            self._kept = known
