"""File formats: bytes → value, as the clients read them, or where the text is wrong."""

import re
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from agent.catalog.rows import Format
from agent.core.jsontext import JsonError, decode, line_of, parse, pointer
from agent.core.place import Place
from agent.core.server import Problem

_TOML_CAP = 1024 * 1024
"""Characters. TOML is read in pure Python, and a hostile document of this size takes seconds already."""
_LINES_CAP = 256 * 1024
_LINES_MOST = 10
_TOML_PLACE = re.compile(r" \(at line (\d+), column \d+\)$")


@dataclass(frozen=True, slots=True)
class Parsed:
    """The value of a file, and its text for finding lines in it."""

    value: Any = field(repr=False)
    text: str = field(repr=False)
    format: Format


@dataclass(frozen=True, slots=True)
class Malformed:
    """The text is not of its format; `message` never quotes it, as it may hold a secret."""

    message: str
    line: int | None = None


def parse_as(raw: bytes, form: Format) -> Parsed | Malformed:
    """Return the value of `raw`; an empty file has the value None. Any bytes give one or the other."""
    text = decode(raw)
    if not text.strip():
        return Parsed(None, text, form)
    if form == "toml":
        return _toml(text)
    try:
        return Parsed(parse(text, "jsonc" if form == "jsonc" else "strict"), text, form)
    except JsonError as error:
        return Malformed(f"not valid JSON: {error.message}", error.line)


def located(problems: Sequence[Problem], parsed: Parsed) -> tuple[Problem, ...]:
    """Return `problems` with the line of each entry; only so many, and only in files of a size where it is quick."""
    if len(parsed.text) > _LINES_CAP:
        return tuple(problems)
    find = _toml_line if parsed.format == "toml" else line_of
    some = [
        replace(
            problem, place=Place(problem.place.path, problem.place.pointer, find(parsed.text, problem.place.pointer))
        )
        for problem in problems[:_LINES_MOST]
    ]
    return (*some, *problems[_LINES_MOST:])


def _toml(text: str) -> Parsed | Malformed:
    if len(text) > _TOML_CAP:
        return Malformed(f"longer than {_TOML_CAP} characters, which is the most that is read of a TOML file")
    try:
        return Parsed(tomllib.loads(text), text, "toml")
    except RecursionError:
        return Malformed("nested too deeply")
    except ValueError as error:  # TOMLDecodeError, or a number of more digits than Python reads
        place = _TOML_PLACE.search(str(error))
        return Malformed("not valid TOML", int(place[1]) if place else None)


def _toml_line(text: str, target: str) -> int | None:
    """Return the line of the table header that opens `target`, None where it is written in another way."""
    for number, line in enumerate(text.splitlines(), 1):
        header = line.strip()
        if header.startswith("[") and header.endswith("]"):
            parts = re.findall(r'"((?:[^"\\]|\\.)*)"|\'([^\']*)\'|([^\s.\[\]]+)', header.strip("[]"))
            if pointer(*("".join(part) for part in parts)) == target:
                return number
    return None
