"""`${NAME}` and `${NAME:-default}` in rules and servers, when the client's environment may be known only in part.

Observed with Claude Code 2.1.330: what comes out is not expanded again (but a server is asked about twice, see
`agent.core.policy.evaluate`); `$NAME`, `%NAME%`, `~`, `${ N }`, `${N-…}` and `${N:=…}` are plain text; a default runs to the
first `}`; set but empty does not take the default; an undefined name without a default stays as it is written, and equals itself.

A variable nobody stated is unknown, not unset. Comparisons are Kleene's: true, false, or `Unknown` with the names that decide.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum

from agent.core.policy.globs import Glob

_REFERENCE = re.compile(r"\$\{(?P<name>[A-Za-z_][A-Za-z0-9_]*)(?::-(?P<default>[^}]*))?\}")


@dataclass(frozen=True, slots=True)
class Unknown:
    """A third truth value: the answer hangs on these environment variables, whose values nobody stated."""

    variables: frozenset[str]


Ternary = bool | Unknown


def both(answers: Iterable[Ternary]) -> Ternary:
    """Return Kleene's "and": false if any is, unknown if any is, otherwise true."""
    variables: frozenset[str] = frozenset()
    for answer in answers:
        if answer is False:
            return False
        if isinstance(answer, Unknown):
            variables |= answer.variables
    return Unknown(variables) if variables else True


class Unstated(Enum):
    """Why a variable has no value: the client does not have it, or nobody said."""

    UNSET = "unset"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Environment:
    """What the client's environment holds. With `complete`, what is not in `values` is not set; otherwise it is unknown.

    `ignore_case` is Windows' way of looking names up. Values may be secrets.
    """

    values: Mapping[str, str] = field(default_factory=dict, repr=False)
    complete: bool = False
    ignore_case: bool = False

    def lookup(self, name: str) -> str | Unstated:
        """Return the value of `name`, or why there is none."""
        found = self.values.get(name)
        if found is None and self.ignore_case:
            found = next((value for key, value in self.values.items() if key.lower() == name.lower()), None)
        if found is not None:
            return found
        return Unstated.UNSET if self.complete else Unstated.UNKNOWN

    def over(self, values: Mapping[str, str]) -> "Environment":
        """Return this environment with `values` on top of it."""
        return Environment({**self.values, **values}, self.complete, self.ignore_case) if values else self

    def under(self, values: Mapping[str, str]) -> "Environment":
        """Return this environment with `values` for names that it does not set.

        Where it is not complete, a name that it does not state may be set all the same: that stays unknown.
        """
        if not values or not self.complete:
            return self
        return Environment({**values, **self.values}, self.complete, self.ignore_case)


NOTHING_KNOWN = Environment()


@dataclass(frozen=True, slots=True)
class Reference:
    """A `${NAME}` whose value is unknown, as it is written."""

    name: str
    written: str


@dataclass(frozen=True, slots=True)
class Open:
    """Expanded text with references that are still unknown in it."""

    parts: tuple[str | Reference, ...]

    @property
    def variables(self) -> frozenset[str]:
        """The names that are unknown."""
        return frozenset(part.name for part in self.parts if isinstance(part, Reference))

    @property
    def prefix(self) -> str:
        """The text before the first unknown."""
        return self.parts[0] if isinstance(self.parts[0], str) else ""


Text = str | Open


def has_reference(text: str) -> bool:
    """Say whether `text` holds a well-formed `${NAME}` or `${NAME:-default}`."""
    return next(_found(text), None) is not None


def _found(text: str) -> Iterator[re.Match[str]]:
    """Yield the references in `text`; behind its last brace each would look for its end up to the end of all."""
    return _REFERENCE.finditer(text, 0, text.rfind("}") + 1)


def references(text: str) -> tuple[str, ...]:
    """Return the names that `text` refers to, in order."""
    return tuple(match["name"] for match in _found(text))


def spans(text: str) -> tuple[tuple[int, int, str], ...]:
    """Return where each reference begins and ends in `text`, and its name."""
    return tuple((match.start(), match.end(), match["name"]) for match in _found(text))


def expand(text: str, environment: Environment) -> Text:
    """Return `text` with every known reference replaced, once."""
    if "${" not in text:
        return text
    parts: list[str | Reference] = []
    at = 0
    for match in _found(text):
        parts.append(text[at : match.start()])
        at = match.end()
        found = environment.lookup(match["name"])
        if found is Unstated.UNKNOWN:
            parts.append(Reference(match["name"], match.group()))
        elif isinstance(found, str):
            parts.append(found)
        else:
            parts.append(match.group() if match["default"] is None else match["default"])
    parts.append(text[at:])
    return _joined(parts)


def same(left: Text, right: Text) -> Ternary:
    """Compare two expanded texts; two that hold the same unknowns in the same places are equal whatever their values."""
    if left == right:
        return True
    if isinstance(left, str):
        if isinstance(right, str):
            return False
        left, right = right, left
    if isinstance(right, str):
        return Unknown(left.variables) if Glob(_known(left)).matches(right) else False
    if not _fit(left, right):
        return False
    return Unknown(left.variables | right.variables)


def same_command(left: Sequence[Text], right: Sequence[Text]) -> Ternary:
    """Compare two commands argument by argument."""
    if len(left) != len(right):
        return False
    return both(same(one, other) for one, other in zip(left, right, strict=True))


def _known(text: Open) -> tuple[str, ...]:
    """Return the known text between the unknowns; neighbours that touch have "" between them."""
    pieces = [""]
    for part in text.parts:
        if isinstance(part, str):
            pieces[-1] += part
        else:
            pieces.append("")
    return tuple(pieces)


def _fit(left: Open, right: Open) -> bool:
    """Say whether two open texts may be equal, judged by what they begin and end with."""
    one, other = _known(left), _known(right)
    starts = one[0].startswith(other[0]) or other[0].startswith(one[0])
    ends = one[-1].endswith(other[-1]) or other[-1].endswith(one[-1])
    return starts and ends


def _joined(parts: list[str | Reference]) -> Text:
    merged: list[str | Reference] = []
    for part in parts:
        if isinstance(part, str) and merged and isinstance(merged[-1], str):
            merged[-1] += part
        elif part != "":
            merged.append(part)
    if not merged:
        return ""
    if len(merged) == 1 and isinstance(merged[0], str):
        return merged[0]
    return Open(tuple(merged))
