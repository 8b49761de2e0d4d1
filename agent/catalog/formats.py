"""File formats: bytes → value, as the clients read them, or where the text is wrong."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from agent.catalog.format_error import FormatError
from agent.catalog.json5 import as_jsonc
from agent.catalog.linetext import parse_properties, shell_commands
from agent.catalog.rows import Format
from agent.catalog.tomltext import parse_toml
from agent.catalog.xmltext import parse_plist, parse_xml
from agent.catalog.yamltext import front_matter, parse_yaml, yaml_line
from agent.core.jsontext import JsonError, decode, decode_utf8, line_of, parse, pointer
from agent.core.place import Place
from agent.core.server import Problem

_LINES_CAP = 256 * 1024
_LINES_MOST = 10


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
    try:
        return Parsed(_PARSERS[form](raw, text), text, form)
    except JsonError as error:
        return Malformed(f"not valid JSON: {error.message}", error.line)
    except FormatError as error:
        return Malformed(error.message, error.line)


def located(problems: Sequence[Problem], parsed: Parsed) -> tuple[Problem, ...]:
    """Return `problems` with the line of each entry; only so many, and only in files of a size where it is quick."""
    find = _LINES.get(parsed.format)
    if find is None or len(parsed.text) > _LINES_CAP:
        return tuple(problems)
    some = [
        replace(
            problem, place=Place(problem.place.path, problem.place.pointer, find(parsed.text, problem.place.pointer))
        )
        for problem in problems[:_LINES_MOST]
    ]
    return (*some, *problems[_LINES_MOST:])


def _front_matter(_: bytes, text: str) -> object:
    matter = front_matter(text)
    return parse_yaml(matter) if matter.strip() else None


_PARSERS: Mapping[Format, Callable[[bytes, str], object]] = {
    "json": lambda _, text: parse(text, "strict"),
    "json-utf8": lambda raw, _: parse(decode_utf8(raw), "strict"),
    "jsonc": lambda _, text: parse(text, "jsonc"),
    "json5": lambda _, text: parse(as_jsonc(text), "jsonc"),
    "toml": lambda _, text: parse_toml(text),
    "yaml": lambda _, text: parse_yaml(text),
    "front-matter": _front_matter,
    "xml": lambda _, text: parse_xml(text),
    "plist": parse_plist,
    "properties": lambda _, text: parse_properties(text),
    "shell": lambda _, text: shell_commands(text),
    "text": lambda _, text: text.strip(),
}


def _toml_line(text: str, target: str) -> int | None:
    """Return the line of the table header that opens `target`, None where it is written in another way."""
    tables: dict[str, int] = {}
    for number, line in enumerate(text.splitlines(), 1):
        header = line.strip()
        if header.startswith("[") and header.endswith("]"):
            parts = re.findall(r'"((?:[^"\\]|\\.)*)"|\'([^\']*)\'|([^\s.\[\]]+)', header.strip("[]"))
            here = pointer(*("".join(part) for part in parts))
            if header.startswith("[["):  # one more of an array of tables
                tables[here] = tables.get(here, -1) + 1
                here = f"{here}/{tables[here]}"
            if here == target:
                return number
    return None


def _front_line(text: str, target: str) -> int | None:
    """Return the line in a file that opens with the YAML between lines `---`."""
    found = yaml_line(front_matter(text), target)
    return None if found is None else found + 1


def _crush_line(text: str, target: str) -> int | None:
    """Return the line that a command of a shell script is called by."""
    del text
    return int(target[1:]) if target[1:].isdecimal() else None


_LINES: Mapping[Format, Callable[[str, str], int | None]] = {
    "json": line_of,
    "json-utf8": line_of,
    "jsonc": line_of,
    "json5": lambda text, target: line_of(as_jsonc(text), target),
    "toml": _toml_line,
    "yaml": yaml_line,
    "front-matter": _front_line,
    "shell": _crush_line,
}
"""The formats in which the line of a pointer can be told."""
