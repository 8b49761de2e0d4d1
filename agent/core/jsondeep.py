"""JSON that is nested deeper than anybody reads: checked to its end without recursion, and cut below a depth.

JavaScript's parser knows no limit, so a file must not hide behind one: what stands in it at an ordinary depth is read, and a
container below `depth` levels becomes None.
"""

import re
from json import JSONDecodeError, JSONDecoder
from typing import Any, cast

_BLANKS = re.compile(r"[ \t\n\r]*")
_SCALAR = re.compile(r"(?P<word>true|false|null)|(?P<number>-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?)")
_WORDS = {"true": True, "false": False, "null": None}
_LONGEST_WHOLE = 300  # digits; JavaScript reads longer ones as numbers that are not exact
_CLOSES = {"{": "}", "[": "]"}


def whole(digits: str) -> int | float:
    """Return the number that a whole number's digits are, however many."""
    return int(digits) if len(digits) < _LONGEST_WHOLE else float(digits)


_SCALARS = JSONDecoder(parse_int=whole)


def parse_cut(text: str, depth: int) -> Any:  # noqa: ANN401 - JSON is any value
    """Return the value of `text` without what is nested deeper than `depth`; raise `JSONDecodeError` where it is not JSON."""
    return _Reader(text, depth).whole()


class _Reader:
    """A position in the text, and the containers that are open there, each with the key that waits for a value."""

    def __init__(self, text: str, depth: int) -> None:
        self._text, self._depth, self._at = text, depth, 0
        self._open: list[dict[str, Any] | list[Any]] = []
        self._keys: list[str] = []

    def whole(self) -> Any:  # noqa: ANN401 - JSON is any value
        while True:
            value, ended = self._begin()
            while ended:
                if not self._open:
                    self._blanks()
                    if self._at != len(self._text):
                        raise JSONDecodeError("Extra data", self._text, self._at)
                    return value
                value, ended = self._put(value)

    def _begin(self) -> tuple[Any, bool]:
        """Read up to the end of a scalar, or past the opening of a container: its value, and whether that ends it."""
        self._blanks()
        opening = self._text[self._at : self._at + 1]
        if opening in ("{", "["):
            self._at += 1
            self._open.append({} if opening == "{" else [])
            self._keys.append("")
            if self._next(_CLOSES[opening]):
                return self._close(), True
            if opening == "{":
                self._key()
            return None, False
        if opening == '"':
            value, self._at = _SCALARS.raw_decode(self._text, self._at)
            return value, True
        found = _SCALAR.match(self._text, self._at)
        if found is None:
            raise JSONDecodeError("Expecting value", self._text, self._at)
        self._at = found.end()
        return _WORDS[found["word"]] if found["word"] else _SCALARS.decode(found["number"]), True

    def _put(self, value: Any) -> tuple[Any, bool]:  # noqa: ANN401 - JSON is any value
        """Put a value into the innermost container, and read past the comma or the end that follows."""
        inner = self._open[-1]
        if len(self._open) <= self._depth:
            if isinstance(inner, dict):
                inner[self._keys[-1]] = value
            else:
                inner.append(value)
        if self._next(","):
            if isinstance(inner, dict):
                self._key()
            return None, False
        if not self._next("}" if isinstance(inner, dict) else "]"):
            raise JSONDecodeError("Expecting ',' delimiter", self._text, self._at)
        return self._close(), True

    def _close(self) -> dict[str, Any] | list[Any] | None:
        self._keys.pop()
        value = self._open.pop()
        return value if len(self._open) < self._depth else None

    def _key(self) -> None:
        self._blanks()
        if self._text[self._at : self._at + 1] != '"':
            raise JSONDecodeError("Expecting property name enclosed in double quotes", self._text, self._at)
        self._keys[-1], self._at = _SCALARS.raw_decode(self._text, self._at)
        if not self._next(":"):
            raise JSONDecodeError("Expecting ':' delimiter", self._text, self._at)

    def _next(self, wanted: str) -> bool:
        """Read past `wanted` if it comes next."""
        self._blanks()
        found = self._text.startswith(wanted, self._at)
        self._at += len(wanted) if found else 0
        return found

    def _blanks(self) -> None:
        self._at = cast("re.Match[str]", _BLANKS.match(self._text, self._at)).end()
