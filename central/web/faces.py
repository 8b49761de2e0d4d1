"""What becomes of an answer: JSON for programs, CSV for spreadsheets, HTML for people. All three are of the same values."""

import csv
import io
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import orjson
from starlette.responses import Response

from central.core.times import moment

_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")
_TIMES = frozenset({"at", "since", "oldest", "newest", "first_seen", "last_seen"})


def json_answer(value: object, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """Return `value` as a JSON answer."""
    return Response(orjson.dumps(value), status, headers, "application/json")


def csv_lines(rows: Iterable[Mapping[str, Any]], names: Sequence[str]) -> Iterator[str]:
    """Yield the heading and one line per row. Times are written as ISO 8601, lists and mappings on one line."""
    yield _csv_line(names)
    for row in rows:
        yield _csv_line([_cell(name, row.get(name)) for name in names])


def json_lines(rows: Iterable[Mapping[str, Any]]) -> Iterator[bytes]:
    """Yield the pieces of a JSON array of the rows."""
    before = b"["
    for row in rows:
        yield before + orjson.dumps(row)
        before = b",\n"
    yield b"[]\n" if before == b"[" else b"]\n"


def _csv_line(cells: Iterable[object]) -> str:
    written = io.StringIO()
    csv.writer(written).writerow([_tame(cell) for cell in cells])
    return written.getvalue()


def _cell(name: str, value: object) -> object:
    if value is None:
        return ""
    if isinstance(value, float) and (name in _TIMES or name.endswith("_at")):
        return moment(value)
    if isinstance(value, Mapping):
        return "; ".join(f"{key}: {_cell(str(key), item)}" for key, item in value.items())
    if isinstance(value, list | tuple):
        return "; ".join(str(_cell(name, item)) for item in value)
    return value


def _tame(cell: object) -> object:
    """Return a text that no spreadsheet takes for a formula: one that begins like one gets an apostrophe in front."""
    return f"'{cell}" if isinstance(cell, str) and cell.startswith(_FORMULA) else cell
