"""Which version of a client is installed, read without running anything."""

import re
from collections.abc import Iterator, Mapping

from agent.catalog.formats import Parsed, parse_as
from agent.catalog.maps import at
from agent.catalog.paths import expand
from agent.catalog.rows import ClientRow, Templates, VersionRow
from agent.core.place import Data, Names, Unreadable, pure_path
from agent.sources.reading import Visit

_VERSION = re.compile(r"(\d{1,6})\.(\d{1,6})\.(\d{1,6})")


def installed_version(row: ClientRow, visit: Visit, environment: Mapping[str, str]) -> str | None:
    """Return the lowest of the versions that the user could start, one per kind of installation; None where none is found."""
    found: dict[str, str] = {}
    hints: dict[str, str] = {}
    for place in row.version:
        into = hints if place.hint else found
        if place.kind not in into:
            version = next(_versions(row, place, visit, environment), None)
            if version is not None:
                into[place.kind] = version
    return min((found or hints).values(), key=_rank, default=None)


def _versions(row: ClientRow, place: VersionRow, visit: Visit, environment: Mapping[str, str]) -> Iterator[str]:
    def paths(templates: Templates) -> tuple[str, ...]:
        return expand(
            row, {visit.os: templates.get(visit.os, ())}, visit.os, home=visit.user.home, environment=environment
        )

    for template in paths(place.path):
        for path in visit.matches(template):
            yield from _stated(visit, path, place.pointer)
    for folder in paths(place.folder):
        listing = visit.names(folder)
        names = listing.names if isinstance(listing, Names) else ()
        yield from sorted(filter(_VERSION.fullmatch, names), key=_rank, reverse=True)[:1]
    if place.link is not None:
        for path in paths({visit.os: (place.link,)}):
            yield from _linked(visit, path)


def _stated(visit: Visit, path: str, pointer: str) -> Iterator[str]:
    content = visit.outside(path, visit.user)
    parsed = parse_as(content.raw, "json") if isinstance(content, Data) else None
    version = at(parsed.value, pointer) if isinstance(parsed, Parsed) else None
    if isinstance(version, str) and _VERSION.fullmatch(version):
        yield version


def _linked(visit: Visit, path: str) -> Iterator[str]:
    """Yield the name of the file that `path` leads to. Listing it as a folder walks there and reads nothing."""
    found = visit.names(path)
    last = found.access[-1].path if isinstance(found, Unreadable) and found.access else ""
    name = pure_path(visit.os, last).name
    if last != path and _VERSION.fullmatch(name):
        yield name


def _rank(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split("."))
