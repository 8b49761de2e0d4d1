"""All MCP configuration of every user: what each client of the catalog would read, as that user, in this moment."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from agent.catalog.entries import Origin, Servers
from agent.catalog.formats import Malformed, Parsed, located, parse_as
from agent.catalog.maps import at
from agent.catalog.paths import expand, folders_above, is_absolute
from agent.catalog.rows import Catalog, ClientRow, FileRow, StateRow
from agent.catalog.shapes import project_keys, read_shape
from agent.core.entry import plugin_servers
from agent.core.observation import ConfigLook, Coverage, CoverageState, Scope
from agent.core.place import Content, Data, Missing, Place, Trouble, Unreadable, User, pure_path
from agent.ports import Files, Homes, Nearby
from agent.sources.gathering import FileRead, Gathering
from agent.sources.opening import opened
from agent.sources.plugins import PluginFile, plugin_files
from agent.sources.projects import ProjectPlan, may_enter, remembered_projects, repository_of
from agent.sources.reading import Memory, Visit
from agent.sources.versions import installed_version

MAX_PROJECTS = 1000
"""Projects of one user that are looked at; more are said to be left out."""

Environments = Callable[[User], Sequence[Mapping[str, str]]]
"""What is known of the environments in which a user's clients run: one mapping each, `{}` where nothing special is set."""


def _nothing_set(_: User) -> Sequence[Mapping[str, str]]:
    return ({},)


class ConfigSource:
    """One look per user. `projects` are folders beside those that clients remember, for every user who may enter them."""

    name = "configs"

    def __init__(
        self,
        files: Files,
        users: Homes,
        catalog: Catalog,
        *,
        projects: Sequence[str] = (),
        environments: Environments = _nothing_set,
        interval_s: float = 60.0,
    ) -> None:
        self.interval_s = interval_s
        self._files, self._users, self._catalog = files, users, catalog
        self._projects = tuple(
            str(pure_path(files.os, project)) for project in projects if is_absolute(files.os, project)
        )
        self._environments = environments
        self._memory: Memory[FileRead] = Memory()
        self._watched: tuple[str | Nearby, ...] = ()
        self._plan = ProjectPlan(catalog, files.os)

    def look(self) -> Sequence[ConfigLook]:
        """Return one look per user; what could not be read is coverage, never an exception.

        Servers of the device stand in the look of the first user whose clients can read them, and only there.
        """
        looks: list[ConfigLook] = []
        of_device: set[tuple[str, Place]] = set()
        watched: dict[str | Nearby, None] = {}
        for user in self._users.users():
            visit = Visit(self._files, user)
            look = self._look_at(user, visit)
            own = [server for server in look.servers if server.user or (server.client, server.place) not in of_device]
            of_device |= {(server.client, server.place) for server in own if server.user is None}
            looks.append(replace(look, servers=tuple(own)))
            watched.update(visit.watched)
            watched.update(dict.fromkeys(visit.nearby))
        separator = "\\" if self._files.os == "windows" else "/"
        watched.update(dict.fromkeys(folder + separator for folder in self._users.folders()))
        self._memory.turn()
        self._watched = tuple(watched)
        return looks

    def watched(self) -> Sequence[str | Nearby]:
        """Return the paths that the last look read or missed; one that ends in a separator stands for any name in it."""
        return self._watched

    def _look_at(self, user: User, visit: Visit) -> ConfigLook:
        closed = _closed(visit)
        if closed is not None:
            return ConfigLook(user, coverage=(Coverage(Scope("config", user.name), CoverageState.UNREADABLE, closed),))
        gathering = Gathering(user)
        versions: dict[str, str] = {}
        remembered: dict[str, None] = {}
        environments = self._environments(user) or ({},)
        for row in self._catalog.rows:
            for environment in environments:
                traced = _traced(row, visit, environment)
                for file in (file for file in row.file if not file.in_project and (traced or not file.shared)):
                    remembered |= dict.fromkeys(self._read_user_file(row, file, visit, environment, gathering))
                _note_unread(row, visit, environment, gathering)
                for plugin in plugin_files(row, visit, environment):
                    self._read_plugin(row, plugin, visit, gathering)
                for place in row.projects:
                    remembered |= dict.fromkeys(remembered_projects(row, place, visit, environment))
                version = installed_version(row, visit, environment)
                if version is not None:
                    versions[row.id] = version
        projects = [*(project for project in self._projects if may_enter(visit, project)), *remembered]
        projects = list(dict.fromkeys(projects))
        traced_clients = frozenset(row.id for row in self._catalog.rows if row.traces and _traced(row, visit, {}))
        for project in projects[:MAX_PROJECTS]:
            self._read_project(project, traced_clients, visit, gathering)
        gathering.left_out(len(projects) - MAX_PROJECTS, visit.truncated)
        look = gathering.look(self._catalog, tuple(projects[:MAX_PROJECTS]), versions)
        roots = {project: repository_of(visit, project) for project in look.projects}
        return replace(
            look, repositories={project: root for project, root in roots.items() if root not in (None, project)}
        )

    def _read_user_file(
        self, row: ClientRow, file: FileRow, visit: Visit, environment: Mapping[str, str], gathering: Gathering
    ) -> tuple[str, ...]:
        """Read the files that `file` stands for; return the projects that they remember."""
        home, os = visit.user.home, visit.os
        projects: list[str] = []
        for path in expand(row, file.path, os, home=home, environment=environment):
            rival = expand(row, {os: (file.unless,)}, os, home=home, environment=environment) if file.unless else ()
            if any(not isinstance(visit.read(other), Missing) for other in rival):
                continue  # the client reads the other file in its place
            for match in visit.matches(path):
                owner = None if file.of_device(os) else visit.user.name
                content = self._content(visit, match, file)
                origin = Origin(os, row.id, owner, file.scope, match)
                off = file.state is not None and _switched_off(file.state, match, visit)
                projects += self._take(row, file, origin, content, gathering, change=_off if off else None)
        return tuple(projects)

    def _read_plugin(self, row: ClientRow, plugin: PluginFile, visit: Visit, gathering: Gathering) -> None:
        """Read a file of a plugin; its servers are named after it, and have its folder put in."""
        origin = Origin(visit.os, row.id, visit.user.name, plugin.row.scope, plugin.path, plugin.project)

        def named(read: FileRead) -> FileRead:
            servers = plugin_servers(read.servers.servers, plugin=plugin.plugin, root=plugin.root)
            servers = tuple(replace(server, disabled=True) for server in servers) if plugin.off else servers
            return replace(read, servers=Servers(servers, read.servers.problems))

        self._take(row, plugin.row, origin, visit.read(plugin.path), gathering, change=named)

    def _content(self, visit: Visit, path: str, file: FileRow) -> Content:
        """Return the content; administrators may have linked the device's files anywhere."""
        fence = pure_path(visit.os, path).anchor if file.of_device(visit.os) else None
        return visit.read(path, fence)

    def _read_project(self, project: str, traced_clients: frozenset[str], visit: Visit, gathering: Gathering) -> None:
        """Read what the clients read for sessions in `project`; a project that was deleted has none."""
        gathering.project(project)
        if not visit.exists(project, project):
            visit.watched.setdefault(project)
            return
        visit.anchor(project)
        names = visit.children(project, project)
        visit.nearby.append(Nearby(project, self._plan.names))
        for row, file, template in self._plan.for_names(names):
            if file.shared and row.id not in traced_clients:
                continue
            for folder in (project, *(folders_above(visit.os, project) if file.ancestors else ())):
                for path in expand(row, {visit.os: (template,)}, visit.os, home=visit.user.home, project=folder):
                    for match in visit.matches(path, below=folder):
                        origin = Origin(visit.os, row.id, visit.user.name, file.scope, match, project)
                        self._take(row, file, origin, visit.read(match, folder), gathering)

    def _take(
        self,
        row: ClientRow,
        file: FileRow,
        origin: Origin,
        content: Content,
        gathering: Gathering,
        *,
        change: Callable[[FileRead], FileRead] | None = None,
    ) -> tuple[str, ...]:
        read = FileRead()
        if isinstance(content, Data):
            key = (origin, file.format, file.shape, file.pointer, file.query)
            read = self._memory.made(key, content, lambda raw: _file_read(raw, file, origin))
        read = read if change is None else change(read)
        gathering.add(row, file, origin, content, read)
        return read.projects


