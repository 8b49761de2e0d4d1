"""Codex: `requirements.toml`, which names the servers that may run, each by name and by what it is.

Observed with Codex 0.169.0. Without a table `mcp_servers` everything loads; an empty one shuts out everything. A server must have
an entry under its own name, and the entry's identity must match: `command = "npx"` is the command alone, whatever its arguments;
`command = { executable, args = [matchers] }` is the command and as many arguments, each matched; `url = "…"` is the URL, letter
for letter; `url = { match … }` is one matcher. A matcher is `exact`, `prefix` or `regex` (of the whole value). Any fault in the
file, or a file that the user may not read, keeps Codex from starting. Servers of `-c` options, of /etc/codex/config.toml and of
managed_config.toml are bound as those of users.
Where else requirements come from: `codex_layers`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from agent.core.observation import Document
from agent.core.place import User
from agent.core.policy.expansion import Environment
from agent.core.policy.others.codex_layers import FaultError, Table, UnseenError, layered, merged_tables, toml_of
from agent.core.policy.others.patterns import InvalidPatternError, Pattern, UnknownPatternError, compile_pattern
from agent.core.policy.others.ruling import (
    NONE,
    ClientPolicy,
    NotEffective,
    State,
    allowed,
    blocked,
    undetermined,
)
from agent.core.server import Server, ServerScope
from agent.core.verdict import Verdict

_TABLE = "mcp_servers"
_SHOWN = 120


@dataclass(frozen=True, slots=True)
class Matcher:
    """One value matcher; a pattern of None is one that we cannot compare."""

    kind: str
    value: str
    pattern: Pattern | None = None

    def matches(self, value: str) -> bool | None:
        """Say whether the whole value matches, None where that is not known."""
        if self.kind == "exact":
            return value == self.value
        if self.kind == "prefix":
            return value.startswith(self.value)
        return None if self.pattern is None else self.pattern.matches(value)


@dataclass(frozen=True, slots=True)
class Requirement:
    """What a server of this name must be. `args` of None: whatever the arguments are."""

    name: str
    command: str | None = None
    args: tuple[Matcher, ...] | None = None
    url: Matcher | None = None
    path: str = ""

    def admits(self, server: Server) -> bool | None:
        """Say whether the server is the one that is meant, None where that is not known."""
        if self.url is not None:
            return self.url.matches(server.url) if server.url is not None and server.command is None else False
        if server.command is None or not server.command or server.command[0] != self.command:
            return False
        given = server.command[1:]
        if self.args is None:
            return True
        if len(given) != len(self.args):
            return False
        answers = [matcher.matches(value) for matcher, value in zip(self.args, given, strict=True)]
        return False if False in answers else (None if None in answers else True)

    @property
    def text(self) -> str:
        """The entry in one line."""
        if self.url is not None:
            return f"{self.name}: url {self.url.kind} {self.url.value!r}"[:_SHOWN]
        if self.args is None:
            return f"{self.name}: command {self.command!r}"[:_SHOWN]
        args = ", ".join(f"{matcher.kind} {matcher.value!r}" for matcher in self.args)
        return f"{self.name}: command {self.command!r} with arguments [{args}]"[:_SHOWN]


@dataclass(frozen=True, slots=True)
class Requirements:
    """The servers that may run, by name; `path` is the file that says so, or both of them."""

    path: str
    entries: Mapping[str, Requirement]
    why: str | None = None
    state: State = "effective"

    def verdict(self, server: Server, environment: Environment) -> Verdict:
        """Return what Codex does with `server`."""
        del environment
        if server.scope is ServerScope.PLUGIN:
            text = "Whether Codex applies [mcp_servers] of requirements.toml to servers of plugins was not observed."
            return undetermined("own-policy-plugin", text, source=self.path)
        entry = self.entries.get(server.name)
        if entry is None:
            names = ", ".join(sorted(self.entries)) or "no server at all"
            text = f"Codex disables it: {self.path} has no entry for a server named {server.name!r}; it admits {names}."
            return blocked("not-in-requirements", text, source=f"{self.path} at /{_TABLE}")
        source = f"{entry.path} at /{_TABLE}/{server.name}/identity"
        admitted = entry.admits(server)
        if admitted is None:
            text = f"Whether the pattern in {entry.path} for {server.name!r} matches is not known: its syntax is not understood."
            return undetermined("requirements-pattern", text, entry=entry.text, source=source)
        if admitted:
            text = f"Codex admits it: its name and what it is match {entry.path} ({entry.text})."
            return allowed("in-requirements", text, entry=entry.text, source=source)
        text = f"Codex disables it: {entry.path} has its name, and another command or URL ({entry.text})."
        return blocked("requirements-identity", text, entry=entry.text, source=source)


def codex_policy(documents: Sequence[Document], user: User | None) -> ClientPolicy:
    """Return what `requirements.toml` and the managed preferences bind the user's Codex to."""
    layers: list[tuple[str, Table]] = []  # the weakest first
    for document, raw in layered(documents, user):
        try:
            table = toml_of(raw()).get(_TABLE)
            if table is not None:
                layers.append((document.path, _checked(table)))
        except UnseenError as unseen:
            return NotEffective("indeterminate", f"{document.path} could not be looked at: {unseen}")
        except FaultError as fault:
            return NotEffective("refused", f"Codex does not start, because of {document.path}: {fault}.")
    if not layers:
        return NONE
    said = " and ".join(path for path, _ in reversed(layers))
    try:
        merged = merged_tables([table for _, table in layers])
        entries = {name: _requirement(name, value) for name, value in merged.items()}
    except FaultError as fault:
        return NotEffective("refused", f"Codex does not start, because of {said} together: {fault}.")
    paths = {name: path for path, table in layers for name in table}
    return Requirements(said, {name: replace(entry, path=paths[name]) for name, entry in entries.items()})


