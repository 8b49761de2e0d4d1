"""From the bytes of a catalogued file to its value: out of a database or another file where it stands in one."""

import base64
import binascii
from dataclasses import replace

from agent.catalog.formats import Malformed, Parsed, parse_as
from agent.catalog.maps import at
from agent.catalog.rows import FileRow, Format, PointerRow, ProjectsRow
from agent.core.place import Content, Data
from agent.host.database import DatabaseError, answer
from agent.host.database_logs import with_journal, with_log
from agent.sources.reading import Visit


def opened(raw: bytes, row: FileRow | ProjectsRow | PointerRow) -> Parsed | Malformed:
    """Return the value that stands in `raw`, as `row` says, or what is wrong with it. A part that is not there is None."""
    query = None if isinstance(row, PointerRow) else row.query
    if query is not None:
        return _answered(raw, query, row.format)
    wrap = row.wrap if isinstance(row, FileRow) else None
    if wrap is None:
        return parse_as(raw, row.format)
    outer = parse_as(raw, wrap.format)
    if isinstance(outer, Malformed):
        return outer
    text = at(outer.value, wrap.pointer)
    inner = text if isinstance(text, bytes) else text.encode("utf-8", "replace") if isinstance(text, str) else b""
    if wrap.base64:
        try:
            inner = base64.b64decode(inner)
        except (binascii.Error, ValueError):
            return Malformed(f"what stands at {wrap.pointer} is not Base64")
    found = parse_as(inner, row.format)
    return Malformed(f"at {wrap.pointer}: {found.message}") if isinstance(found, Malformed) else found


def read_whole(visit: Visit, path: str, row: FileRow | ProjectsRow, fence: str | None = None) -> Content:
    """Read `path`; a database with what stands in the logs beside it, which are read first: they only ever go into it."""
    if row.query is None:
        return visit.read(path, fence)
    log = visit.aside(f"{path}-wal", fence)
    content = visit.read(path, fence)
    journal = visit.aside(f"{path}-journal", fence)
    if not isinstance(content, Data):
        return content
    raw = with_log(content.raw, log.raw) if isinstance(log, Data) else content.raw
    return replace(content, raw=with_journal(raw, journal.raw) if isinstance(journal, Data) else raw)


def _answered(raw: bytes, query: str, form: Format) -> Parsed | Malformed:
    """Return the answer with each value parsed; lines tell nothing in a database, so it has no text."""
    try:
        rows = answer(raw, query)
    except DatabaseError as error:
        return Malformed(str(error))
    found: dict[str, object] = {}
    for key, value in rows.items():
        if isinstance(value, str | bytes):
            parsed = parse_as(value if isinstance(value, bytes) else value.encode("utf-8", "replace"), form)
            if isinstance(parsed, Malformed):
                return Malformed(f"{key}: {parsed.message}")
            found[key] = parsed.value
        else:
            found[key] = value
    return Parsed(found, "", form)
