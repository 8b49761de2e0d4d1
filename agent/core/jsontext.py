"""JSON as MCP clients read it: bytes → text → value, with the line of any pointer on demand.

`strict` is ECMAScript's `JSON.parse` after the byte order mark is dropped (observed with Claude Code 2.1.330: a BOM, UTF-16LE
with BOM and invalid UTF-8 are accepted, comments, trailing commas and trailing NULs are not; duplicate keys: the last wins).
`jsonc` adds comments and trailing commas, as VS Code reads its files. Both refuse `NaN` and `Infinity`, which Python would take.

Any bytes give a value or a `JsonError`. What is nested deeper than `MAX_DEPTH` is cut, so that no later reader of a value needs
to guard its own recursion; the client has no such limit, so what stands above it counts.
"""

import codecs
import json
import re
from bisect import bisect_right
from collections.abc import Iterator
from typing import Any, Literal

from agent.core.jsondeep import parse_cut, whole

Dialect = Literal["strict", "jsonc"]
MAX_DEPTH = 200
_LONGEST_DEEP = 1024 * 1024  # characters; a deep text is read slowly, and nobody has a long one

_TOKENS = re.compile(
    r"""
    (?P<string>"(?:[^"\\]|\\.)*"?)
  | (?P<comment>//[^\n]*|/\*.*?(?:\*/|\Z))
  | (?P<comma>,)
  | (?P<open>[{\[])
  | (?P<close>[}\]])
    """,
    re.VERBOSE | re.DOTALL,
)
_ODD_BREAK = re.compile("\r(?!\n)|[\u2028\u2029]")
_BLANK = re.compile(r"[^\n]")
_VALUE = re.compile(r'"(?:[^"\\]|\\.)*"|[{}\[\],:]|[^\s{}\[\],:"]+', re.DOTALL)


class JsonError(ValueError):
    """The text is not JSON of the wanted dialect; `line` and `column` are 1-based."""

    def __init__(self, message: str, line: int, column: int) -> None:
        super().__init__(f"line {line}, column {column}: {message}")
        self.message, self.line, self.column = message, line, column


def decode(raw: bytes) -> str:
    """Return the text of `raw`: UTF-16 where a BOM says so, half a unit at its end left out, otherwise UTF-8.

    U+FFFD stands for what is neither.
    """
    if raw.startswith(codecs.BOM_UTF16_LE):
        return raw[2 : len(raw) - len(raw) % 2].decode("utf-16-le", errors="replace")
    return decode_utf8(raw)


def decode_utf8(raw: bytes) -> str:
    """Return the text of a file that its client takes for UTF-8 whatever it is, with or without a BOM."""
    return raw.decode("utf-8", errors="replace").removeprefix("\ufeff")


def parse(text: str, dialect: Dialect = "strict") -> Any:  # noqa: ANN401 - JSON is any value
    """Return the value of `text`; raise `JsonError` where a client of that dialect could not read it."""
    if dialect == "jsonc":
        _no_odd_comment(text)
        text = _without_comments(text)
    try:
        try:
            value = json.loads(text, parse_constant=_no_constant, parse_int=whole)
        except RecursionError:
            return _cut(text)
        return value if _is_shallow(value) else _cut(text)
    except json.JSONDecodeError as error:
        raise JsonError(error.msg, error.lineno, error.colno) from None
    except ValueError as error:
        raise JsonError(str(error), 1, 1) from None


def pointer(*parts: str | int) -> str:
    """Return the RFC 6901 pointer to `parts`."""
    return "".join("/" + str(part).replace("~", "~0").replace("/", "~1") for part in parts)


def line_of(text: str, target: str) -> int | None:
    """Return the 1-based line on which the value at pointer `target` begins; None where the text does not have it.

    With duplicate keys it is the last one's line, as it is the last one that counts. Comments are passed over.
    """
    found = positions(text).get(target)
    return found[0] if found is not None else None


def positions(text: str) -> dict[str, tuple[int, int]]:
    """Return the 1-based line and column at which the value of every pointer begins, of duplicates the last one's."""
    starts = [0, *(match.end() for match in re.finditer("\n", text))]
    found: dict[str, tuple[int, int]] = {}
    for here, offset in _values(_without_comments(text)):
        line = bisect_right(starts, offset)
        found[here] = (line, offset - starts[line - 1] + 1)
    return found


