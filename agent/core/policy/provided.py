"""`managedMcpServers`: servers that the organisation provides in its settings, beside the users' own.

An entry must be remote, over https, without variables, commands and invisible characters; any other is dropped alone.
"""

import re
from collections.abc import Mapping
from typing import Any

from agent.core.entry import read_servers
from agent.core.jsontext import pointer as pointer_to
from agent.core.place import Place
from agent.core.policy.expansion import has_reference
from agent.core.server import Problem, Server, ServerScope

CLAUDE_CODE = "claude-code"
SERVERS = "managedMcpServers"
_NAME = re.compile(r"[A-Za-z0-9_-]+")
_HIDDEN = re.compile("[\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u2064\ufeff]")
_REMOTE = frozenset({"http", "sse", "streamable-http"})
_LOCAL_KEYS = ("command", "args", "env", "headersHelper")


def provided_fault(name: str, entry: object) -> str | None:
    """Say why the client drops an entry of `managedMcpServers`, None where it loads it."""
    if not _NAME.fullmatch(name):
        return "its name may hold letters, digits, '-' and '_' only"
    if not isinstance(entry, dict):
        return "it is not a JSON object"
    kind, url, texts = entry.get("type"), entry.get("url"), _texts(entry)
    local = next((key for key in _LOCAL_KEYS if key in entry), None)
    faults = (
        (not isinstance(kind, str) or kind not in _REMOTE, "its type must be http or sse"),
        (not isinstance(url, str) or not url.lower().startswith("https://"), "its url must begin with https://"),
        (local is not None, f"it may not hold {local}"),
        (any(map(has_reference, texts)), "it may not hold a ${VARIABLE}"),
        (any(map(_HIDDEN.search, texts)), "it holds control or invisible characters"),
    )
    return next((fault for present, fault in faults if present), None)


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


def _texts(value: object) -> "list[str]":
    """Return every key and text value in `value`, however deep (its depth is bounded by the parser)."""
    if isinstance(value, str):
        return [value]
    if isinstance(value, dict):
        return [text for key, item in value.items() for text in (key, *_texts(item))]
    if isinstance(value, list):
        return [text for item in value for text in _texts(item)]
    return []
