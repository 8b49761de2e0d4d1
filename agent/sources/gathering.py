"""Puts together what the files of one user give: servers, documents, problems, and how far each could be looked at."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from agent.catalog.entries import Origin, Servers
from agent.catalog.formats import Malformed
from agent.catalog.maps import TOO_MANY
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


@dataclass(frozen=True, slots=True)
class Addition:
    """What one file adds to a look: what it gives, its role for the policy, and how far it could be looked at.

    `coverage` is None where a project simply has no such file; `at_home` says that a client has this file in a project.
    """

    servers: tuple[Server, ...] = ()
    problems: tuple[Problem, ...] = ()
    document: Document | None = None
    coverage: Coverage | None = None
    at_home: tuple[str, str | None] | None = None


def addition(user: User, row: ClientRow, file: FileRow, origin: Origin, content: Content, read: FileRead) -> Addition:
    """Return what the file `origin`, of which `content` was seen and `read` was made, adds to the look at `user`."""
    problems = read.servers.problems
    if read.malformed is not None:
        place = Place(origin.path, "", read.malformed.line)
        text = f"{row.title} cannot read it: {read.malformed.message}."
        problems = (*problems, Problem(place, "malformed-file", text))
    known = file.document is not None and not isinstance(content, Missing)
    coverage = _coverage(Scope("config", user.name, row.id, origin.path), content, read)
    counts = not file.in_project or coverage.state is not CoverageState.ABSENT
    return Addition(
        servers=read.servers.servers,
        problems=problems,
        document=Document(file.document, origin.path, content, origin.project) if known and file.document else None,
        coverage=coverage if counts else None,
        at_home=(row.id, origin.project) if file.in_project and counts else None,
    )


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

    def add(self, found: Addition) -> None:
        """Add what one file gives. What a file of the user's gave counts once, also where the home is a project of theirs."""
        for server in found.servers:
            if server.project is not None and (server.client, server.place, None) in self._servers:
                continue
            self._servers.setdefault((server.client, server.place, server.project), server)
        self._problems |= dict.fromkeys(found.problems)
        if found.document is not None:
            self._documents.setdefault((found.document.path, found.document.project), found.document)
        if found.coverage is not None:
            self._coverage.setdefault(found.coverage.scope, found.coverage)
        if found.at_home is not None:
            self._at_home.add(found.at_home)

    def project(self, project: str) -> None:
        """Note that `project` is looked at, whether it is there or not."""
        self._projects.setdefault(project)

    def left_out(self, projects: int, folders: Iterable[str]) -> None:
        """Note what was too much to be looked at: so many projects, and entries of these folders and files.

        Whose those would have been nobody knows, so that nothing of this user's is known to be gone.
        """
        texts = [f"{folder} holds more entries than are looked at" for folder in folders]
        if projects > 0:
            texts.insert(0, f"{projects} of the projects that clients remember were too many to be looked at")
        if texts:
            scope = Scope("config", self._user.name)
            self._extra.append(Coverage(scope, CoverageState.UNREADABLE, "; ".join(texts)))

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
    over = next((problem for problem in read.servers.problems if problem.code == TOO_MANY), None)
    if over is not None:
        return Coverage(scope, CoverageState.UNREADABLE, f"{scope.path}: {over.text}")
    return Coverage(scope, CoverageState.COMPLETE)
