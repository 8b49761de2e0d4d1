"""Formats of lines: Java's `.properties` and `.prefs`, and Crush's `crushrc`, which is read and never run."""

import re
import shlex
from collections.abc import Iterator

_ESCAPE = re.compile(r"\\(u[0-9A-Fa-f]{4}|.)", re.DOTALL)
_ESCAPES = {"n": "\n", "t": "\t", "r": "\r", "f": "\f"}
_CONTINUED = re.compile(r"(?<!\\)((?:\\\\)*)\\\r?\n[ \t\f]*")
_KEY = re.compile(r"((?:\\.|[^\\:=\s])*)[ \t\f]*[:=]?[ \t\f]*", re.DOTALL)
_LINE_CAP = 64 * 1024
_LINES = 5000


def parse_properties(text: str) -> dict[str, str]:
    """Return the properties of `text`, of duplicates the last (docs.oracle.com, java.util.Properties.load)."""
    found: dict[str, str] = {}
    for line in _CONTINUED.sub(r"\1", text).splitlines():
        bare = line.lstrip()
        if bare and bare[0] not in "#!":
            key = _KEY.match(bare)
            end = key.end() if key else 0
            found[_plain(key[1] if key else "")] = _plain(bare[end:])
    return found


def shell_commands(text: str) -> dict[str, list[str]]:
    """Return the words of each simple command by its 1-based line; a line that no shell would take for one is passed over."""
    found: dict[str, list[str]] = {}
    for number, line in _joined(text):
        try:
            words = shlex.split(line, comments=True)
        except ValueError:  # an open quotation
            continue
        if words:
            found[str(number)] = words
    return found


def _joined(text: str) -> Iterator[tuple[int, str]]:
    """Yield lines, those that end in a backslash with what follows them."""
    held, first = "", 0
    for number, line in enumerate(text.splitlines()[:_LINES], 1):
        first = first or number
        held += line[:_LINE_CAP]
        if held.endswith("\\") and len(held) < _LINE_CAP:
            held = held[:-1]
            continue
        yield first, held
        held, first = "", 0
    if held:
        yield first, held


def _plain(text: str) -> str:
    def one(match: re.Match[str]) -> str:
        code = match[1]
        return chr(int(code[1:], 16)) if len(code) > 1 else _ESCAPES.get(code, code)

    return _ESCAPE.sub(one, text)
