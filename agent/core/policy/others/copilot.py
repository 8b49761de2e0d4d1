"""GitHub Copilot CLI: the allow and deny lists of its own `managed-settings.json`, with other rules than Claude Code's.

Observed with Copilot CLI 1.0.102. A server that a deny entry matches is blocked; where an allow list exists, even an empty
one, so is every server that it does not admit. Names are compared letter for letter, and an allowed name counts only while
the list holds no entry of the server's kind (GitHub's documentation knows no such rule). An entry has exactly one of the
three keys; one that has not, a list that is none, a file that is empty, holds comments, or that the user may not read, and
the client starts no server at all. Variables (`$NAME`, `${NAME}`, `${NAME:-default}`) are resolved in entries and servers;
with one that is not set a server is blocked. A URL that spells a port, be it the default, is not matched by an allow
pattern that spells none.
Where else lists come from: `copilot_sources`.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from agent.core.policy.expansion import Environment
from agent.core.policy.others.ruling import (
    NONE,
    NotEffective,
    State,
    allowed,
    blocked,
    undetermined,
)
from agent.core.policy.others.variables import resolve
from agent.core.policy.urls import Address, UrlPattern, compile_pattern, parse_url
from agent.core.server import Server
from agent.core.verdict import Verdict

ALLOW, DENY = "allowedMcpServers", "deniedMcpServers"


def _text(value: object) -> bool:
    return isinstance(value, str)


def _texts(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(part, str) for part in value)


FORMS: Mapping[str, Callable[[object], bool]] = {"serverName": _text, "serverCommand": _texts, "serverUrl": _text}


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry of a list: what it names, and where it stands."""

    text: str
    source: str
    name: str | None = None
    command: tuple[str, ...] | None = None
    url: UrlPattern | None = None
    written: str | None = None

    def matches(self, server: Server, address: Address | None) -> bool:
        """Say whether it names the server, whose variables are resolved."""
        return (
            (self.name is not None and self.name == server.name)
            or (self.command is not None and self.command == server.command)
            or (self.url is not None and address is not None and self.url.matches(address, lenient=False))
        )

    def resolved(self, environment: Environment) -> "Entry":
        """Return it with the variables of its command resolved; a pattern of a URL stays as it is written."""
        if self.command is None:
            return self
        return replace(self, command=tuple(resolve(part, environment).text for part in self.command))

    def counts_for(self, server: Server, among: Sequence["Entry"]) -> bool:
        """Say whether it counts among the allow entries: a name does not beside an entry of the server's kind."""
        local = server.command is not None
        return self.name is None or not any((e.command if local else e.url) is not None for e in among)


@dataclass(frozen=True, slots=True)
class Lists:
    """Both lists of the file; an allow list of None is none."""

    path: str
    allow: tuple[Entry, ...] | None
    deny: tuple[Entry, ...] = ()
    why: str | None = None
    state: State = "effective"

    def verdict(self, server: Server, environment: Environment) -> Verdict:
        """Return what Copilot does with `server` by these lists."""
        server, open_names, unset = _resolved(server, environment)
        address = parse_url(server.url) if server.url is not None else None
        denied = next((entry for entry in self.deny if entry.resolved(environment).matches(server, address)), None)
        if denied is not None:
            text = f"GitHub Copilot blocks it: {denied.text} in {self.path} denies it."
            return blocked("denied-by-copilot", text, entry=denied.text, source=denied.source)
        if self.allow is None:
            return allowed(
                "not-denied", f"{self.path} sets no allow list, and no deny entry matches.", source=self.path
            )
        if unset and not open_names:
            text = f"GitHub Copilot blocks it: {', '.join(unset)} in its command or URL is not set."
            return blocked("variable-not-set", text, source=self.path)
        ported = _spells_port(server.url)
        counting = [
            entry
            for entry in self.allow
            if entry.counts_for(server, self.allow) and (entry.url is None or not ported or _spells_port(entry.written))
        ]
        admitted = next((entry for entry in counting if entry.resolved(environment).matches(server, address)), None)
        if admitted is not None:
            text = f"GitHub Copilot admits it: {admitted.text} in {self.path}."
            return allowed("allowed-by-copilot", text, entry=admitted.text, source=admitted.source)
        if open_names and self.allow:
            text = f"What GitHub Copilot compares depends on {', '.join(open_names)} in its environment, which is not known."
            return undetermined("own-policy-depends-on-environment", text, source=self.path)
        text = self.why or f"GitHub Copilot blocks it: no entry of {ALLOW} in {self.path} matches."
        return blocked("not-allowed-by-copilot", text, source=f"{self.path} at /{ALLOW}")


def lists_of(path: str, value: Mapping[str, Any]) -> Lists | NotEffective:
    """Return the lists among the members of `value`, which are valid."""
    if ALLOW not in value and DENY not in value:
        return NONE
    return Lists(path, _entries(value, ALLOW, path) if ALLOW in value else None, _entries(value, DENY, path))


def is_list(value: object) -> bool:
    """Say whether it is a list as the client takes one."""
    return isinstance(value, list) and all(
        isinstance(item, dict)
        and len(item) == 1
        and all(key in FORMS and FORMS[key](part) for key, part in item.items())
        for item in value
    )


def _entries(value: Mapping[str, Any], key: str, path: str) -> tuple[Entry, ...]:
    return tuple(_entry(item, f"{path} at /{key}/{at}") for at, item in enumerate(value.get(key, [])))


def _entry(item: Mapping[str, Any], source: str) -> Entry:
    ((key, value),) = item.items()
    if key == "serverName":
        return Entry(f"serverName {value!r}", source, name=value)
    if key == "serverCommand":
        return Entry(f"serverCommand {' '.join(value)!r}", source, command=tuple(value))
    return Entry(f"serverUrl {value!r}", source, url=compile_pattern(value), written=value)


def _resolved(server: Server, environment: Environment) -> tuple[Server, tuple[str, ...], tuple[str, ...]]:
    """Return the server with its variables resolved, and the names of those that are unknown and of those that are not set."""
    texts = [*(server.command or ()), *([server.url] if server.url is not None else [])]
    found = [resolve(text, environment) for text in texts]
    command = tuple(item.text for item in found[: len(server.command)]) if server.command is not None else None
    url = found[-1].text if server.url is not None else None
    unknown = tuple(dict.fromkeys(name for item in found for name in item.unknown))
    unset = tuple(dict.fromkeys(name for item in found for name in item.unset))
    return replace(server, command=command, url=url), unknown, unset


def _spells_port(url: str | None) -> bool:
    authority = (url or "").partition("://")[2].partition("/")[0]
    return ":" in authority.rpartition("@")[2].rpartition("]")[2]
