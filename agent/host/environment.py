"""What is kept of a process's environment: names that say something, and of few the path that they hold. No other value."""

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import NamedTuple

from agent.core.artifact import OVERRIDES


class Kept(NamedTuple):
    """As the fields of `Process` of the same names."""

    marks: frozenset[str]
    overrides: frozenset[str]
    moves: tuple[tuple[str, str], ...]


class Keeping:
    """`marks` are the names that clients set; of the variables in `moving` the value is kept, where it is a path."""

    def __init__(self, marks: Collection[str] = (), moving: Collection[str] = ()) -> None:
        self._marks, self._moving = frozenset(marks), frozenset(moving)

    def of(self, environment: Mapping[str, str]) -> Kept:
        """Return what is kept."""
        named = sorted(self._moving.intersection(environment))
        return Kept(
            self._marks.intersection(environment),
            OVERRIDES.intersection(environment),
            tuple((name, environment[name]) for name in named if Path(environment[name]).is_absolute()),
        )