def duplicate_keys(text: str) -> list[tuple[str, int, int]]:
    """Return the pointer, line and column of every value that a later member of the same name replaces."""
    starts = [0, *(match.end() for match in re.finditer("\n", text))]
    last: dict[str, int] = {}
    replaced: list[tuple[str, int, int]] = []
    covered: set[str] = set()  # members of a value that is replaced as a whole are not told one by one
    for here, offset in _values(_without_comments(text)):
        if here in last:
            if here.rpartition("/")[0] not in covered:
                line = bisect_right(starts, last[here])
                replaced.append((here, line, last[here] - starts[line - 1] + 1))
            covered.add(here)
        last[here] = offset
    return replaced


def _values(text: str) -> Iterator[tuple[str, int]]:
    """Yield the pointer and the offset of every value in `text`, in order; tolerant of text that is not quite JSON.

    Values deeper than `MAX_DEPTH`, which no reader sees, are left out: their pointers would grow with their depth.
    """
    containers: list[_Container] = []
    for match in _VALUE.finditer(text):
        piece = match.group()
        inner = containers[-1] if containers else None
        if piece in "}]":
            if containers:
                containers.pop()
        elif piece == "," and inner:
            inner.step()
        elif piece == ":":
            continue
        elif inner and inner.wants_key:
            inner.key = _string(piece)
        else:
            cut = len(containers) > MAX_DEPTH
            here = (inner.path if cut else f"{inner.path}{pointer(inner.part)}") if inner else ""
            if not cut:
                yield here, match.start()
            if piece in "{[":
                containers.append(_Container(here, is_object=piece == "{"))


class _Container:
    """An object or array being walked: where it stands, and which member comes next."""

    def __init__(self, path: str, *, is_object: bool) -> None:
        self.path, self.is_object = path, is_object
        self.key: str | None = None
        self.index = 0

    @property
    def wants_key(self) -> bool:
        return self.is_object and self.key is None

    @property
    def part(self) -> str | int:
        return (self.key or "") if self.is_object else self.index

    def step(self) -> None:
        self.key = None
        self.index += 1


def _string(piece: str) -> str:
    try:
        value = json.loads(piece)
    except ValueError:
        return piece
    return value if isinstance(value, str) else piece


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


def _cut(text: str) -> Any:  # noqa: ANN401 - JSON is any value
    if len(text) > _LONGEST_DEEP:
        raise ValueError(f"nested deeper than {MAX_DEPTH} levels")
    return parse_cut(text, MAX_DEPTH)


def _no_odd_comment(text: str) -> None:
    """Refuse a comment with a line break that is none to some clients: what follows is text to these, and hidden from those."""
    if _ODD_BREAK.search(text) is None:
        return
    for match in _TOKENS.finditer(text):
        if match.lastgroup == "comment" and match.group().startswith("//") and _ODD_BREAK.search(match.group() + "\n"):
            line = text.count("\n", 0, match.start()) + 1
            raise JsonError("a comment holds a line break that not every program takes for one", line, 1)


def _is_shallow(value: object) -> bool:
    """Say whether a value is nested at most `MAX_DEPTH` levels deep, level by level."""
    level = [value]
    for _ in range(MAX_DEPTH):
        level = [
            child
            for item in level
            if isinstance(item, dict | list)
            for child in (item.values() if isinstance(item, dict) else item)
            if isinstance(child, dict | list)
        ]
        if not level:
            return True
    return False


def _without_comments(text: str) -> str:
    """Blank comments and trailing commas, keeping every other character where it was."""
    pieces: list[str] = []
    comma: int | None = None  # index in `pieces` of a comma that nothing has followed yet
    at = 0
    for match in _TOKENS.finditer(text):
        between = text[at : match.start()]
        if between.strip():
            comma = None
        pieces.append(between)
        piece, kind = match.group(), match.lastgroup
        at = match.end()
        if kind == "comment":
            pieces.append(_BLANK.sub(" ", piece))
            continue
        if kind == "close" and comma is not None:
            pieces[comma] = " "
        comma = len(pieces) if kind == "comma" else None
        pieces.append(piece)
    pieces.append(text[at:])
    return "".join(pieces)
