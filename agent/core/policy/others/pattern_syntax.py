r"""The grammar of Codex' regular expressions (Rust's `regex-lite`): from a text to a tree of what is to be matched.

    alternation = concat { "|" concat }        concat = { atom { "*" | "+" | "?" | "{" n [ "," [ m ] ] "}" [ "?" ] } }
    atom = "(" [ "?:" | "?P<name>" | "?<name>" | "?flags:" ] alternation ")" | "(?flags)"
         | class | escape | "." | "^" | "$" | char

A tree's nodes: `all` and `any` of nodes, `repeat` of one, `char` with a test of a character, `look` with a test of a place.
"""

import string
from collections.abc import Callable

_MAX_DEPTH = 50
_MAX_REPEAT = 1_000
Test = Callable[[str], bool]
Node = tuple[object, ...]

_WORD = frozenset(string.ascii_letters + string.digits + "_")
_SPACE = frozenset(" \t\n\r\x0b\x0c")
_PERL: dict[str, frozenset[str]] = {"d": frozenset(string.digits), "w": _WORD, "s": _SPACE}
_CONTROL = {"n": "\n", "t": "\t", "r": "\r", "a": "\a", "f": "\f", "v": "\v"}
_POSIX: dict[str, frozenset[str]] = {
    "alnum": frozenset(string.ascii_letters + string.digits),
    "alpha": frozenset(string.ascii_letters),
    "ascii": frozenset(map(chr, range(128))),
    "blank": frozenset(" \t"),
    "cntrl": frozenset([*map(chr, range(32)), "\x7f"]),
    "digit": frozenset(string.digits),
    "graph": frozenset(map(chr, range(33, 127))),
    "lower": frozenset(string.ascii_lowercase),
    "print": frozenset(map(chr, range(32, 127))),
    "punct": frozenset(string.punctuation),
    "space": _SPACE,
    "upper": frozenset(string.ascii_uppercase),
    "word": _WORD,
    "xdigit": frozenset(string.hexdigits),
}


class InvalidPatternError(ValueError):
    """The client does not take the pattern."""


class UnknownPatternError(ValueError):
    """We do not know what the client makes of the pattern."""


def _start(_: str, at: int) -> bool:
    return at == 0


def _end(text: str, at: int) -> bool:
    return at == len(text)


def _line_start(text: str, at: int) -> bool:
    return at == 0 or text[at - 1] == "\n"


def _line_end(text: str, at: int) -> bool:
    return at == len(text) or text[at] == "\n"


def _boundary(text: str, at: int) -> bool:
    return (at > 0 and text[at - 1] in _WORD) != (at < len(text) and text[at] in _WORD)


def _inside(text: str, at: int) -> bool:
    return not _boundary(text, at)


_LOOKS = {"A": _start, "z": _end, "b": _boundary, "B": _inside}


