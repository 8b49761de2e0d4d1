"""A slow walk through the homes for projects that no client remembers; only where the settings switch it on.

It takes a few steps at a time and goes on where it stopped, also after the agent was started anew. It enters no hidden folder, no
link, no share and no store of packages, goes so deep and no deeper, and rests for hours when it has been everywhere.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from agent.catalog.paths import expand
from agent.core.place import Names, User, pure_path
from agent.core.whereto import Walk
from agent.ports import Files, Homes, Wake
from agent.sources.projects import ProjectPlan
from agent.sources.reading import Visit

STEPS = 100
"""Names that are tried at a time; most are files, which costs less than listing a folder."""
EVERY_S = 4.0
"""Between two times: a home of 100 000 files takes about an hour."""
REST_S = 6 * 3600.0
"""From the end of a walk to the next."""
DEEP = 8
"""Folders below the home that are entered."""
TRIES = 200_000
WAITING = 20_000
FOUND = 500
"""Of one home: names that one walk tries, names that wait at a time, and projects that are kept."""

_PASSED_BY = frozenset({"node_modules", "__pycache__", "site-packages", "venv", "library", "appdata", "$recycle.bin"})


@dataclass(slots=True)
class ProjectWalk:
    """Walks through the homes of all users. One thread steps, others ask for what was found."""

    files: Files
    users: Homes
    plan: ProjectPlan
    walks: Mapping[str, Walk] = field(default_factory=dict)
    monotonic: Callable[[], float] = time.monotonic
    _resting_until: float = 0.0
    _wake: Wake | None = None

    def subscribe(self, wake: Wake) -> None:
        """Call `wake` when a project was found that was not known before."""
        self._wake = wake

    def projects(self, user: User) -> Sequence[str]:
        """Return the projects that were found in a user's home."""
        walk = self.walks.get(user.name)
        return walk.projects if walk is not None else ()

    def step(self) -> None:
        """Try a few more names; start anew when the rest is over."""
        if self.monotonic() < self._resting_until:
            return
        left, fresh = STEPS, False
        users = {user.name: user for user in self.users.users()}
        walks = {name: self.walks.get(name) or _begun(user) for name, user in users.items()}
        for name, user in users.items():
            known = len(walks[name].projects)
            walks[name], left = self._on(user, walks[name], left)
            fresh |= len(walks[name].projects) > known
        if left == STEPS:  # nothing waits anywhere
            walks = {name: _begun(user, walks[name].found) for name, user in users.items()}
            self._resting_until = self.monotonic() + REST_S
        self.walks = walks
        if fresh and self._wake is not None:
            self._wake()

    def _on(self, user: User, walk: Walk, left: int) -> tuple[Walk, int]:
        waiting, found, visit = list(walk.waiting), list(walk.found), Visit(self.files, user)
        tried = walk.tried
        while waiting and left and tried < TRIES:
            folder, depth = waiting.pop()
            left, tried = left - 1, tried + 1
            listing = self.files.names(folder, within=user.home, reader=user)
            if not isinstance(listing, Names) or (depth and any(facts.kind == "link" for facts in listing.access)):
                continue
            names = frozenset(map(visit.folded, listing.names))
            if depth and len(found) < FOUND and self._is_project(visit, folder, names):
                found.append(folder)
            if depth < DEEP and len(waiting) < WAITING:
                below = (name for name in reversed(listing.names) if _is_entered(name))
                waiting += [(str(pure_path(self.files.os, folder) / name), depth + 1) for name in below]
        return replace(walk, waiting=tuple(waiting) if tried < TRIES else (), tried=tried, found=tuple(found)), left

    def _is_project(self, visit: Visit, folder: str, names: frozenset[str]) -> bool:
        """Say whether some client would find servers of a project here."""
        if not {name.casefold() for name in names} & self.plan.names:
            return False
        for row, file, template in self.plan.for_names(names, nested=False):
            templates = {visit.os: (template,)}
            for path in expand(row, templates, visit.os, home=visit.user.home, project=folder) if file.shape else ():
                if any(visit.exists(match, folder) for match in visit.matches(path, below=folder)):
                    return True
        return False


def _begun(user: User, before: tuple[str, ...] = ()) -> Walk:
    return Walk(waiting=((user.home, 0),), before=before)


def _is_entered(name: str) -> bool:
    return not name.startswith(".") and name.casefold() not in _PASSED_BY
