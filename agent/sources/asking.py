"""What the parts of a look ask: all that one client keeps for a user, all that the clients read in one project.

Each answer depends on nothing but what the visit reads and on what is passed in: so it can be recalled (`agent.sources.recall`).
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import chain

from agent.catalog.entries import Origin, Servers
from agent.catalog.formats import Malformed, Parsed, located, parse_as
from agent.catalog.maps import at
from agent.catalog.paths import expand
from agent.catalog.rows import Catalog, ClientRow, FileRow, Format, StateRow
from agent.catalog.shapes import project_keys, read_shape
from agent.core.entry import plugin_servers
from agent.core.observation import Coverage, CoverageState, Scope
from agent.core.place import Content, Data, Missing, pure_path
from agent.ports import Nearby
from agent.sources.gathering import Addition, FileRead, addition
from agent.sources.moves import pointed
from agent.sources.opening import opened, read_whole
from agent.sources.plugins import PluginFile, plugin_files
from agent.sources.projects import ProjectPlan, folders_read, remembered_projects, repository_of
from agent.sources.reading import Parses, Visit
from agent.sources.versions import installed_version

FileParses = Parses[FileRead]


@dataclass(frozen=True, slots=True)
class OfClient:
    """What the files of one client in one environment give; `projects` are those that it remembers."""

    client: str
    added: tuple[Addition, ...]
    projects: tuple[str, ...]
    version: str | None


@dataclass(frozen=True, slots=True)
class OfProject:
    """What the clients read for sessions in one project; `repository` is the root of the repository that holds it."""

    added: tuple[Addition, ...]
    repository: str | None


def of_client(row: ClientRow, visit: Visit, environment: Mapping[str, str], parses: FileParses) -> OfClient:
    """Read what `row` keeps for the user, outside of projects."""
    added: list[Addition] = []
    projects: dict[str, None] = {}
    environment = pointed(row, visit, environment)
    started = traced(row, visit, environment)
    for file in (file for file in row.file if not file.in_project and (started or not file.shared)):
        for one, remembered in _user_file(row, file, visit, environment, parses):
            added.append(one)
            projects |= dict.fromkeys(remembered)
    added += _unread(row, visit, environment)
    added += [_plugin(row, plugin, visit, parses) for plugin in plugin_files(row, visit, environment)]
    for place in row.projects:
        projects |= dict.fromkeys(remembered_projects(row, place, visit, environment))
    return OfClient(row.id, tuple(added), tuple(projects), installed_version(row, visit, environment))


def of_project(
    project: str, plan: ProjectPlan, traced_clients: frozenset[str], visit: Visit, parses: FileParses
) -> OfProject:
    """Read what the clients read for sessions in `project`; a project that was deleted has none."""
    if not visit.exists(project, project):
        visit.notes.watched.setdefault(project)
        return OfProject((), repository_of(visit, project))
    visit.anchor(project)
    repository = repository_of(visit, project)
    names = visit.children(project, project)
    visit.notes.nearby.append(Nearby(project, plan.names))
    added: list[Addition] = []
    for row, file, template in plan.for_names(names, nested=repository not in (None, project)):
        if file.shared and row.id not in traced_clients:
            continue
        for folder in folders_read(file, project, repository, visit.os):
            if _overridden(row, file, visit, {}, folder):
                continue
            for path in expand(row, {visit.os: (template,)}, visit.os, home=visit.user.home, project=folder):
                for match in visit.matches(path, below=folder):
                    origin = Origin(visit.os, row.id, visit.user.name, file.scope, match, project, row.off)
                    content = visit.read(match, folder)
                    read = _read(file, origin, content, parses)
                    added.append(addition(visit.user, row, file, origin, content, read))
    return OfProject(tuple(added), repository)


def _user_file(
    row: ClientRow, file: FileRow, visit: Visit, environment: Mapping[str, str], parses: FileParses
) -> Iterator[tuple[Addition, tuple[str, ...]]]:
    """Yield what the files that `file` stands for add, each with the projects that it remembers."""
    home, os = visit.user.home, visit.os
    if _overridden(row, file, visit, environment):
        return
    for path in expand(row, file.path, os, home=home, environment=environment):
        for match in visit.matches(path):
            owner = None if file.of_device(os) else visit.user.name
            content = _content(visit, match, file)
            origin = Origin(os, row.id, owner, file.scope, match, off=row.off)
            read = _read(file, origin, content, parses)
            for state in file.state:
                read = _in_state(read, state, match, visit)
            yield addition(visit.user, row, file, origin, content, read), read.projects


def _overridden(
    row: ClientRow, file: FileRow, visit: Visit, environment: Mapping[str, str], folder: str | None = None
) -> bool:
    """Say whether the client reads another file in the place of this one."""
    templates = {visit.os: (file.unless,)} if file.unless else {}
    rivals = expand(row, templates, visit.os, home=visit.user.home, environment=environment, project=folder)
    return any(not isinstance(visit.read(rival, folder), Missing) for rival in rivals)


def _plugin(row: ClientRow, plugin: PluginFile, visit: Visit, parses: FileParses) -> Addition:
    """Read a file of a plugin; its servers are named after it, and have its folder put in."""
    origin = Origin(visit.os, row.id, visit.user.name, plugin.row.scope, plugin.path, plugin.project, row.off)
    content = visit.read(plugin.path)
    read = _read(plugin.row, origin, content, parses)
    servers = plugin_servers(read.servers.servers, plugin=plugin.plugin, root=plugin.root)
    servers = tuple(replace(server, disabled=True) for server in servers) if plugin.off else servers
    named = replace(read, servers=Servers(servers, read.servers.problems))
    return addition(visit.user, row, plugin.row, origin, content, named)


def _content(visit: Visit, path: str, file: FileRow) -> Content:
    """Return the content; administrators may have linked the device's files anywhere."""
    fence = pure_path(visit.os, path).anchor if file.of_device(visit.os) else None
    return read_whole(visit, path, file, fence)