class Parser:
    """Reads one expression from left to right; flags hold until the group ends."""

    def __init__(self, text: str) -> None:
        self.text, self.at = text, 0
        self.flags = frozenset[str]()

    def alternation(self, depth: int) -> Node:
        """Return the tree of what stands here, up to a closing parenthesis or the end."""
        if depth > _MAX_DEPTH:
            raise UnknownPatternError("groups are nested too deeply")
        before, branches = self.flags, [self._concat(depth)]
        while self._take("|"):
            branches.append(self._concat(depth))
        self.flags = before
        return ("any", *branches) if len(branches) > 1 else branches[0]

    def _concat(self, depth: int) -> Node:
        parts: list[Node] = []
        while self.at < len(self.text) and self.text[self.at] not in "|)":
            if self.text[self.at] in "*+?{":
                if not parts:
                    raise InvalidPatternError("a repetition of nothing")
                parts[-1] = self._repetition(parts[-1])
            else:
                parts.append(self._atom(depth))
        return ("all", *parts)

    def _repetition(self, part: Node) -> Node:
        least, most = 0, None
        char = self._next()
        if char == "{":
            least, most = self._bounds()
        else:
            least, most = (1 if char == "+" else 0), (1 if char == "?" else None)
        self._take("?")  # lazy or not makes no difference to whether the whole matches
        return ("repeat", part, least, most)

    def _bounds(self) -> tuple[int, int | None]:
        body, closed, rest = self.text[self.at :].partition("}")
        low, comma, high = body.partition(",")
        if not closed or not low.isdecimal() or (high and not high.isdecimal()):
            raise UnknownPatternError("a repetition in braces that is not {n}, {n,} or {n,m}")
        self.at = len(self.text) - len(rest)
        most = int(high) if high else (None if comma else int(low))
        if most is not None and most < int(low):
            raise InvalidPatternError("a repetition whose end is before its start")
        if max(int(low), most or 0) > _MAX_REPEAT:
            raise UnknownPatternError("a repetition of more than 1000")
        return int(low), most

    def _atom(self, depth: int) -> Node:
        char = self._next()
        if char == "(":
            return self._group(depth)
        if char == "[":
            return ("char", self._class())
        if char == "\\":
            return self._escape()
        if char == ".":
            dot_all = "s" in self.flags
            return ("char", lambda c: dot_all or c != "\n")
        if char in "^$":
            lines = "m" in self.flags
            first, last = (_line_start, _line_end) if lines else (_start, _end)
            return ("look", first if char == "^" else last)
        return self._literal(char)

    def _literal(self, char: str) -> Node:
        wanted = frozenset(_cases(char)) if "i" in self.flags else frozenset(char)
        return ("char", wanted.__contains__)

    def _group(self, depth: int) -> Node:
        before = self.flags
        if self._take("?"):
            if self._take("P<") or (self.text[self.at : self.at + 1] == "<" and self._named()):
                self._skip_name()
            elif self._flags():
                return ("all",)
        inner = self.alternation(depth + 1)
        if not self._take(")"):
            raise InvalidPatternError("an opening '(' without a closing one")
        self.flags = before
        return inner

    def _named(self) -> bool:
        if self.text[self.at + 1 : self.at + 2] in ("=", "!"):
            raise InvalidPatternError("look-around is not supported")
        self.at += 1
        return True

    def _skip_name(self) -> None:
        name, closed, rest = self.text[self.at :].partition(">")
        if not closed or not name or not set(name) <= _WORD or name[0].isdigit():
            raise UnknownPatternError("a group's name")
        self.at = len(self.text) - len(rest)

    def _flags(self) -> bool:
        """Read the flags of a group; true where they stand alone and hold for what follows."""
        on, changed = True, set(self.flags)
        while True:
            char = self._next()
            if char in "=!":
                raise InvalidPatternError("look-around is not supported")
            if char in ":)":
                self.flags = frozenset(changed)
                return char == ")"
            if char == "-" and on:
                on = False
            elif char in "imsU":
                changed = changed | {char} if on else changed - {char}
            elif char == "x" and "#" in self.text[self.at :].rpartition("\n")[2]:
                raise InvalidPatternError("a comment at its end swallows the bracket that the client adds")
            else:
                raise UnknownPatternError(f"the flag {char!r}")

    def _escape(self) -> Node:
        char = self._next()
        if char in _LOOKS:
            if char in "bB" and self.text[self.at : self.at + 1] == "{":
                raise UnknownPatternError("a word boundary in braces")
            return ("look", _LOOKS[char])
        if char.lower() in _PERL:
            return ("char", _perl(char))
        return self._literal(self._escaped(char))

    def _escaped(self, char: str) -> str:
        if char in _CONTROL:
            return _CONTROL[char]
        if char in "xuU":
            return self._code({"x": 2, "u": 4, "U": 8}[char])
        if char in "pP" or char.isalnum() or ord(char) > 127 or char in "<>":  # noqa: PLR2004 - the end of ASCII
            raise (UnknownPatternError if char in "<>" else InvalidPatternError)(
                f"the escape \\{char} is not supported"
            )
        return char

    def _code(self, digits: int) -> str:
        if self._take("{"):
            body, closed, rest = self.text[self.at :].partition("}")
            self.at = len(self.text) - len(rest)
            body = body if closed else ""
        else:
            body = self.text[self.at : self.at + digits]
            self.at += digits
        if not body or not set(body) <= set(string.hexdigits) or int(body, 16) > 0x10FFFF:  # noqa: PLR2004 - the end of Unicode
            raise InvalidPatternError("a character code that is none")
        return chr(int(body, 16))

    def _class(self) -> Test:
        negated = self._take("^")
        tests: list[Test] = []
        first = True
        while first or self.text[self.at : self.at + 1] != "]":
            tests.append(self._member())
            first = False
        self.at += 1
        if "i" in self.flags:
            return lambda char: any(test(case) for test in tests for case in _cases(char)) != negated
        return lambda char: any(test(char) for test in tests) != negated

    def _member(self) -> Test:
        char = self._next()
        if char == "[":
            return self._posix()
        if char in "&-~" and self.text[self.at : self.at + 1] == char:
            raise UnknownPatternError("an operation on classes")
        if char == "\\":
            char = self._next()
            if char.lower() in _PERL:
                return _perl(char)
            char = self._escaped(char)
        low = high = char
        if self.text[self.at : self.at + 1] == "-" and self.text[self.at + 1 : self.at + 2] not in ("]", ""):
            self.at += 1
            high = self._next()
            high = self._escaped(self._next()) if high == "\\" else high
            if high < low or high == "[":
                raise (UnknownPatternError if high == "[" else InvalidPatternError)(
                    "a range whose end is before its start"
                )
        return lambda c: low <= c <= high

    def _posix(self) -> Test:
        body, closed, rest = self.text[self.at :].partition(":]")
        name = body.removeprefix(":").removeprefix("^")
        if not closed or not body.startswith(":") or name not in _POSIX:
            raise UnknownPatternError("a class in a class")
        self.at = len(self.text) - len(rest)
        negated = body.startswith(":^")
        return lambda char: (char in _POSIX[name]) != negated

    def _next(self) -> str:
        if self.at >= len(self.text):
            raise InvalidPatternError("it ends too early")
        self.at += 1
        return self.text[self.at - 1]

    def _take(self, wanted: str) -> bool:
        found = self.text.startswith(wanted, self.at)
        self.at += len(wanted) if found else 0
        return found


def _perl(char: str) -> Test:
    members, negated = _PERL[char.lower()], char.isupper()
    return lambda c: (c in members) != negated


def _cases(char: str) -> tuple[str, ...]:
    return (char.lower(), char.upper()) if char.isascii() else (char,)
