"""JSON5 → JSON: single quotes, bare keys, comments, trailing commas, hexadecimal and signed numbers (spec.json5.org).

Only the spelling of tokens is changed; the reader of JSON then decides what the text means, with its own bounds.
"""

import json
import re

_TOKEN = re.compile(
    r"""
    (?P<text>"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')
  | (?P<open>["'].*)
  | (?P<blank>//[^\n]*|/\*.*?(?:\*/|\Z)|\s+)
  | (?P<mark>[{}\[\],:])
  | (?P<bare>[^\s{}\[\],:"'/]+|/)
    """,
    re.VERBOSE | re.DOTALL,
)
_ESCAPE = re.compile(r"\\(u[0-9A-Fa-f]{4}|x[0-9A-Fa-f]{2}|\r\n|.)", re.DOTALL)
_ESCAPES = {"n": "\n", "t": "\t", "r": "\r", "b": "\b", "f": "\f", "v": "\v", "0": "\0", "\n": "", "\r\n": "", "\r": ""}
_HEX = re.compile(r"[+-]?0[xX][0-9A-Fa-f]{1,16}")
_DECIMAL = re.compile(r"(?P<sign>[+-]?)(?P<whole>\d*)(?:\.(?P<part>\d*))?(?P<power>(?:[eE][+-]?\d+)?)")


def as_jsonc(text: str) -> str:
    """Return `text` in the spelling of JSON with comments and trailing commas; what is no JSON5 stays as it is."""
    pieces: list[str] = []
    bare: int | None = None  # index of a bare word that may turn out to be a key
    for match in _TOKEN.finditer(text):
        piece, kind = match.group(), match.lastgroup
        if kind == "text":
            piece = json.dumps(_ESCAPE.sub(_unescaped, piece[1:-1]))
        elif kind == "bare":
            pieces.append(_number(piece))
            bare = len(pieces) - 1
            continue
        elif piece == ":" and bare is not None:
            pieces[bare] = json.dumps(pieces[bare])
        if kind != "blank":
            bare = None
        pieces.append(piece)
    return "".join(pieces)


def _unescaped(match: re.Match[str]) -> str:
    code = match[1]
    return chr(int(code[1:], 16)) if len(code) > len("\r\n") else _ESCAPES.get(code, code)


def _number(word: str) -> str:
    """Return a number as JSON spells it, and any other word as it is."""
    if _HEX.fullmatch(word):
        return str(int(word, 16))
    found = _DECIMAL.fullmatch(word)
    if found is None or not (found["whole"] or found["part"]):
        return word
    part = f".{found['part']}" if found["part"] else ""
    return f"{found['sign'].strip('+')}{found['whole'] or '0'}{part}{found['power']}"
