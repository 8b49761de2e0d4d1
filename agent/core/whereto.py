"""Where to look besides the usual places: what was seen of running clients, and what a walk through the homes found.

It is kept from one start of the agent to the next: a project that is no longer looked at would pass for one that is clean.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

Moves = tuple[tuple[str, str], ...]
"""Variables that move a client's configuration, with the paths that they name."""


@dataclass(frozen=True, slots=True)
class Walk:
    """How far the walk through one home has come: what waits, with its depth; what this walk found, and what the last one had."""

    waiting: tuple[tuple[str, int], ...] = ()
    tried: int = 0
    found: tuple[str, ...] = ()
    before: tuple[str, ...] = ()

    @property
    def projects(self) -> tuple[str, ...]:
        """Everything that is known: what the last walk found holds until this one has been everywhere."""
        return tuple(dict.fromkeys((*self.found, *self.before)))


@dataclass(frozen=True, slots=True)
class WhereTo:
    """By user: sets of variables, working folders (newest last), and the walk."""

    moves: Mapping[str, tuple[Moves, ...]] = field(default_factory=dict)
    folders: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    walks: Mapping[str, Walk] = field(default_factory=dict)