def _read(file: FileRow, origin: Origin, content: Content, parses: FileParses) -> FileRead:
    if not isinstance(content, Data):
        return FileRead()
    key = (origin, file.format, file.shape, file.pointer, file.query)
    return parses.made(key, content, lambda raw: file_read(raw, file, origin))


def file_read(raw: bytes, file: FileRow, origin: Origin) -> FileRead:
    """Return what the bytes of one file give; any bytes give something."""
    parsed = opened(raw, file)
    if isinstance(parsed, Malformed):
        return FileRead(malformed=parsed)
    servers = Servers() if file.shape is None else read_shape(file.shape, parsed.value, file.pointer, origin)
    projects = () if file.projects is None else tuple(project_keys(parsed.value, file.projects, origin.os))
    return FileRead(Servers(servers.servers, located(servers.problems, parsed)), projects)


def _in_state(read: FileRead, state: StateRow, path: str, visit: Visit) -> FileRead:
    """Return what was read of `path` as the files beside it leave it."""
    folders = pure_path(visit.os, path).parents
    beside = str(folders[state.above] / state.path.replace("{folder}", folders[0].name))
    values = [value for match in visit.matches(beside) if (value := _value(visit, match, state.format)) is not None]

    def stand(pointer: str | None) -> list[object]:
        pointer = pointer.replace("{folder}", folders[0].name.replace("~", "~0")) if pointer is not None else None
        return [at(value, pointer) for value in values] if pointer is not None else []

    def keys(pointer: str | None) -> frozenset[object]:
        return frozenset(chain.from_iterable(found for found in stand(pointer) if isinstance(found, Mapping)))

    off = any(found is False for found in stand(state.off))
    on, defined = keys(state.on), keys(state.defined)
    notes = {name: text for name, where in state.notes.items() for text in stand(where) if isinstance(text, str)}
    servers = tuple(
        replace(
            server,
            disabled=server.disabled or off or (state.on is not None and server.name not in on),
            provenance={**server.provenance, **notes},
        )
        for server in read.servers.servers
        if server.name not in defined
    )
    return replace(read, servers=Servers(servers, read.servers.problems))


def _value(visit: Visit, path: str, form: Format) -> object:
    content = visit.read(path)
    parsed = parse_as(content.raw, form) if isinstance(content, Data) else None
    return parsed.value if isinstance(parsed, Parsed) else None


def _unread(row: ClientRow, visit: Visit, environment: Mapping[str, str]) -> Iterator[Addition]:
    """Say of the places of a client that cannot be read that they are there."""
    for place in row.unread:
        for path in expand(row, place.path, visit.os, home=visit.user.home, environment=environment):
            if visit.exists(path):
                scope = Scope("config", visit.user.name, row.id, path)
                yield Addition(coverage=Coverage(scope, CoverageState.SKIPPED, f"{path} {place.why}"))


def traced_clients(catalog: Catalog, visit: Visit) -> frozenset[str]:
    """Return the clients that the user has started, as far as folders tell."""
    return frozenset(row.id for row in catalog.rows if row.traces and traced(row, visit, {}))


def traced(row: ClientRow, visit: Visit, environment: Mapping[str, str]) -> bool:
    """Say whether the user has started the client, as far as the folders tell that it makes."""
    folders = expand(row, row.traces, visit.os, home=visit.user.home, environment=environment)
    return any(visit.exists(folder) for folder in folders)
