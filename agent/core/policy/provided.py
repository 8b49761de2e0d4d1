"""`managedMcpServers`: servers that the organisation provides in its settings, beside the users' own.

An entry must be remote, over https, without variables, commands and invisible characters; any other is dropped alone. Observed
with Claude Code 2.1.330: variables count in values alone, invisible characters in keys too.
"""

import re
import unicodedata
from collections.abc import Mapping
from typing import Any

from agent.core.entry import entry_fault, read_servers
from agent.core.jsontext import pointer as pointer_to
from agent.core.place import Place
from agent.core.policy.expansion import has_reference
from agent.core.policy.urls import parse_url
from agent.core.server import Problem, Server, ServerScope

CLAUDE_CODE = "claude-code"
SERVERS = "managedMcpServers"
_NAME = re.compile(r"[A-Za-z0-9_-]+")
_INVISIBLE = frozenset(
    {"Cc", "Cf", "Zl", "Zp"}
)  # Unicode's control and format characters, line and paragraph separators
_NO_NAMES = frozenset(
    [
        "constructor",
        "prototype",
        "__proto__",
        "__defineGetter__",
        "__defineSetter__",
        "__lookupGetter__",
        "__lookupSetter__",
    ]
)
_REMOTE = frozenset({"http", "sse", "streamable-http"})
_LOCAL_KEYS = ("command", "args", "env", "headersHelper")


def provided_fault(name: str, entry: object) -> str | None:
    """Say why the client drops an entry of `managedMcpServers`, None where it loads it."""
    if not _NAME.fullmatch(name):
        return "its name may hold letters, digits, '-' and '_' only"
    if name in _NO_NAMES:
        return "the client takes no server of that name"
    if not isinstance(entry, dict):
        return "it is not a JSON object"
    kind, url = entry.get("type"), entry.get("url")
    local = next((key for key in _LOCAL_KEYS if key in entry), None)
    faults = (
        (not isinstance(kind, str) or kind not in _REMOTE, "its type must be http or sse"),
        (not _over_https(url), "its url must be an https:// address"),
        (local is not None, f"it may not hold {local}"),
        (any(map(has_reference, _texts(entry, keys=False))), "it may not hold a ${VARIABLE}"),
        (any(map(_hides_something, _texts(entry, keys=True))), "it holds control or invisible characters"),
    )
    return next((fault for present, fault in faults if present), entry_fault(entry))


def provided_servers(value: Mapping[str, Any], path: str) -> tuple[dict[str, Server], tuple[Problem, ...]]:
    """Return the servers of `managedMcpServers`, which load beside the users' own and need no allow entry."""
    entries = value.get(SERVERS)
    if entries is None:
        return {}, ()
    if not isinstance(entries, dict):
        text = f"{SERVERS} must be an object from names to entries: no server of it loads."
        return {}, (Problem(Place(path, pointer_to(SERVERS)), "invalid-servers", text),)
    problems: list[Problem] = []
    good: dict[str, Any] = {}
    for name, entry in entries.items():
        fault = provided_fault(name, entry)
        if fault is None:
            good[name] = entry
            continue
        place = Place(path, pointer_to(SERVERS, name))
        problems.append(
            Problem(place, "invalid-server", f"The client drops the server {name!r} of {SERVERS}: {fault}.")
        )
    servers, more = read_servers(
        good, client=CLAUDE_CODE, user=None, scope=ServerScope.MANAGED, path=path, pointer=pointer_to(SERVERS)
    )
    return {server.name: server for server in servers}, (*problems, *more)


def _over_https(url: object) -> bool:
    address = parse_url(url) if isinstance(url, str) else None
    return address is not None and address.scheme == "https"


def _hides_something(text: str) -> bool:
    return any(unicodedata.category(character) in _INVISIBLE for character in text)


def _texts(value: object, *, keys: bool) -> list[str]:
    """Return every text value in `value`, and every key, however deep (its depth is bounded by the parser)."""
    if isinstance(value, str):
        return [value]
    if isinstance(value, dict):
        inner = [text for item in value.values() for text in _texts(item, keys=keys)]
        return [*value, *inner] if keys else inner
    if isinstance(value, list):
        return [text for item in value for text in _texts(item, keys=keys)]
    return []
