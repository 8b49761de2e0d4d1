"""What one settings file contributes, and how its place in the policy is told: `Source`, and the user's side of the policy."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from agent.core.jsontext import JsonError, parse
from agent.core.jsontext import pointer as pointer_to
from agent.core.observation import Document, DocumentKind
from agent.core.place import Place, User
from agent.core.policy.documents import Absent, Settings, Skipped, read_settings
from agent.core.policy.rules import ALLOW, DENY, Rule, RuleScope, read_list
from agent.core.policy.user_schema import ignored_for
from agent.core.server import Problem

FLAG_PATH, _FLAG = "--settings", "flag-settings"
_SCOPES = {
    DocumentKind.USER_SETTINGS: RuleScope.USER,
    DocumentKind.PROJECT_SETTINGS: RuleScope.PROJECT,
    DocumentKind.LOCAL_SETTINGS: RuleScope.LOCAL,
}
REJECTED = "disabledMcpjsonServers"
SHADOWED, USERS_OWN, NOT_INHERITED = "shadowed", "users-own", "not-inherited"
"""What a source's place in the ranking makes of it: another takes its place, its user writes it, it does not bind here."""


@dataclass(frozen=True, slots=True)
class Source:
    """One file that may hold policy: what it is, what the client made of it, and whether anything in it counts."""

    kind: str
    path: str
    state: str
    selected: bool
    problems: tuple[Problem, ...] = ()


@dataclass(frozen=True, slots=True)
class Side:
    """What a file of a user or project, or `--settings`, adds to the policy."""

    scope: RuleScope
    source: Source
    allow: tuple[Rule, ...] | None = None
    deny: tuple[Rule, ...] = ()
    env: Mapping[str, str] = field(default_factory=dict, repr=False)
    rejected: Mapping[str, Place] = field(default_factory=dict)


def read_user_side(document: Document, user: User | None, setting_sources: frozenset[str] | None) -> Side | None:
    """Return what `document` adds, None where it is no settings file of the user's side, absent, or switched off."""
    scope = _SCOPES.get(document.kind)
    if scope is None or (setting_sources is not None and scope.value not in setting_sources):
        return None
    reading = read_settings(document, user)
    if isinstance(reading, Absent):
        return None
    if isinstance(reading, Settings):
        return _side(reading.value, scope, document.kind.value, document.path)
    code = reading.code if isinstance(reading, Skipped) else "unreadable"
    return _ignored(scope, document.kind.value, document.path, code, reading.why)


def read_flag_settings(text: str) -> Side:
    """Return what the text given with `--settings` adds; text that is not JSON keeps the client from starting."""
    try:
        value = parse(text)
    except JsonError as error:
        return _ignored(RuleScope.FLAG, _FLAG, FLAG_PATH, "malformed", f"it is not JSON ({error})")
    return _side(value if isinstance(value, dict) else {}, RuleScope.FLAG, _FLAG, FLAG_PATH)


def _ignored(scope: RuleScope, kind: str, path: str, code: str, why: str) -> Side:
    problem = Problem(Place(path), code, f"The client ignores this file: {why}")
    return Side(scope, Source(kind, path, code, selected=False, problems=(problem,)))


def read_env(settings: Mapping[str, Any]) -> dict[str, str]:
    """Return the variables that a settings object sets; whatever a value is becomes text."""
    env = settings.get("env")
    return {name: _javascript_text(value) for name, value in env.items()} if isinstance(env, dict) else {}


def _javascript_text(value: object) -> str:
    """Return what JavaScript's `String()` makes of a value (nesting is bounded by the parser)."""
    if isinstance(value, str):
        return value
    if isinstance(value, list):
        return ",".join("" if item is None else _javascript_text(item) for item in value)
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return "[object Object]" if isinstance(value, dict) else json.dumps(value)


def read_rejected(settings: Mapping[str, Any], path: str) -> dict[str, Place]:
    """Return the project servers that a settings object rejects by name: a list of texts, or nothing."""
    value = settings.get(REJECTED)
    if not isinstance(value, list) or not all(isinstance(name, str) for name in value):
        return {}
    return {name: Place(path, pointer_to(REJECTED, at)) for at, name in enumerate(value)}


def _side(value: Mapping[str, Any], scope: RuleScope, kind: str, path: str) -> Side:
    wrong = ignored_for(value)
    if wrong is not None:
        return _ignored(
            scope, kind, path, "malformed", f"the value of {wrong} has the wrong type, and that costs the whole file."
        )
    allow = read_list(value, ALLOW, scope, path)
    deny = read_list(value, DENY, scope, path)
    problems = (*allow.problems, *deny.problems)
    return Side(
        scope,
        Source(kind, path, "effective", selected=allow.rules is not None or deny.rules is not None, problems=problems),
        allow=allow.rules,
        deny=deny.rules or (),
        env=read_env(value),
        rejected=read_rejected(_listed(value), path),
    )


def _listed(value: Mapping[str, Any]) -> Mapping[str, Any]:
    """Take one name for a list of it, which the client does in the files of users and projects, and not in managed ones."""
    one = value.get(REJECTED)
    return {**value, REJECTED: [one]} if isinstance(one, str) else value
