"""TOML → value, within bounds: `tomllib` is pure Python, and a hostile document costs it far more time than its size."""

import re
import tomllib
from typing import Any

from agent.catalog.format_error import FormatError

_CAP = 1024 * 1024
"""Characters: a hostile document of this size takes seconds already."""
_DOTS_CAP = 100_000_000
"""Squares of the dots in each line, summed: a key stands in one line, and each of its parts costs what all before it do."""
_PLACE = re.compile(r" \(at line (\d+), column \d+\)$")


def parse_toml(text: str) -> dict[str, Any]:
    """Return the document in `text`; raise `FormatError`."""
    if len(text) > _CAP:
        raise FormatError(f"longer than {_CAP} characters, which is the most that is read of a TOML file")
    dots = 0
    for number, line in enumerate(text.split("\n"), 1):
        dots += 0 if line.lstrip().startswith("#") else line.count(".") ** 2
        if dots > _DOTS_CAP:
            raise FormatError("more dots in its lines than any key has", number)
    try:
        return tomllib.loads(text)
    except RecursionError:
        raise FormatError("nested too deeply") from None
    except ValueError as error:  # TOMLDecodeError, or a number of more digits than Python reads
        place = _PLACE.search(str(error))
        raise FormatError("not valid TOML", int(place[1]) if place else None) from None
