"""Variables as other clients resolve them: `$NAME`, `${NAME}` and `${NAME:-default}`."""

import re
from dataclasses import dataclass

from agent.core.policy.expansion import Environment, Unstated

_VARIABLE = re.compile(r"\$(?:\{([A-Za-z_][A-Za-z0-9_]*)(?::-([^}]*))?\}|([A-Za-z_][A-Za-z0-9_]*))")


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
        name, default = match[1] or match[3], match[2]
        found = environment.lookup(name)
        if isinstance(found, str):
            return found
        if found is Unstated.UNSET and default is not None:
            return str(default)
        (unknown if found is Unstated.UNKNOWN else unset).append(name)
        return match[0]

    return Resolved(_VARIABLE.sub(value, text), tuple(unknown), tuple(unset))
