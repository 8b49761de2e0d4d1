"""Allow and deny entries: what a list of them says, which file each stands in, and what is wrong with the others.

An entry has exactly one of `serverName`, `serverCommand` and `serverUrl`, whatever the values of the others; further keys do not
matter. An invalid entry is dropped alone; a list of invalid entries is an empty list, which blocks everything. An allowed name
holds letters, digits, "-" and "_"; a denied one is any text without blanks at its ends. A URL pattern that matches nothing is a
valid entry all the same.
"""

import json
import re
from dataclasses import dataclass
from enum import StrEnum

from agent.core.jsontext import pointer as pointer_to
from agent.core.place import Place
from agent.core.policy.urls import UrlPattern, compile_pattern
from agent.core.server import Problem

ALLOW, DENY = "allowedMcpServers", "deniedMcpServers"
_KEYS = ("serverName", "serverCommand", "serverUrl")
_ALLOWED_NAME = re.compile(r"[A-Za-z0-9_-]+")


class RuleScope(StrEnum):
    """The kind of file that a rule came from."""

    MANAGED = "managed"
    USER = "user"
    PROJECT = "project"
    LOCAL = "local"
    FLAG = "flag"  # --settings

    @property
    def repository(self) -> bool:
        """True for files that a repository brings along: their denials do not bind the organisation's servers."""
        return self in (RuleScope.PROJECT, RuleScope.LOCAL)


@dataclass(frozen=True, slots=True)
class Entry:
    """Where a rule stands."""

    place: Place
    scope: RuleScope


@dataclass(frozen=True, slots=True)
class NameRule:
    """Matches a server's name, exactly and without expansion."""

    entry: Entry
    name: str

    @property
    def text(self) -> str:
        """The entry as JSON."""
        return _json({"serverName": self.name})


@dataclass(frozen=True, slots=True)
class CommandRule:
    """Matches a local server's command and arguments, each exactly, after expansion on both sides."""

    entry: Entry
    command: tuple[str, ...]

    @property
    def text(self) -> str:
        """The entry as JSON."""
        return _json({"serverCommand": list(self.command)})


@dataclass(frozen=True, slots=True)
class UrlRule:
    """Matches a remote server's URL by a pattern (see `agent.core.policy.urls`), after expansion on both sides."""

    entry: Entry
    url: str

    @property
    def text(self) -> str:
        """The entry as JSON."""
        return _json({"serverUrl": self.url})

    @property
    def pattern(self) -> UrlPattern:
        """The pattern as it is written, references not replaced."""
        return compile_pattern(self.url)


Rule = NameRule | CommandRule | UrlRule


@dataclass(frozen=True, slots=True)
class RuleList:
    """One list of one file. `rules` is None where the file sets none. `broken` says that an entry or the list is invalid."""

    rules: tuple[Rule, ...] | None
    problems: tuple[Problem, ...] = ()

    @property
    def broken(self) -> bool:
        """True where something in the list is not as the client wants it."""
        return bool(self.problems)


def read_list(settings: object, key: str, scope: RuleScope, path: str, *, closes: bool = True) -> RuleList:
    """Return the list `key` (allowedMcpServers or deniedMcpServers) of a settings object.

    A managed allow list that is no list counts as empty, so that nothing loads (`closes`); elsewhere, and a deny list anywhere,
    it is dropped.
    """
    if not isinstance(settings, dict) or key not in settings:
        return RuleList(None)
    value = settings[key]
    if not isinstance(value, list):
        return _not_a_list(key, scope, path, closes=closes)
    rules: list[Rule] = []
    problems: list[Problem] = []
    for index, item in enumerate(value):
        place = Place(path, pointer_to(key, index))
        found = read_entry(item, Entry(place, scope), allow=key == ALLOW)
        if isinstance(found, str):
            problems.append(Problem(place, "invalid-entry", f"The client drops this entry of {key}: {found}."))
        else:
            rules.append(found)
    return RuleList(tuple(rules), tuple(problems))


def read_entry(item: object, entry: Entry, *, allow: bool) -> Rule | str:
    """Return the rule that `item` writes, or what is wrong with it."""
    if not isinstance(item, dict):
        return "it is not a JSON object"
    present = [key for key in _KEYS if key in item]
    if len(present) != 1:
        return "it needs exactly one of serverName, serverCommand and serverUrl, and has " + (
            " and ".join(present) or "none of them"
        )
    key = present[0]
    return {"serverName": _name, "serverCommand": _command, "serverUrl": _url}[key](item[key], entry, allow)


def _name(value: object, entry: Entry, allow: bool) -> Rule | str:  # noqa: FBT001 - one row of a table
    if not isinstance(value, str) or not value or value != value.strip():
        return "serverName must be text, not empty and without blanks at its ends"
    if allow and not _ALLOWED_NAME.fullmatch(value):
        return "an allowed serverName holds letters, digits, '-' and '_' only, so plugin servers can never be allowed by name"
    return NameRule(entry, value)


def _command(value: object, entry: Entry, allow: bool) -> Rule | str:  # noqa: ARG001, FBT001 - one row of a table
    if not isinstance(value, list) or not value or not all(isinstance(part, str) for part in value):
        return "serverCommand must be a list of texts: the command, then each argument"
    return CommandRule(entry, tuple(value))


def _url(value: object, entry: Entry, allow: bool) -> Rule | str:  # noqa: ARG001, FBT001 - one row of a table
    return UrlRule(entry, value) if isinstance(value, str) else "serverUrl must be text"


def _not_a_list(key: str, scope: RuleScope, path: str, *, closes: bool) -> RuleList:
    place = Place(path, pointer_to(key))
    if key == ALLOW and scope is RuleScope.MANAGED and closes:
        text = f"{key} is not a list: the client enforces an empty one, so that no server passes. Make it a list of entries."
        return RuleList((), (Problem(place, "invalid-list", text),))
    text = f"{key} is not a list: the client drops it, and nothing in it counts. Make it a list of entries."
    return RuleList(None, (Problem(place, "invalid-list", text),))


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False).encode("utf-8", "backslashreplace").decode()
