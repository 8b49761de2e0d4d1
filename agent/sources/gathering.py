"""Puts together what the files of one user give: servers, documents, problems, and how far each could be looked at."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from agent.catalog.entries import Origin, Servers
from agent.catalog.formats import Malformed
from agent.catalog.rows import Catalog, ClientRow, FileRow
from agent.core.observation import ConfigLook, Coverage, CoverageState, Document, Scope
from agent.core.place import Content, Missing, Place, Trouble, Unreadable, User
from agent.core.server import Problem, Server


@dataclass(frozen=True, slots=True)
class FileRead:
    """What one file gives."""

    servers: Servers = field(default_factory=Servers)
    projects: tuple[str, ...] = ()
    malformed: Malformed | None = None


class Gathering:
    """Collects what the files of one user give, and puts it into a look."""

    def __init__(self, user: User) -> None:
        self._user = user
        self._servers: dict[tuple[str, Place, str | None], Server] = {}
        self._documents: dict[tuple[str, str | None], Document] = {}
        self._problems: dict[Problem, None] = {}
        self._coverage: dict[Scope, Coverage] = {}
        self._projects: dict[str, None] = {}
        self._at_home: set[tuple[str, str | None]] = set()
        self._extra: list[Coverage] = []
        self._sorted: dict[str | None, list[Coverage]] = {}

    def add(self, row: ClientRow, file: FileRow, origin: Origin, content: Content, read: FileRead) -> None:
        """Add one file: its servers and problems, its role for the policy, and how far it could be looked at."""
        for server in read.servers.servers:
            self._servers.setdefault((server.client, server.place, server.project), server)
        self._problems |= dict.fromkeys(read.servers.problems)
        if read.malformed is not None:
            place = Place(origin.path, "", read.malformed.line)
            self._problems.setdefault(
                Problem(place, "malformed-file", f"{row.title} cannot read it: {read.malformed.message}.")
            )
        if file.document is not None and not isinstance(content, Missing):
            known = Document(file.document, origin.path, content, origin.project)
            self._documents.setdefault((origin.path, origin.project), known)
        scope = Scope("config", self._user.name, row.id, origin.path)
        coverage = _coverage(scope, content, read)
        if not file.in_project or coverage.state is not CoverageState.ABSENT:
            self._coverage.setdefault(scope, coverage)
            if file.in_project:
                self._at_home.add((row.id, origin.project))

    def project(self, project: str) -> None:
        """Note that `project` is looked at, whether it is there or not."""
        self._projects.setdefault(project)

    def unread(self, row: ClientRow, path: str, why: str) -> None:
        """Note a place of a client that is there and cannot be read."""
        scope = Scope("config", self._user.name, row.id, path)
        self._coverage.setdefault(scope, Coverage(scope, CoverageState.SKIPPED, why))

    def left_out(self, projects: int, folders: Iterable[str]) -> None:
        """Note what was too much to be looked at: so many projects, and entries of these folders."""
        if projects > 0:
            text = f"{projects} of the projects that clients remember were too many to be looked at"
            self._extra.append(Coverage(Scope("config", self._user.name), CoverageState.SKIPPED, text))
        for folder in folders:
            text = f"{folder} holds more entries than are looked at"
            scope = Scope("config", self._user.name, None, folder)
            self._extra.append(Coverage(scope, CoverageState.SKIPPED, text))

    def look(self, catalog: Catalog, projects: tuple[str, ...], versions: Mapping[str, str]) -> ConfigLook:
        """Return the look."""
        return ConfigLook(
            user=self._user,
            servers=tuple(self._servers.values()),
            documents=tuple(self._documents.values()),
            projects=projects,
            client_versions=versions,
            problems=tuple(self._problems),
            coverage=(*self._extra, *(row for client in catalog.rows for row in self._rows_of(client))),
        )

    def _rows_of(self, client: ClientRow) -> list[Coverage]:
        """Return a row per file; one for a project where the client has none, one for a client that has none at all."""
        user = self._user.name
        rows = self._by_client().get(client.id, [])
        if all(row.state is CoverageState.ABSENT for row in rows):
            return [Coverage(Scope("config", user, client.id), CoverageState.ABSENT)]
        projects = self._projects if any(file.in_project for file in client.file) else ()
        empty = [project for project in projects if (client.id, project) not in self._at_home]
        absent = (Coverage(Scope("config", user, client.id, project), CoverageState.ABSENT) for project in empty)
        return [*rows, *absent]

    def _by_client(self) -> dict[str | None, list[Coverage]]:
        if not self._sorted:
            for row in self._coverage.values():
                self._sorted.setdefault(row.scope.client, []).append(row)
        return self._sorted


def _coverage(scope: Scope, content: Content, read: FileRead) -> Coverage:
    if isinstance(content, Missing) or (isinstance(content, Unreadable) and content.trouble is Trouble.NOT_A_FOLDER):
        return Coverage(scope, CoverageState.ABSENT)
    if isinstance(content, Unreadable):
        late = content.trouble is Trouble.TIMED_OUT
        return Coverage(scope, CoverageState.TIMED_OUT if late else CoverageState.UNREADABLE, content.text)
    if read.malformed is not None:
        line = f", line {read.malformed.line}" if read.malformed.line else ""
        return Coverage(scope, CoverageState.MALFORMED, f"{scope.path}{line}: {read.malformed.message}")
    return Coverage(scope, CoverageState.COMPLETE)
