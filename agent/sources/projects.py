"""Which projects a user has, without crawling the disk: those that clients remember, and those that were named."""

from collections.abc import Mapping

from agent.catalog.formats import Parsed, parse_as
from agent.catalog.paths import expand, folder_of_uri
from agent.catalog.rows import ClientRow, ProjectsRow
from agent.catalog.shapes import at, project_keys
from agent.core.access import may_read
from agent.core.place import Data, Missing, Trouble, Unreadable, pure_path
from agent.sources.reading import Visit


def remembered_projects(row: ClientRow, place: ProjectsRow, visit: Visit, environment: Mapping[str, str]) -> list[str]:
    """Return the projects that a client remembers in `place`."""
    found: list[str] = []
    for path in expand(row, place.path, visit.os, home=visit.user.home, environment=environment):
        for match in visit.matches(path):
            content = visit.read(match)
            parsed = parse_as(content.raw, place.format) if isinstance(content, Data) else None
            if not isinstance(parsed, Parsed):
                continue
            if place.shape == "keys":
                found += project_keys(parsed.value, place.pointer, visit.os)
            else:
                uri = at(parsed.value, place.pointer)
                folder = folder_of_uri(visit.os, uri) if isinstance(uri, str) else None
                found += [] if folder is None else [str(pure_path(visit.os, folder))]
    return found


def may_enter(visit: Visit, project: str) -> bool:
    """Say whether the user's client could work in `project`: a folder that is not there counts as one that could be."""
    found = visit.files.read(project)  # a folder read as a file tells the facts of the way, and lists nothing
    denied = isinstance(found, Unreadable) and found.trouble is Trouble.DENIED
    return not denied and (isinstance(found, Missing) or may_read(found.access, visit.user))