def _file_read(raw: bytes, file: FileRow, origin: Origin) -> FileRead:
    parsed = opened(raw, file)
    if isinstance(parsed, Malformed):
        return FileRead(malformed=parsed)
    servers = Servers() if file.shape is None else read_shape(file.shape, parsed.value, file.pointer, origin)
    projects = () if file.projects is None else tuple(project_keys(parsed.value, file.projects, origin.os))
    return FileRead(Servers(servers.servers, located(servers.problems, parsed)), projects)


def _off(read: FileRead) -> FileRead:
    servers = tuple(replace(server, disabled=True) for server in read.servers.servers)
    return replace(read, servers=Servers(servers, read.servers.problems))


def _switched_off(state: StateRow, path: str, visit: Visit) -> bool:
    """Say whether the file beside `path` switches off what that defines."""
    folders = pure_path(visit.os, path).parents
    content = visit.read(str(folders[state.above] / state.path.replace("{folder}", folders[0].name)))
    parsed = parse_as(content.raw, "json") if isinstance(content, Data) else None
    return isinstance(parsed, Parsed) and at(parsed.value, state.off) is False


def _note_unread(row: ClientRow, visit: Visit, environment: Mapping[str, str], gathering: Gathering) -> None:
    """Say of the places of a client that cannot be read that they are there."""
    for place in row.unread:
        for path in expand(row, place.path, visit.os, home=visit.user.home, environment=environment):
            if visit.exists(path):
                gathering.unread(row, path, f"{path} {place.why}")


def _traced(row: ClientRow, visit: Visit, environment: Mapping[str, str]) -> bool:
    """Say whether the user has started the client, as far as the folders tell that it makes."""
    folders = expand(row, row.traces, visit.os, home=visit.user.home, environment=environment)
    return any(visit.exists(folder) for folder in folders)


def _closed(visit: Visit) -> str | None:
    """Say that nothing in the home can be looked at by this process, where it is so."""
    home = visit.user.home
    probe = visit.files.read(str(pure_path(visit.os, home) / ".mcp-compliance-probe"))
    if isinstance(probe, Unreadable) and probe.trouble is Trouble.FOREIGN:
        return f"{probe.text}: nothing of {visit.user.name} was seen"
    if isinstance(probe, Unreadable) and probe.trouble is Trouble.DENIED:
        return (
            f"{home} may not be entered by the agent, so nothing of {visit.user.name} was seen: run it as administrator"
        )
    return None
