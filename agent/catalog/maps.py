"""Maps and lists of entries → servers; what every shape is made of."""

from collections.abc import Iterable, Mapping
from itertools import islice

from agent.catalog.entries import COMMON, MAX_ENTRIES, Dialect, Origin, Servers, entry_problem, problem, read_entry
from agent.core.jsontext import pointer as pointer_to
from agent.core.server import Problem, Server

TOO_MANY = "too-many-servers"
"""The code of the problem that says that not all was read."""


def at(value: object, pointer: str) -> object:
    """Return what stands at an RFC 6901 `pointer` below objects, None where there is nothing."""
    for part in pointer.split("/")[1:]:
        if not isinstance(value, Mapping):
            return None
        value = value.get(part.replace("~1", "/").replace("~0", "~"))
    return value


def read_map(value: object, pointer: str, origin: Origin, dialect: Dialect = COMMON) -> Servers:
    """Read a map from names to entries, or a list of entries that hold their name."""
    if value is None:
        return Servers()
    if isinstance(value, list):
        return _read(
            ((_name(entry, at), str(at), entry) for at, entry in enumerate(value)), len(value), pointer, origin, dialect
        )
    if not isinstance(value, Mapping):
        text = "The servers are not an object from names to entries, so none of them counts."
        return Servers(problems=(problem(origin, pointer, "invalid-servers", text),))
    return _read(((str(name), name, entry) for name, entry in value.items()), len(value), pointer, origin, dialect)


def too_many(origin: Origin, pointer: str, count: int, most: int = MAX_ENTRIES) -> Servers:
    """Return the problem of a map that holds more than is read."""
    text = f"There are {count} entries here; the first {most} were read and the others were not."
    return Servers(problems=(problem(origin, pointer, TOO_MANY, text),))


def _read(
    entries: Iterable[tuple[str, object, object]], count: int, pointer: str, origin: Origin, dialect: Dialect
) -> Servers:
    servers: list[Server] = []
    problems: list[Problem] = []
    for name, key, entry in islice(entries, MAX_ENTRIES):
        where = pointer + pointer_to(str(key))
        read = read_entry(name, entry, where, origin, dialect)
        if isinstance(read, Server):
            servers.append(read)
        elif read is not None:
            problems.append(entry_problem(origin, where, name, read))
    over = too_many(origin, pointer, count) if count > MAX_ENTRIES else Servers()
    return Servers(tuple(servers), tuple(problems)) + over


def _name(entry: object, number: int) -> str:
    """Return how a list's entry calls itself; a number where it does not."""
    found = [entry.get(key) for key in ("name", "label", "id", "uuid")] if isinstance(entry, Mapping) else []
    return next((name for name in found if isinstance(name, str) and name), str(number))
