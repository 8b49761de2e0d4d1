"""Which projects a user has, without crawling the disk: those that clients remember, and those that were named."""

import ntpath
import posixpath
from collections.abc import Callable, Iterator, Mapping
from pathlib import PurePosixPath

from agent.catalog.formats import Parsed, parse_as
from agent.catalog.maps import at
from agent.catalog.paths import expand, folder_of_uri, folders_above, is_absolute
from agent.catalog.rows import Catalog, ClientRow, FileRow, ProjectsRow
from agent.catalog.shapes import project_keys
from agent.catalog.xmltext import descend
from agent.core.access import may_read
from agent.core.place import Data, Missing, Os, Trouble, Unreadable, pure_path
from agent.sources.opening import opened, read_whole
from agent.sources.reading import Visit

_PROJECT = "<project>/"
_JETBRAINS_HOME = "$USER_HOME$"

_Planned = tuple[ClientRow, FileRow, str]


class ProjectPlan:
    """What clients read in a project, by the first name below it: most projects hold few of those names."""

    def __init__(self, catalog: Catalog, os: Os) -> None:
        self._os = os
        self._always: list[tuple[int, _Planned]] = []
        self._nested: list[tuple[int, _Planned]] = []
        self._by_name: dict[str, list[tuple[int, _Planned]]] = {}
        number = 0
        for row in catalog.rows:
            for file in (file for file in row.file if file.in_project):
                for template in file.path.get(os, ()):
                    number += 1
                    self._sort_in(number, (row, file, template))
        self.names = frozenset(self._by_name)
        """The first names below a project, without case."""

    def for_names(self, names: frozenset[str] | None, *, nested: bool) -> Iterator[_Planned]:
        """Yield what is to be read in a project that holds `names` (None: not known), in the catalog's order.

        A project is nested if it lies below the root of its repository.
        """
        held = {name.casefold() for name in names} if names is not None else self._by_name.keys()
        wanted = {number: planned for name in held for number, planned in self._by_name.get(name, ())}
        wanted |= dict([*self._always, *(self._nested if nested else ())])
        yield from (wanted[number] for number in sorted(wanted))

    def _sort_in(self, number: int, planned: _Planned) -> None:
        _, file, template = planned
        first = PurePosixPath(template.removeprefix(_PROJECT)).parts[0].casefold()
        named = self._by_name.setdefault(first, [])
        if "*" in first or file.ancestors == "all":
            self._always.append((number, planned))
            return
        named.append((number, planned))
        if file.ancestors == "repository":
            self._nested.append((number, planned))


def folders_read(file: FileRow, project: str, repository: str | None, os: Os) -> tuple[str, ...]:
    """Return the folders in which the client reads `file` for sessions in `project`, nearest first."""
    above = folders_above(os, project) if file.ancestors else ()
    if file.ancestors == "repository":
        above = above[: above.index(repository) + 1] if repository in above else ()
    return (project, *above)


def repository_of(visit: Visit, project: str) -> str | None:
    """Return the root of the repository that holds `project`, itself included; None where none does.

    Claude Code keeps its state for the root of the repository (observed with 2.1.330: a session below it has its local servers).
    """
    for folder in folders_above(visit.os, project):
        git = str(pure_path(visit.os, folder) / ".git")
        if not isinstance(visit.outside(git, visit.user), Missing):
            return folder
    return None


def remembered_projects(row: ClientRow, place: ProjectsRow, visit: Visit, environment: Mapping[str, str]) -> list[str]:
    """Return the projects that a client remembers in `place`."""
    found: list[str] = []
    for path in expand(row, place.path, visit.os, home=visit.user.home, environment=environment):
        for match in visit.matches(path):
            content = read_whole(visit, match, place)
            parsed = opened(content.raw, place) if isinstance(content, Data) else None
            if isinstance(parsed, Parsed):
                found += _folders(parsed.value, place, visit)
    return found


def _workspace(visit: Visit, path: str) -> Iterator[str]:
    """Yield the folder of a workspace file of VS Code, and the folders that the file lists."""
    folder = pure_path(visit.os, path).parent
    yield str(folder)
    content = visit.read(path)
    parsed = parse_as(content.raw, "jsonc") if isinstance(content, Data) else None
    listed = at(parsed.value, "/folders") if isinstance(parsed, Parsed) else None
    for item in listed if isinstance(listed, list) else ():
        given = item.get("path") if isinstance(item, Mapping) else None
        if isinstance(given, str) and given:
            yield (ntpath if visit.os == "windows" else posixpath).normpath(str(folder / given))


def _folders(value: object, place: ProjectsRow, visit: Visit) -> Iterator[str]:
    """Yield the projects that stand in `value`, in the examined system's spelling."""
    if place.shape == "keys":
        yield from project_keys(value, place.pointer, visit.os)
        return
    for text in _TEXTS[place.shape](value, place.pointer, visit.user.home):
        folder = folder_of_uri(visit.os, text) if ":/" in text[2:] else text
        if folder is not None and is_absolute(visit.os, folder):
            yield from _workspace(visit, folder) if place.shape == "workspace" else (str(pure_path(visit.os, folder)),)


def _uris(value: object, pointer: str, _: str) -> Iterator[str]:
    """Yield the URIs in a text, a list of texts, or a list of objects that hold one."""
    found = at(value, pointer)
    for item in found if isinstance(found, list) else [found]:
        given = item.get("folderUri") or item.get("uri") or item.get("path") if isinstance(item, Mapping) else item
        if isinstance(given, str):
            yield given


def _lines(value: object, pointer: str, _: str) -> Iterator[str]:
    """Yield the lines of a text."""
    found = at(value, pointer)
    yield from found.splitlines() if isinstance(found, str) else ()


def _jetbrains(value: object, _: str, home: str) -> Iterator[str]:
    """Yield the recent projects of a JetBrains IDE: keys of entries, or values of options."""
    if isinstance(value, Mapping):
        for element in descend(value, "entry", "option"):
            text = element["attributes"].get("key") or element["attributes"].get("value") or ""
            if text.startswith((_JETBRAINS_HOME, "/")) or text[1:3] == ":/":
                yield text.replace(_JETBRAINS_HOME, home)


_TEXTS: Mapping[str, Callable[[object, str, str], Iterator[str]]] = {
    "uri": _uris,
    "uris": _uris,
    "workspace": _uris,
    "lines": _lines,
    "jetbrains": _jetbrains,
}
"""What yields the texts of each shape that may name a folder."""


def may_enter(visit: Visit, project: str) -> bool:
    """Say whether the user's client could work in `project`: a folder that is not there counts as one that could be."""
    found = visit.outside(project)  # a folder read as a file tells the facts of the way, and lists nothing
    denied = isinstance(found, Unreadable) and found.trouble is Trouble.DENIED
    return not denied and (isinstance(found, Missing) or may_read(found.access, visit.user))
