"""The accounts and groups of the examined machine, as lines of passwd(5) and group(5).

macOS asks `/etc/passwd` and `/etc/group` in single-user mode alone: its people and groups stand in a record each, which only
root may read, those of a directory that are kept here among them. A record counts before a line of the files.
"""

from collections.abc import Iterator, Mapping

from agent.catalog.format_error import FormatError
from agent.catalog.xmltext import parse_plist
from agent.core.jsontext import decode
from agent.core.place import Data, Missing, Names
from agent.ports import Files

_RECORDS = "/var/db/dslocal/nodes/Default"
_SYSTEMS_OWN = ("_", "com.apple.")
"""How the records begin that are services', not people's."""

Record = Mapping[str, tuple[str, ...]]


def passwd_lines(files: Files) -> list[str]:
    """Return the accounts; none on Windows."""
    return [*filter(None, map(_account, _records(files, "users"))), *_lines(files, "/etc/passwd")]


def group_lines(files: Files) -> list[str]:
    """Return the groups with the members that they name; none on Windows."""
    return [*filter(None, map(_group, _records(files, "groups"))), *_lines(files, "/etc/group")]


def _account(record: Record) -> str | None:
    fields = [_first(record, name) for name in ("name", "uid", "gid", "home", "shell")]
    name, uid, gid, home, shell = fields
    return _line(name, "x", uid, gid, "", home, shell) if name and home else None


def _group(record: Record) -> str | None:
    return _line(_first(record, "name"), "x", _first(record, "gid"), ",".join(record.get("users", ())))


def _line(*fields: str) -> str | None:
    """Return the line; None where a value would be taken for more than one field."""
    return None if any(":" in field or "\n" in field for field in fields) else ":".join(fields)


def _first(record: Record, name: str) -> str:
    return next(iter(record.get(name, ())), "")


def _records(files: Files, kind: str) -> Iterator[Record]:
    listing = files.names(f"{_RECORDS}/{kind}") if files.os == "macos" else Missing()
    for name in listing.names if isinstance(listing, Names) else ():
        content = files.read(f"{_RECORDS}/{kind}/{name}") if not name.startswith(_SYSTEMS_OWN) else Missing()
        if isinstance(content, Data):
            yield _record(content.raw)


def _record(raw: bytes) -> Record:
    """Return the texts of each attribute of a record of macOS; nothing of what is none."""
    try:
        value = parse_plist(raw, decode(raw))
    except FormatError:
        return {}
    pairs = value.items() if isinstance(value, Mapping) else ()
    return {
        str(key): tuple(item for item in given if isinstance(item, str))
        for key, given in pairs
        if isinstance(given, list)
    }


def _lines(files: Files, path: str) -> list[str]:
    content = files.read(path) if files.os != "windows" else Missing()
    return content.raw.decode("utf-8", "replace").splitlines() if isinstance(content, Data) else []
