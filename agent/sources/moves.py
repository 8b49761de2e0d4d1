"""Where a user's clients keep their configuration besides the usual places, as files and folders on the disk tell.

Both ways give variables, as if they stood in the environment of the client: the templates of the catalog know nothing else.
"""

from collections.abc import Iterator, Mapping
from functools import lru_cache
from itertools import takewhile
from pathlib import PureWindowsPath

from agent.catalog.formats import Parsed
from agent.catalog.maps import at
from agent.catalog.paths import expand
from agent.catalog.rows import Catalog, ClientRow, PointerRow
from agent.catalog.xmltext import descend
from agent.core.place import Data, Missing, Names, Os
from agent.sources.opening import opened
from agent.sources.reading import Visit

_PACKAGES = ("AppData", "Local", "Packages")
_REDIRECTED = {"APPDATA": ("LocalCache", "Roaming"), "LOCALAPPDATA": ("LocalCache", "Local")}
"""Where Windows puts what a packaged (MSIX) program writes below these folders (learn.microsoft.com, "Understanding how packaged
desktop apps run on Windows")."""
_MARK = "C:\\<moved>"
_DEEP = 2
_MOST = 1000
"""Packages of one user that are looked at."""


class Packages:
    """Finds the packaged programs of Windows that keep something of a client: Windows moves the folders that they write to."""

    def __init__(self, catalog: Catalog, os: Os) -> None:
        self._wanted = _wanted(catalog) if os == "windows" else {}

    def environments(self, visit: Visit) -> Iterator[Mapping[str, str]]:
        """Yield the environment in which each of them lives."""
        folder = PureWindowsPath(visit.user.home, *_PACKAGES)
        listing = visit.names(str(folder)) if visit.os == "windows" else Missing()
        for package in listing.names[:_MOST] if isinstance(listing, Names) else ():
            roots = {name: folder.joinpath(package, *below) for name, below in _REDIRECTED.items()}
            moved = {name: str(root) for name, root in roots.items() if self._is_used(visit, name, root)}
            if moved:
                yield moved

    def _is_used(self, visit: Visit, name: str, root: PureWindowsPath) -> bool:
        held = visit.names(str(root))
        names = {visit.folded(one) for one in held.names} if isinstance(held, Names) else set()
        places = (place for place in self._wanted[name] if visit.folded(place.parts[0]) in names)
        return any(visit.exists(str(root / place)) for place in places)


@lru_cache(maxsize=1)
def _wanted(catalog: Catalog) -> Mapping[str, frozenset[PureWindowsPath]]:
    return {name: frozenset(place for place in _below(catalog, name) if place.parts) for name in _REDIRECTED}


def _below(catalog: Catalog, variable: str) -> Iterator[PureWindowsPath]:
    """Yield the folders that clients have below one of Windows' folders, as far as two names tell them."""
    elsewhere = {variable: _MARK}
    for row in catalog.rows:
        for template in row.templates:
            for path in expand(row, {"windows": (template,)}, "windows", home="C:\\", environment=elsewhere):
                place = PureWindowsPath(path)
                if place.is_relative_to(_MARK):
                    fixed = takewhile(lambda part: "*" not in part, place.relative_to(_MARK).parts[:_DEEP])
                    yield PureWindowsPath(*fixed)


def pointed(row: ClientRow, visit: Visit, environment: Mapping[str, str]) -> Mapping[str, str]:
    """Return `environment` with the variables that files of the client give a value."""
    found = dict(environment)
    for place in row.pointer:
        for path in expand(row, place.path, visit.os, home=visit.user.home, environment=environment):
            for match in visit.matches(path):
                content = visit.read(match)
                parsed = opened(content.raw, place) if isinstance(content, Data) else None
                value = _value(parsed.value, place) if isinstance(parsed, Parsed) else None
                if isinstance(value, str) and value:
                    found[place.variable] = visit.user.home + value[1:] if value.startswith("~") else value
    return found


def _value(value: object, place: PointerRow) -> object:
    if place.format != "xml" or not isinstance(value, Mapping):
        return at(value, place.pointer)
    elements = (element["attributes"] for element in descend(value, "entry", "option"))
    return next((one.get("value") for one in elements if place.pointer in (one.get("key"), one.get("name"))), None)
