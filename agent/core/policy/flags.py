"""The part of a Claude Code command line that decides about MCP servers (observed with 2.1.330).

`--mcp-config` and `--settings` take files or JSON texts; whoever can read files puts their text in place.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

_VALUED = frozenset(
    {"--settings", "--setting-sources", "--agent", "--agents", "--plugin-dir", "--plugin-url", "--mcp-config"}
)
_SOURCES = frozenset({"user", "project", "local"})


@dataclass(frozen=True, slots=True)
class Flags:
    """What was given on the command line.

    `mcp_config` holds JSON texts, None for a file that could not be read. `setting_sources` is what `--setting-sources` left of
    user, project and local. `agents` is the JSON text of `--agents`, `agent` the one that the session runs as. An empty value of
    `--mcp-config` or `--settings` counts as not given. `unusable` says what is wrong with the options themselves, so that the
    client does not start.
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
    unusable: str | None = None


NO_FLAGS = Flags()


def read_flags(arguments: Sequence[str], read: Callable[[str], str | None]) -> Flags:
    """Return the flags among `arguments`; `read` returns the text of a file, None where it cannot."""
    values: dict[str, list[str]] = {}
    present: set[str] = set()
    current: str | None = None
    for argument in arguments:
        if argument.startswith("--"):
            name, equals, value = argument.partition("=")
            present.add(name)
            current = name if name in _VALUED and not equals else None
            if equals:
                values.setdefault(name, []).append(value)
        elif current is not None:
            values.setdefault(current, []).append(argument)
            if current != "--mcp-config":  # the one option that takes several values
                current = None
    sources, given = _last(values, "--setting-sources"), _last(values, "--settings")
    settings = _text(given, read) if given else None
    return Flags(
        mcp_config=tuple(_text(value, read) for value in values.get("--mcp-config", ()) if value),
        settings=settings,
        setting_sources=None if sources is None else frozenset(_parts(sources)),
        agents=_last(values, "--agents"),
        agent=_last(values, "--agent"),
        strict="--strict-mcp-config" in present,
        safe="--safe-mode" in present,
        restricted="--restricted" in present,
        bare="--bare" in present,
        sideloads=tuple(name for name in ("--plugin-dir", "--plugin-url", "--agents") if name in present),
        unusable=_unusable(present, values, unread=bool(given) and settings is None),
    )


def _unusable(present: set[str], values: dict[str, list[str]], *, unread: bool) -> str | None:
    """Say what keeps the client from starting with these options, None where nothing does."""
    empty = sorted(present & _VALUED - values.keys())
    if empty:
        return f"{empty[0]} needs a value."
    wrong = sorted({part for given in values.get("--setting-sources", ())[-1:] for part in _parts(given)} - _SOURCES)
    if wrong:
        return f"--setting-sources knows user, project and local, and not {wrong[0]!r}."
    return "the file of --settings cannot be read." if unread else None


def _parts(sources: str) -> list[str]:
    return [part.strip() for part in sources.split(",")] if sources else []


def _last(values: dict[str, list[str]], name: str) -> str | None:
    given = values.get(name)
    return given[-1] if given else None


def _text(value: str, read: Callable[[str], str | None]) -> str | None:
    return value if value.lstrip("\ufeff \t\r\n").startswith(("{", "[")) else read(value)
