"""JSON as MCP clients read it: bytes → text → value, with the line of any pointer on demand.

`strict` is ECMAScript's `JSON.parse` after the byte order mark is dropped (observed with Claude Code 2.1.330: a BOM, UTF-16LE
with BOM and invalid UTF-8 are accepted, comments, trailing commas and trailing NULs are not; duplicate keys: the last wins).
`jsonc` adds comments and trailing commas, as VS Code reads its files. Both refuse `NaN` and `Infinity`, which Python would take.

Any bytes give a value or a `JsonError`; nesting deeper than `MAX_DEPTH` is an error, never a crash of the interpreter.
"""

import codecs
import json
import re
from typing import Any, Literal

Dialect = Literal["strict", "jsonc"]
MAX_DEPTH = 200

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
_BLANK = re.compile(r"[^\n]")
_VALUE = re.compile(r'"(?:[^"\\]|\\.)*"|[{}\[\],:]|[^\s{}\[\],:"]+', re.DOTALL)


class JsonError(ValueError):
    """The text is not JSON of the wanted dialect; `line` and `column` are 1-based."""

    def __init__(self, message: str, line: int, column: int) -> None:
        super().__init__(f"line {line}, column {column}: {message}")
        self.message, self.line, self.column = message, line, column


def decode(raw: bytes) -> str:
    """Return the text of `raw`: UTF-16 where a BOM says so, otherwise UTF-8 with U+FFFD for what is not."""
    if raw.startswith(codecs.BOM_UTF16_LE):
        return raw[2:].decode("utf-16-le", errors="replace")
    return raw.decode("utf-8", errors="replace").removeprefix("\ufeff")


def parse(text: str, dialect: Dialect = "strict") -> Any:  # noqa: ANN401 - JSON is any value
    """Return the value of `text`; raise `JsonError` where a client of that dialect could not read it."""
    if dialect == "jsonc":
        text = _without_comments(text)
    try:
        value = json.loads(text, parse_constant=_no_constant)
    except json.JSONDecodeError as error:
        raise JsonError(error.msg, error.lineno, error.colno) from None
    except (RecursionError, ValueError) as error:
        raise JsonError(str(error) or "nested too deeply", 1, 1) from None
    _guard_depth(value)
    return value


def pointer(*parts: str | int) -> str:
    """Return the RFC 6901 pointer to `parts`."""
    return "".join("/" + str(part).replace("~", "~0").replace("/", "~1") for part in parts)


def line_of(text: str, target: str) -> int | None:
    """Return the 1-based line on which the value at pointer `target` begins; None where the text does not have it.

    With duplicate keys it is the last one's line, as it is the last one that counts. Comments are passed over.
    """
    found: int | None = None
    stack: list[tuple[str, int]] = []  # (container kind + state, index) and the pointer parts beside it
    parts: list[str] = []
    key: str | None = None
    for match in _VALUE.finditer(_without_comments(text)):
        token = match.group()
        if token in "}]":
            if stack:
                stack.pop()
                if parts:
                    parts.pop()
            continue
        if token == ",":
            if stack and stack[-1][0] == "[":
                stack[-1] = ("[", stack[-1][1] + 1)
            key = None
            continue
        if token == ":":
            continue
        if stack and stack[-1][0] == "{" and key is None:
            key = _string(token)
            continue
        part = None if not stack else (key if stack[-1][0] == "{" else str(stack[-1][1]))
        here = pointer(*parts, *([part] if part is not None else []))
        if here == target:
            found = text.count("\n", 0, match.start()) + 1
        if token in "{[":
            if part is not None:
                parts.append(part)
            elif stack:
                parts.append("")
            stack.append((token, 0))
            key = None
    return found


def _string(token: str) -> str:
    try:
        value = json.loads(token)
    except ValueError:
        return token
    return value if isinstance(value, str) else token


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


def _guard_depth(value: object) -> None:
    """Refuse deep values, level by level, so that no later reader of the value needs to guard its own recursion."""
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
            return
    raise JsonError(f"nested deeper than {MAX_DEPTH} levels", 1, 1)


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
        token, kind = match.group(), match.lastgroup
        at = match.end()
        if kind == "comment":
            pieces.append(_BLANK.sub(" ", token))
            continue
        if kind == "close" and comma is not None:
            pieces[comma] = " "
        comma = len(pieces) if kind == "comma" else None
        pieces.append(token)
    pieces.append(text[at:])
    return "".join(pieces)
