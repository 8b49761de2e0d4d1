"""All MCP configuration of every user: what each client of the catalog would read, as that user, in this moment."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import chain
from operator import is_
from typing import Any, Protocol

from agent.catalog.paths import is_absolute
from agent.catalog.rows import Catalog
from agent.core.observation import ConfigLook, Coverage, CoverageState, Scope
from agent.core.place import Place, Trouble, Unreadable, User, pure_path
from agent.ports import Files, Homes, Nearby
from agent.sources.asking import OfClient, OfProject, of_client, of_project, traced_clients
from agent.sources.gathering import FileRead, Gathering
from agent.sources.moves import Packages
from agent.sources.projects import ProjectPlan, may_enter
from agent.sources.reading import Visit
from agent.sources.recall import Part, Recall

MAX_PROJECTS, MAX_SERVERS = 1000, 10_000
"""Of one user: projects that are looked at, and servers in them after which no further project is, as each takes 20 KB of memory.

What is more than that is said to be left out.
"""


class Habits(Protocol):
    """What is known of how a user's clients are used."""

    def environments(self, user: User) -> Sequence[Mapping[str, str]]:
        """Return the environments in which they run: one mapping each, `{}` where nothing special is set."""
        ...

    def projects(self, user: User) -> Sequence[str]:
        """Return the folders in which they were seen to work."""
        ...


class Usual:
    """Nothing special is known."""

    def environments(self, user: User) -> Sequence[Mapping[str, str]]:
        """Return one environment without anything."""
        del user
        return ({},)

    def projects(self, user: User) -> Sequence[str]:
        """Return no folder."""
        del user
        return ()


_Shared = frozenset[tuple[str, Place]]
"""Entries of the device, by client and place: the same for every user who reads them."""


@dataclass(frozen=True, slots=True)
class _Built:
    """A look and what it was put together of: of the very same parts the very same look is made."""

    parts: tuple[Part[Any], ...]
    shared: _Shared
    look: ConfigLook
    adds: _Shared
    watched: tuple[str | Nearby, ...]

    def of(self, parts: Sequence[Part[Any]], shared: _Shared) -> bool:
        same = len(parts) == len(self.parts) and all(map(is_, parts, self.parts))
        return same and shared == self.shared


