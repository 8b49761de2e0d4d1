"""Variables as other clients resolve them: `$NAME`, `${NAME}` and `${NAME:-default}`."""

import re
from dataclasses import dataclass

from agent.core.policy.expansion import Environment, Unstated

_BARE = re.compile(r"\$(?P<bare>[A-Za-z_][A-Za-z0-9_]*)")
_VARIABLE = re.compile(rf"\$\{{(?P<name>[A-Za-z_][A-Za-z0-9_]*)(?::-(?P<default>[^}}]*))?\}}|{_BARE.pattern}")


@dataclass(frozen=True, slots=True)
class Resolved:
    """A text with what is known of its variables; `unknown` and `unset` are the names of those that stayed as written."""

    text: str
    unknown: tuple[str, ...] = ()
    unset: tuple[str, ...] = ()


def resolve(text: str, environment: Environment) -> Resolved:
    """Return `text` with its variables resolved."""
    unknown: list[str] = []
    unset: list[str] = []

    def value(match: re.Match[str]) -> str:
        groups = match.groupdict()
        name, default = groups.get("name") or groups["bare"], groups.get("default")
        found = environment.lookup(name)
        if isinstance(found, str):
            return found
        if found is Unstated.UNSET and default is not None:
            return str(default)
        (unknown if found is Unstated.UNKNOWN else unset).append(name)
        return match[0]

    braces = (
        text.rfind("}") + 1
    )  # behind the last one, each open brace would be looked for its end up to the end of all
    shown = _VARIABLE.sub(value, text[:braces]) + _BARE.sub(value, text[braces:])
    return Resolved(shown, tuple(unknown), tuple(unset))
