"""The evidence in words. No argument, path or address of a command line stands in it, only names that are safe to show."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType

from agent.core.commandline import base_name
from agent.core.deviation import Evidence
from agent.core.launchers import Launch
from agent.core.observation import Process
from agent.core.recognition.entries import Found
from agent.core.recognition.signs import Sign

_SAFE = re.compile(r"(?:@[A-Za-z0-9._-]{1,40}/)?[A-Za-z0-9._+-]{1,60}(?:/[A-Za-z0-9._-]{1,40}){0,2}")

TEXTS: Mapping[Sign, str] = MappingProxyType(
    {
        Sign.CLIENT: "{client} started it",
        Sign.WIRE: "two descriptors of its own lead to {host}, one for each direction",
        Sign.MARK: "its environment holds what {client} sets for the programs it starts",
        Sign.LAUNCHER: "it runs as an installed package ({package})",
        Sign.DECLARED: "{package} is known to be an MCP server",
        Sign.SDK: "its package's own metadata says that it is an MCP server ({declares})",
        Sign.NAME: "its name speaks of MCP ({package})",
        Sign.NO_WIRE: "no descriptors of its own lead to {host}",
        Sign.EDITOR: "{client} starts language servers in the same way",
        Sign.SHELL: "it is a shell with more than one command",
        Sign.TERMINAL: "it was started from an interactive shell",
    },
)
"""The words for each sign but those that speak of the entry, or keep a process from being told of."""


def explain(  # noqa: PLR0913 - what the sentences speak of
    signs: frozenset[Sign],
    launches: Sequence[Launch],
    entry: Found | None,
    *,
    client: str | None,
    host: Process,
    marked: bool,
    declares: str | None = None,
) -> tuple[Evidence, ...]:
    """Return one sentence for each sign, in the order of the signs."""
    names = {
        "client": client or "a client",
        "host": f"its parent {safe(base_name(host.exe or host.name))}",
        "package": _package(launches),
        "declares": safe(declares or ""),
    }
    rows = [Evidence("configured", f"configured as {safe(entry[0].name)}: {entry[1].text}")] if entry else []
    for sign in (sign for sign in Sign if sign in signs and sign in TEXTS):
        fact = Evidence(sign.value, TEXTS[sign].format(**names))
        rows.append(replace(fact, pid=host.pid, started_at=host.create_time) if "{host}" in TEXTS[sign] else fact)
    if marked:
        rows.append(
            Evidence("mark", f"its environment holds what {names['client']} sets, though no {client} is above it")
        )
    return tuple(rows)


def _package(launches: Sequence[Launch]) -> str:
    names = [found.package for found in launches if found.package] + [found.program for found in launches]
    return next((name for name in names if _SAFE.fullmatch(name)), "a package")


def safe(text: str) -> str:
    """Return a name where it can be shown: no argument, path or address looks like that."""
    return text if _SAFE.fullmatch(text) else "(name withheld)"
