"""Plugins of a client: which are installed, whether they are on, and the files in them that define servers."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Any, TypeVar

from agent.catalog.formats import Parsed, parse_as
from agent.catalog.maps import at
from agent.catalog.paths import expand, is_absolute
from agent.catalog.rows import ClientRow, FileRow, PluginsRow, Templates
from agent.core.place import Data, pure_path
from agent.sources.reading import Visit

_T = TypeVar("_T")

MAX_PLUGINS = 200
MAX_FILES = 10
"""Plugins of one user, and further files that one plugin names, that are looked at."""


@dataclass(frozen=True, slots=True)
class PluginFile:
    """One file of an installed plugin. `project` is the folder for which alone it is installed."""

    plugin: str
    root: str
    path: str
    row: FileRow
    off: bool
    project: str | None


def plugin_files(row: ClientRow, visit: Visit, environment: Mapping[str, str]) -> Iterator[PluginFile]:
    """Yield the files of every plugin that the client notes for this user."""
    plugins = row.plugins
    if plugins is None:
        return
    given = at(_first(row, plugins.settings, visit, environment), plugins.enabled)
    enabled: Mapping[str, object] = given if isinstance(given, Mapping) else {}
    yield from _seeded(plugins, enabled, visit, environment)
    for path, name, installed in _noted(row, plugins, visit, environment):
        off = enabled.get(name) is False
        listed = installed if isinstance(installed, list) else [installed]
        for one in _first_of(listed, MAX_FILES, path, visit):
            root = one.get("installPath") if isinstance(one, Mapping) else None
            if not isinstance(root, str) or not is_absolute(visit.os, root):
                continue
            project = one.get("projectPath")
            project = project if isinstance(project, str) and is_absolute(visit.os, project) else None
            yield from _files(plugins, str(name).partition("@")[0], root, visit, off=off, project=project)


def _noted(
    row: ClientRow, plugins: PluginsRow, visit: Visit, environment: Mapping[str, str]
) -> Iterator[tuple[str, str, Any]]:
    """Yield the plugins that the indexes name: the index, the name and what is noted of it."""
    for path in expand(row, plugins.index, visit.os, home=visit.user.home, environment=environment):
        noted = at(_value(visit, path), plugins.pointer)
        listed = list(noted.items()) if isinstance(noted, Mapping) else []
        yield from ((path, name, installed) for name, installed in _first_of(listed, MAX_PLUGINS, path, visit))


def _seeded(
    plugins: PluginsRow, enabled: Mapping[str, object], visit: Visit, environment: Mapping[str, str]
) -> Iterator[PluginFile]:
    """Yield the files of the plugins that lie in seed folders, which need no installation."""
    listed = environment.get(plugins.seeds, "") if plugins.seeds is not None else ""
    for seed in listed.split(";" if visit.os == "windows" else ":"):
        if not is_absolute(visit.os, seed):
            continue
        pattern = str(pure_path(visit.os, seed) / plugins.layout / "{}")
        matches = list(islice(visit.matches(pattern), MAX_PLUGINS + 1))
        for match in _first_of(matches, MAX_PLUGINS, seed, visit):
            root = pure_path(visit.os, match).parent
            name = f"{root.parts[-2]}@{root.parts[-3]}"
            yield from _files(
                plugins, root.parts[-2], str(root), visit, off=enabled.get(name) is not True, project=None
            )


def _files(
    plugins: PluginsRow, name: str, root: str, visit: Visit, *, off: bool, project: str | None
) -> Iterator[PluginFile]:
    folder = pure_path(visit.os, root)
    for file in plugins.file:
        for relative in file.path.get(visit.os, ()):
            path = str(folder / relative)
            yield PluginFile(name, root, path, file, off, project)
            if file.pointer:
                further = plugins.file[0]
                value = at(_value(visit, path), file.pointer)
                listed = _first_of(value if isinstance(value, list) else [value], MAX_FILES, path, visit)
                for other in (text for text in listed if isinstance(text, str) and text and "\0" not in text):
                    inside = folder / other
                    if ".." not in inside.parts and inside.is_relative_to(folder):
                        yield PluginFile(name, root, str(inside), further, off, project)


def _first_of(listed: list[_T], most: int, path: str, visit: Visit) -> list[_T]:
    """Return the first `most` of them, and note that `path` names more."""
    if len(listed) > most:
        visit.notes.truncated.setdefault(path)
    return listed[:most]


def _first(row: ClientRow, templates: Templates, visit: Visit, environment: Mapping[str, str]) -> object:
    paths = expand(row, templates, visit.os, home=visit.user.home, environment=environment)
    return next((value for path in paths if (value := _value(visit, path)) is not None), None)


def _value(visit: Visit, path: str) -> object:
    content = visit.read(path)
    parsed = parse_as(content.raw, "json") if isinstance(content, Data) else None
    return parsed.value if isinstance(parsed, Parsed) else None
