"""Servers whose name a JavaScript object has a meaning of its own for: what such a name costs, by version of Claude Code.

Asked of 2.1.241, 2.1.250, 2.1.257, 2.1.286, 2.1.296, 2.1.299 and 2.1.332. Servers of plugins, whose names the client makes, are
never concerned. `__proto__` is no name in any version: `agent.core.entry`.
"""

from collections.abc import Iterable

from agent.core.policy.rulesets import RuleSet
from agent.core.server import Server, ServerScope

_ACCESSORS = frozenset({"__defineGetter__", "__defineSetter__", "__lookupGetter__", "__lookupSetter__"})
_CONSTRUCTOR = "constructor"
_BEFORE = frozenset({_CONSTRUCTOR, "prototype"})
_SPOILT = frozenset({ServerScope.USER, ServerScope.LOCAL, ServerScope.PROJECT, ServerScope.DYNAMIC})

Map = tuple[ServerScope, str, str]
"""One object of servers: its scope, its file, and where it stands there."""


def name_cost(server: Server, rules: RuleSet, spoilt: frozenset[Map]) -> str | None:
    """Say why a server is left out because of its name, or that of another beside it; None where it is not."""
    if server.scope is ServerScope.PLUGIN:
        return None
    if _map_of(server) in spoilt:
        return f"This version of Claude Code takes no server of {server.place.path}, as one is called {_CONSTRUCTOR!r}."
    if server.name in (_ACCESSORS if rules.drops_accessors else _BEFORE):
        return f"Claude Code takes no server of the name {server.name!r}."
    return None


def named(servers: Iterable[Server], rules: RuleSet) -> tuple[Server, ...]:
    """Return the servers that count when the client decides whether it starts; older versions drop names only then."""
    return tuple(server for server in servers if not (rules.drops_accessors and name_cost(server, rules, frozenset())))


def spoilt_maps(servers: Iterable[Server], rules: RuleSet) -> frozenset[Map]:
    """Return the objects of users, projects and `--mcp-config` of which the client takes no server, because of one's name."""
    if rules.spares_siblings:
        return frozenset()
    return frozenset(_map_of(server) for server in servers if server.scope in _SPOILT and server.name == _CONSTRUCTOR)


def unusable(spoilt: frozenset[Map]) -> str | None:
    """Say what is wrong with the value of `--mcp-config`, which keeps the client from starting; None where nothing is."""
    given = any(scope is ServerScope.DYNAMIC for scope, _, _ in spoilt)
    return f"a value of --mcp-config holds a server called {_CONSTRUCTOR!r}." if given else None


def spoils(names: Iterable[str], rules: RuleSet) -> bool:
    """Say whether these names cost the managed-mcp.json that holds them."""
    return not rules.spares_siblings and _CONSTRUCTOR in names


def _map_of(server: Server) -> Map:
    return server.scope, server.place.path, server.place.pointer.rpartition("/")[0]
