"""Which members of a managed file set anything. A file in which none does is no policy, and takes no other source's place.

Observed with Claude Code 2.1.330, key by key, beside a managed-settings.json that cannot be read: the client starts only if
another file sets something.
"""

from collections.abc import Mapping

from agent.core.jsonkinds import Check, is_texts
from agent.core.jsontext import pointer as pointer_to
from agent.core.place import Place
from agent.core.policy.provided import SERVERS
from agent.core.policy.rules import ALLOW, DENY
from agent.core.policy.user_schema import fits
from agent.core.server import Problem, Server

LOCK, PLUGIN_ONLY, NO_SIDELOAD = "allowManagedMcpServersOnly", "strictPluginOnlyCustomization", "disableSideloadFlags"
INHERITS = "wslInheritsWindowsSettings"


def misfits(value: Mapping[str, object], path: str) -> tuple[Problem, ...]:
    """Return what is wrong with members whose values the client drops, beside the lists, which have problems of their own."""
    return tuple(
        Problem(Place(path, pointer_to(key)), "invalid-value", f"{key} has a value of a wrong type.")
        for key, item in value.items()
        if not fits(key, item) or (item is None and key in (LOCK, NO_SIDELOAD))
    )


def _is_switch(item: object) -> bool:
    return isinstance(item, bool) or item in ("true", "false")


_COUNTS_IF: Mapping[str, Check] = {
    ALLOW: lambda _item: True,  # a wrong type is an empty list, which shuts everything out
    DENY: lambda item: isinstance(item, list),
    LOCK: _is_switch,
    NO_SIDELOAD: _is_switch,
    PLUGIN_ONLY: lambda item: isinstance(item, bool | list),
    "disabledMcpjsonServers": is_texts,
    "enabledMcpjsonServers": is_texts,
    "hooks": lambda item: isinstance(item, dict),
    "managedSourcesBehavior": lambda _item: False,
}


def sets(key: str, item: object, servers: Mapping[str, Server]) -> bool:
    """Say whether a member sets anything: a value that the client drops, an empty object, and null do not."""
    if item is None or item == {}:
        return False
    if key in _COUNTS_IF:
        return _COUNTS_IF[key](item)
    return bool(servers) if key == SERVERS else fits(key, item) or (_is_switch(item) and fits(key, True))
