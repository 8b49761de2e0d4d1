"""The part of a Claude Code command line that decides about MCP servers (observed with 2.1.330).

`--mcp-config` and `--settings` take files or JSON texts; whoever can read files puts their text in place.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

_VALUED = frozenset(
    {"--settings", "--setting-sources", "--agent", "--agents", "--plugin-dir", "--plugin-url", "--mcp-config"}
)


@dataclass(frozen=True, slots=True)
class Flags:
    """What was given on the command line.

    `mcp_config` holds JSON texts, None for a file that could not be read. `setting_sources` is what `--setting-sources` left of
    user, project and local. `agents` is the JSON text of `--agents`, `agent` the one that the session runs as.
    """

    mcp_config: tuple[str | None, ...] = field(default=(), repr=False)
    settings: str | None = field(default=None, repr=False)
    setting_sources: frozenset[str] | None = None
    agents: str | None = field(default=None, repr=False)
    agent: str | None = None
    strict: bool = False
    safe: bool = False
    restricted: bool = False
    bare: bool = False
    sideloads: tuple[str, ...] = ()


NO_FLAGS = Flags()


def read_flags(arguments: Sequence[str], read: Callable[[str], str | None]) -> Flags:
    """Return the flags among `arguments`; `read` returns the text of a file, None where it cannot."""
    values: dict[str, list[str]] = {}
    present: set[str] = set()
    current: str | None = None
    for argument in arguments:
        if argument.startswith("--"):
            name, given, value = argument.partition("=")
            present.add(name)
            current = name if name in _VALUED and not given else None
            if given:
                values.setdefault(name, []).append(value)
        elif current is not None:
            values.setdefault(current, []).append(argument)
            if current != "--mcp-config":  # the one option that takes several values
                current = None
    sources, settings = _last(values, "--setting-sources"), _last(values, "--settings")
    return Flags(
        mcp_config=tuple(_text(value, read) for value in values.get("--mcp-config", ())),
        settings=None if settings is None else _text(settings, read),
        setting_sources=None if sources is None else frozenset(part.strip() for part in sources.split(",")),
        agents=_last(values, "--agents"),
        agent=_last(values, "--agent"),
        strict="--strict-mcp-config" in present,
        safe="--safe-mode" in present,
        restricted="--restricted" in present,
        bare="--bare" in present,
        sideloads=tuple(name for name in ("--plugin-dir", "--plugin-url", "--agents") if name in present),
    )


def _last(values: dict[str, list[str]], name: str) -> str | None:
    given = values.get(name)
    return given[-1] if given else None


def _text(value: str, read: Callable[[str], str | None]) -> str | None:
    return value if value.lstrip().startswith(("{", "[")) else read(value)
