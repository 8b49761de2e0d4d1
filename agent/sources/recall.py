"""What parts of a look gave, kept from one look to the next for as long as what it rests on holds.

A look is put together of parts (one client of a user, one project): each is a function of the answers that it gets from the file
system. So a part whose answers would be the same again is not asked again; it costs a glance at what the answers rest on.

A part is asked anew in any case when it was last asked `trust_s` ago, each at a time of its own: a file that is mapped into
memory, or that lies on a file system without an honest clock, can change without a trace. What a look did not ask for is
forgotten.
"""

import time
from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from random import Random
from typing import Generic, TypeVar

from agent.core.basis import Basis
from agent.ports import Files, Glance, Nearby
from agent.sources.reading import Notes, Parses, Visit

P = TypeVar("P")
M = TypeVar("M")

TRUST_S = 900.0


@dataclass(frozen=True, slots=True)
class Part(Generic[P]):
    """What one part of a look gave, and what it wanted to know on the way."""

    value: P
    watched: tuple[str, ...] = ()
    nearby: tuple[Nearby, ...] = ()
    truncated: tuple[str, ...] = ()


@dataclass(slots=True)
class _Kept(Generic[P, M]):
    part: Part[P]
    parses: Parses[M]
    basis: Basis | None
    until: float


@dataclass(slots=True)
class Recall(Generic[P, M]):
    """The parts of one source. `M` is what the parts make of single files, which is kept with them."""

    trust_s: float = TRUST_S
    now_ns: Callable[[], int] = time.time_ns
    monotonic: Callable[[], float] = time.monotonic
    random: Random = field(default_factory=Random)
    _old: dict[Hashable, _Kept[P, M]] = field(default_factory=dict)
    _new: dict[Hashable, _Kept[P, M]] = field(default_factory=dict)
    _glance: Glance | None = None

    @contextmanager
    def looking(self, files: Files) -> Iterator[None]:
        """Stand for one look at `files`."""
        with files.glance() as self._glance:
            yield
        self._glance = None
        self._old, self._new = self._new, {}

    @property
    def size(self) -> int:
        """How many parts are kept."""
        return len(self._old)

    def part(self, key: Hashable, visit: Visit, ask: Callable[[Parses[M]], P]) -> Part[P]:
        """Return what `ask` gives; the very same as before, unasked, where that must be equal."""
        kept = self._new.get(key) or self._old.get(key)
        if kept is None or not (key in self._new or self._holds(kept)):
            kept = self._asked(kept, visit, ask)
        self._new[key] = kept
        return kept.part

    def _holds(self, kept: _Kept[P, M]) -> bool:
        return (
            kept.basis is not None
            and self.monotonic() < kept.until
            and self._glance is not None
            and self._glance.holds(kept.basis)
        )

    def _asked(self, before: _Kept[P, M] | None, visit: Visit, ask: Callable[[Parses[M]], P]) -> _Kept[P, M]:
        began_ns, notes = self.now_ns(), Notes()
        visit.notes = notes
        parses: Parses[M] = before.parses if before is not None else Parses()
        value = ask(parses)
        parses.turn()
        part = Part(value, tuple(notes.watched), tuple(dict.fromkeys(notes.nearby)), tuple(notes.truncated))
        if before is not None and before.part == part:
            part = before.part  # the same to the eye is the very same to whoever built on it
        until = self.monotonic() + self.trust_s * self.random.uniform(0.5, 1.0)
        return _Kept(part, parses, notes.footing.basis(began_ns), until)
