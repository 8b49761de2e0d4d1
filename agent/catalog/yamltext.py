"""YAML → value, as a program that types its own settings reads it: words are text, only `true`, `false` and null are not.

YAML 1.2 readers (JavaScript's, Rust's) and Go's take `on` or `12:30` for text where text is wanted, so nothing here guesses
numbers or dates. `<<` is an ordinary key, as it is for them. An alias shares the value it names and copies nothing, so a bomb
of aliases costs what it is long; the depth is bounded before anything is built.
"""

import re
from typing import Any

from agent.catalog.format_error import FormatError

_CAP = 1024 * 1024
"""Characters: the parser is quick, but building the value of a hostile document takes seconds beyond."""
_FRONT = re.compile(r"\A---[ \t]*\r?\n(.*?\r?\n|)---[ \t]*(?:\r?\n|\Z)", re.DOTALL)


def parse_yaml(text: str) -> Any:  # noqa: ANN401 - YAML is any value
    """Return the value of the one document in `text`; raise `FormatError`."""
    if len(text) > _CAP:
        raise FormatError(f"longer than {_CAP} characters, which is the most that is read of a YAML file")
    from agent.catalog import yamlvalue  # noqa: PLC0415 - a daemon that meets no YAML does not hold the library in memory

    return yamlvalue.load(text)


def yaml_line(text: str, target: str) -> int | None:
    """Return the 1-based line on which the value at pointer `target` begins; None where the text does not have it."""
    from agent.catalog import yamlvalue  # noqa: PLC0415 - as above

    return yamlvalue.line(text, target)


def front_matter(text: str) -> str:
    """Return the YAML between the lines `---` that open a Markdown file, blank where there is none."""
    found = _FRONT.match(text)
    return found[1] if found else ""
