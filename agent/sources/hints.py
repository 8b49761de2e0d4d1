"""Wakes sources early: from the paths that a source cares for to watched folders, and from a changed name to its wake-up bit.

A hint is never needed for truth, only for speed: what is lost here is found by the source's own timer. Paths that do not exist
are watched for at the nearest folder above that does.
"""

import os
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from agent.host.mounts import SYSTEM_MOUNTS, Mounts, is_local_folder
from agent.host.watch import Change, FolderWatcher
from agent.ports import Clock, Nearby, Source, Wake

_ANY = ""
MAX_FOLDERS = 2048
"""Folders that are watched at most: each costs the system memory, and Linux allows a user so many."""


@dataclass(frozen=True, slots=True)
class HintsHealth:
    """How many folders are watched, and how many were to be watched and are not."""

    watched: int = 0
    unwatched: int = 0


@dataclass(slots=True)
class _Plan:
    """For each folder, the names in it that matter (`_ANY`: all), and to which sources; `beyond` are folders on the way.

    `crowds` are sets of names that many folders share, with the source that they matter to.
    """

    interests: dict[str, dict[str, set[int]]] = field(default_factory=dict)
    crowds: dict[str, list[tuple[frozenset[str], int]]] = field(default_factory=dict)
    beyond: set[Change] = field(default_factory=set)
    left_out: int = 0

    def sources(self, folder: str) -> set[int]:
        """Return every source to which something in `folder` matters."""
        crowd = {source for _, source in self.crowds.get(folder, ())}
        return crowd.union(*self.interests.get(folder, {}).values())


class Hints:
    """The worker that listens. `subscriptions` pairs each source with what wakes it; it reads `watched()` and nothing else.

    `limit` bounds the folders; those of the first subscription and the first paths come first.
    """

    name = "hints"

    def __init__(
        self,
        watcher: FolderWatcher,
        subscriptions: Sequence[tuple[Source, Wake]],
        clock: Clock,
        *,
        limit: int = MAX_FOLDERS,
        recheck_s: float = 30.0,
        mounts: Mounts = SYSTEM_MOUNTS,
    ) -> None:
        self._watcher, self._subscriptions, self._clock = watcher, tuple(subscriptions), clock
        self._limit, self._recheck_s, self._mounts = limit, recheck_s, mounts
        self._plan = _Plan()
        self._wanted: tuple[Sequence[str | Nearby], ...] = ()
        self._aimed: frozenset[str] = frozenset()
        self._mounted: Mapping[str, str] = {}
        self._due = 0.0
        self._stale = True
        self.health = HintsHealth()

    def run(self, stop: threading.Event, beat: Callable[[], None]) -> None:
        """Listen until `stop` is set."""
        while not stop.is_set():
            beat()
            self.turn(self._recheck_s)

    def wake(self) -> None:
        """Let a waiting `run` go on: it is to end, or a source wants to watch something else."""
        self._watcher.interrupt()

    def close(self) -> None:
        """Give the watches back."""
        self._watcher.close()

    def turn(self, timeout_s: float) -> None:
        """Mend the watches where that is due, wait for changes, wake whom they concern.

        What leads where is found out anew when something on the way changed or was mounted; the watches themselves are renewed
        now and then, since a folder can be replaced without an event.
        """
        wanted = tuple(source.watched() for source, _ in self._subscriptions)
        moved = any(new is not old and new != old for new, old in zip(wanted, self._wanted, strict=False))
        now, mounted = self._clock.monotonic(), self._mounts.points()
        if self._stale or moved or not self._wanted or mounted != self._mounted:
            self._plan = _planned(wanted, self._limit)
            self._mounted, self._stale, self._due = mounted, False, now
        if now >= self._due:
            self._aim()
            self._wanted, self._due = wanted, now + self._recheck_s
        changes = self._watcher.wait(timeout_s)
        self._wake({source for change in changes for source in self._concerned(change)})

    def _aim(self) -> None:
        aimed = self._watcher.aim(self._plan.interests)
        unwatched = len(self._plan.interests) - len(aimed) + self._plan.left_out
        self.health = HintsHealth(len(aimed), unwatched)
        # What happened in a folder before it was watched gave no event.
        fresh = aimed - self._aimed if self._wanted else frozenset()
        self._aimed = aimed
        self._wake({source for folder in fresh for source in self._plan.sources(folder)})

    def _concerned(self, change: Change) -> set[int]:
        folder, name = change
        interests = self._plan.interests.get(folder, {})
        if name == _ANY:
            self._stale = True
            return self._plan.sources(folder)
        crowd = {source for names, source in self._plan.crowds.get(folder, ()) if _folded(name) in names}
        if (folder, _folded(name)) in self._plan.beyond:
            self._stale = True
        return interests.get(_folded(name), set()) | interests.get(_ANY, set()) | crowd

    def _wake(self, sources: set[int]) -> None:
        for source in sorted(sources):
            self._subscriptions[source][1]()


def _planned(wanted: Sequence[Sequence[str | Nearby]], limit: int) -> _Plan:
    plan = _Plan()
    known: dict[str, bool] = {}
    for source, paths in enumerate(wanted):
        for text in paths:
            if isinstance(text, Nearby):
                _plan_crowd(plan, text, source, limit, known)
                continue
            folder, name, beyond = _nearest(text, known)
            if folder not in plan.interests and len(plan.interests) >= limit:
                plan.left_out += 1
                continue
            plan.interests.setdefault(folder, {}).setdefault(name, set()).add(source)
            if beyond:
                plan.beyond.add((folder, name))
    return plan


def _plan_crowd(plan: _Plan, nearby: Nearby, source: int, limit: int, known: dict[str, bool]) -> None:
    if not _is_folder(nearby.folder, known):
        return
    if nearby.folder not in plan.interests and len(plan.interests) >= limit:
        plan.left_out += 1
        return
    plan.interests.setdefault(nearby.folder, {})
    plan.crowds.setdefault(nearby.folder, []).append((nearby.names, source))


def _nearest(text: str, known: dict[str, bool]) -> tuple[str, str, bool]:
    """Return the nearest folder above `text` that is there, the name in it that leads on, and whether more must follow it.

    A text that ends in a separator is a folder in which any name matters.
    """
    any_name = text.endswith(("/", "\\"))
    path = os.path.normpath(text)
    if any_name and _is_folder(path, known):
        return path, _ANY, False
    above, name = os.path.split(path)
    beyond = any_name
    while not _is_folder(above, known) and above != os.path.split(above)[0]:
        above, name = os.path.split(above)
        beyond = True
    return above, _folded(name), beyond


def _is_folder(path: str, known: dict[str, bool]) -> bool:
    """Say whether `path` is a folder that may be watched: no link that a user made leads there, and no foreign mount."""
    if path not in known:
        above = os.path.split(path)[0]
        known[path] = (path == above or _is_folder(above, known)) and is_local_folder(path)
    return known[path]


def _folded(name: str) -> str:
    """Compare names without case: a hint too many costs a look, a hint too few costs a minute."""
    return name.casefold()