class ConfigSource:
    """One look per user. `projects` are folders beside those that clients remember, for every user who may enter them.

    A look that finds a client's or a project's files as they were does not read them again (`agent.sources.recall`).
    """

    name = "configs"

    def __init__(  # noqa: PLR0913 - one keyword for each thing that may be told beforehand
        self,
        files: Files,
        users: Homes,
        catalog: Catalog,
        *,
        projects: Sequence[str] = (),
        habits: Habits | None = None,
        interval_s: float = 60.0,
        recall: Recall[Any, FileRead] | None = None,
    ) -> None:
        self.interval_s = interval_s
        self._files, self._users, self._catalog = files, users, catalog
        self._projects = tuple(
            str(pure_path(files.os, project)) for project in projects if is_absolute(files.os, project)
        )
        self._habits = habits or Usual()
        self._recall: Recall[Any, FileRead] = recall or Recall()
        self._built: dict[User, _Built] = {}
        self._watched: tuple[str | Nearby, ...] = ()
        self._packages = Packages(catalog, files.os)
        self._plan = ProjectPlan(catalog, files.os)

    def look(self) -> Sequence[ConfigLook]:
        """Return one look per user; what could not be read is coverage, never an exception.

        Servers of the device stand in the look of the first user whose clients can read them, and only there.
        """
        looks: list[ConfigLook] = []
        built: dict[User, _Built] = {}
        shared: _Shared = frozenset()
        with self._recall.looking(self._files):
            for user in self._users.users():
                visit = Visit(self._files, user)
                closed = _closed(visit)
                if closed is not None:
                    looks.append(ConfigLook(user, coverage=(closed,)))
                    continue
                built[user] = self._built_of(visit, shared)
                shared |= built[user].adds
                looks.append(built[user].look)
        if not self._watched or list(map(id, built.values())) != list(map(id, self._built.values())):
            watched: dict[str | Nearby, None] = {}
            for one in built.values():
                watched.update(dict.fromkeys(one.watched))
            separator = "\\" if self._files.os == "windows" else "/"
            watched.update(dict.fromkeys(folder + separator for folder in self._users.folders()))
            self._watched = tuple(watched)
        self._built = built
        return looks

    def watched(self) -> Sequence[str | Nearby]:
        """Return the paths that the last look read or missed; one that ends in a separator stands for any name in it."""
        return self._watched

    def _built_of(self, visit: Visit, shared: _Shared) -> _Built:
        user = visit.user
        clients, projects, left_out = self._parts(visit)
        parts: tuple[Part[Any], ...] = (*clients, *projects.values())
        before = self._built.get(user)
        if before is not None and before.of(parts, shared):
            return before
        gathering = Gathering(user)
        for found in chain.from_iterable(part.value.added for part in parts):
            gathering.add(found)
        for project in projects:
            gathering.project(project)
        gathering.left_out(left_out, dict.fromkeys(chain.from_iterable(part.truncated for part in parts)))
        versions = {part.value.client: part.value.version for part in clients if part.value.version is not None}
        look = gathering.look(self._catalog, tuple(projects), versions)
        own = tuple(server for server in look.servers if server.user or (server.client, server.place) not in shared)
        roots = ((project, part.value.repository) for project, part in projects.items())
        repositories = {project: root for project, root in roots if root is not None and root != project}
        watched: dict[str | Nearby, None] = {}
        for part in parts:
            watched |= dict.fromkeys((*part.watched, *part.nearby))
        adds = frozenset((server.client, server.place) for server in own if server.user is None)
        look = replace(look, servers=own, repositories=repositories)
        return _Built(parts, shared, look, adds, tuple(watched))

    def _parts(self, visit: Visit) -> tuple[list[Part[OfClient]], dict[str, Part[OfProject]], int]:
        """Return the parts of the user's clients, those of the projects, and how many projects were too many."""
        user, recall = visit.user, self._recall
        packaged = recall.part(("packaged", user), visit, lambda _: tuple(self._packages.environments(visit)))
        environments = (*self._habits.environments(user), *packaged.value)
        clients: list[Part[OfClient]] = []
        for row in self._catalog.rows:
            for environment in environments:
                key = ("client", user, row.id, *sorted(environment.items()))
                clients.append(recall.part(key, visit, partial(of_client, row, visit, environment)))
        named = recall.part(("named", user), visit, lambda _: tuple(p for p in self._projects if may_enter(visit, p)))
        traced = recall.part(("traced", user), visit, lambda _: traced_clients(self._catalog, visit)).value
        projects = [
            *named.value,
            *self._habits.projects(user),
            *chain.from_iterable(part.value.projects for part in clients),
        ]
        projects = list(dict.fromkeys(projects))
        found: dict[str, Part[OfProject]] = {}
        servers = 0
        for project in projects[:MAX_PROJECTS]:
            if servers >= MAX_SERVERS:
                break
            ask = partial(of_project, project, self._plan, traced, visit)
            found[project] = recall.part(("project", user, project, traced), visit, ask)
            servers += sum(len(added.servers) for added in found[project].value.added)
        return clients, found, len(projects) - len(found)


def _closed(visit: Visit) -> Coverage | None:
    """Say that nothing in the home can be looked at by this process, or now, where it is so."""
    scope = Scope("config", visit.user.name)
    home = visit.user.home
    probe = visit.files.read(str(pure_path(visit.os, home) / ".mcp-compliance-probe"))
    if isinstance(probe, Unreadable) and probe.trouble is Trouble.FOREIGN:
        return Coverage(scope, CoverageState.UNREADABLE, f"{probe.text}: nothing of {visit.user.name} was seen")
    if isinstance(probe, Unreadable) and probe.trouble is Trouble.TIMED_OUT:
        return Coverage(scope, CoverageState.TIMED_OUT, f"{probe.text}: nothing of {visit.user.name} was seen")
    if isinstance(probe, Unreadable) and probe.trouble is Trouble.DENIED:
        text = (
            f"{home} may not be entered by the agent, so nothing of {visit.user.name} was seen: run it as administrator"
        )
        return Coverage(scope, CoverageState.UNREADABLE, text)
    return None
