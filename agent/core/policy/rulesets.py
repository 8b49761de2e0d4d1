"""Which rules which version of Claude Code follows. What changed when stands in its changelog and documentation.

Every row names the first version that follows it; what wrong values cost, and how the lists of 2.1.153, 2.1.165, 2.1.166,
2.1.218, 2.1.241, 2.1.258, 2.1.272 and 2.1.281 decide, was asked of those versions too. What 2.1.330 had answered, 2.1.332 did
again. The newest known rules serve for newer versions, and the policy says so.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, fields, replace

_NUMBER = re.compile(r"(\d{1,6})\.(\d{1,6})\.(\d{1,6})")

Version = tuple[int, int, int]
NEWEST_RECORDED = "2.1.332"


@dataclass(frozen=True, slots=True)
class RuleSet:
    """How one range of versions decides. The defaults are the rules of the newest version that was recorded."""

    since: str = "2.1.330"
    lists: bool = True  # allowedMcpServers and deniedMcpServers exist
    dropins: bool = True  # managed-settings.d is read
    judges_dynamic: bool = True  # --mcp-config servers pass through the lists
    judges_agents: bool = True  # servers of agent files pass through the lists, and managed-mcp.json shuts them out
    drops_bad_entry: bool = True  # an invalid entry costs that entry; before, the whole managed policy was lost
    drops_bad_value: bool = True  # a value of a wrong type costs that value; before, the whole managed policy was lost
    expands: bool = True  # ${NAME} in rules
    pins_environment: bool = True  # rules take variables from the start-up environment and managed settings alone
    exempts_managed: bool = True  # managed-mcp.json entries without ${NAME} need no allow entry
    managed_servers: bool = True  # managedMcpServers exists
    refuses_malformed: bool = True  # malformed managed settings keep the client from starting
    closes_wrong_types: bool = True  # wrong-typed restrictive values take their restrictive meaning
    merges_sources: bool = True  # managedSourcesBehavior
    inherits_windows: bool = True  # wslInheritsWindowsSettings
    spares_siblings: bool = True  # a server called "constructor" costs itself alone; before, all servers of its file
    drops_accessors: bool = True  # "__defineGetter__" and its like are no names, "constructor" and "prototype" are
    crosses_sources: bool = True  # the lock and deny entries count from every administrator's source
    project_deny_spares_managed: bool = True  # a project's deny entries do not bind the organisation's servers


NEWEST = RuleSet()

_Change = Callable[[RuleSet], RuleSet]
_CHANGES: tuple[tuple[str, _Change], ...] = (
    # first version, and what was not so before it
    ("2.0.22", lambda rules: replace(rules, lists=False)),
    ("2.1.83", lambda rules: replace(rules, dropins=False, judges_dynamic=False)),
    ("2.1.118", lambda rules: replace(rules, inherits_windows=False)),
    ("2.1.153", lambda rules: replace(rules, judges_agents=False)),
    ("2.1.154", lambda rules: replace(rules, drops_bad_entry=False)),
    ("2.1.166", lambda rules: replace(rules, expands=False, drops_bad_value=False)),
    ("2.1.219", lambda rules: replace(rules, pins_environment=False)),
    ("2.1.242", lambda rules: replace(rules, merges_sources=False)),
    ("2.1.257", lambda rules: replace(rules, spares_siblings=False)),
    ("2.1.259", lambda rules: replace(rules, exempts_managed=False, managed_servers=False)),
    ("2.1.273", lambda rules: replace(rules, crosses_sources=False)),
    ("2.1.282", lambda rules: replace(rules, refuses_malformed=False, closes_wrong_types=False)),
    ("2.1.299", lambda rules: replace(rules, drops_accessors=False)),
    ("2.1.330", lambda rules: replace(rules, project_deny_spares_managed=False)),
)

SINCE = ("0.0.0", *(first for first, _ in _CHANGES))
"""The first version of every range that decides in its own way."""


def parse_version(text: str | None) -> Version | None:
    """Return the numbers of `text`, None where it holds no version."""
    found = _NUMBER.search(text or "")
    return (int(found[1]), int(found[2]), int(found[3])) if found else None


def rules_for(version: str | None) -> tuple[RuleSet, str | None]:
    """Return the rules of `version`, and a sentence where they are not exactly known for it."""
    wanted = parse_version(version)
    newest = parse_version(NEWEST_RECORDED)
    if wanted is None:
        return NEWEST, f"The version of Claude Code is not known: the rules of {NEWEST_RECORDED} are applied."
    if newest is not None and wanted > newest:
        return (
            RuleSet(),
            f"Claude Code {version} is newer than the newest known rules: those of {NEWEST_RECORDED} are applied.",
        )
    rules, since = NEWEST, "0.0.0"
    for first, before in reversed(_CHANGES):
        number = parse_version(first)
        if number is not None and wanted < number:
            rules = before(rules)
        elif since == "0.0.0":
            since = first
    return replace(rules, since=since), None


def first_without(names: frozenset[str]) -> str:
    """Return the first version that lacks none of these rules."""
    return next(first for first in SINCE if names.isdisjoint(differences(rules_for(first)[0])))


def differences(rules: RuleSet) -> tuple[str, ...]:
    """Return the names of the rules that `rules` does not follow yet."""
    return tuple(item.name for item in fields(rules) if item.name != "since" and not getattr(rules, item.name))