def _checked(table: object) -> Table:
    """Return the table of one layer; each must be valid by itself."""
    if not isinstance(table, dict):
        raise FaultError(f"{_TABLE} is not a table")
    for name, value in table.items():
        _requirement(name, value)
    return table


def _requirement(name: str, value: object) -> Requirement:
    """Return one entry. The four forms are tried in the client's order: the plain ones first, whatever else stands beside."""
    identity = value.get("identity") if isinstance(value, dict) else None
    if not isinstance(identity, dict):
        raise FaultError(f"{_TABLE}.{name} has no table identity")
    command, url = identity.get("command"), identity.get("url")
    if isinstance(command, str):
        return Requirement(name, command)
    if isinstance(url, str):
        return Requirement(name, url=Matcher("exact", url))
    if len(identity) == 1 and isinstance(command, dict) and set(command) == {"executable", "args"}:
        executable, args = command["executable"], command["args"]
        if isinstance(executable, str) and isinstance(args, list):
            return Requirement(name, executable, tuple(_matcher(name, item) for item in args))
    if len(identity) == 1 and isinstance(url, dict):
        return Requirement(name, url=_matcher(name, url))
    raise FaultError(f"{_TABLE}.{name}.identity is none of the forms that Codex knows")


_KEYS = {"exact": "value", "prefix": "value", "regex": "expression"}


def _matcher(name: str, value: object) -> Matcher:
    kind = value.get("match") if isinstance(value, dict) else None
    key = _KEYS.get(kind) if isinstance(kind, str) else None
    if not isinstance(value, dict) or key is None or set(value) != {"match", key} or not isinstance(value[key], str):
        raise FaultError(f"a matcher of {_TABLE}.{name} is none of exact, prefix and regex")
    if kind != "regex":
        return Matcher(str(kind), value[key])
    try:
        compile_pattern(value[key])  # a pattern that is whole only inside the client's own brackets is refused too
        return Matcher("regex", value[key], compile_pattern(f"(?:{value[key]})"))
    except InvalidPatternError as error:
        raise FaultError(f"a pattern of {_TABLE}.{name} is not valid ({error})") from None
    except UnknownPatternError:
        return Matcher("regex", value[key])
