"""What one managed file is: the digest of its bytes, the digest of its meaning, its owner and mode, and an outline for people.

The meaning is the JSON value that the client reads: white space, the order of members, byte order marks and duplicate members
that do not count are no part of it. Two files of equal meaning bind equally; different bytes then only say "reformatted".
"""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from agent.core.canonical import canonical, digest
from agent.core.jsontext import JsonError, decode, parse
from agent.core.observation import Document, DocumentKind
from agent.core.place import Data
from agent.core.policy.members import LOCK
from agent.core.policy.rules import ALLOW, DENY
from agent.core.redaction import redact_text, redact_value

_SERVERS = "mcpServers"
_LISTS = {ALLOW: "allow entry", DENY: "deny entry"}
DEPLOYED = frozenset(
    {
        DocumentKind.MANAGED_SETTINGS,
        DocumentKind.MANAGED_DROPIN,
        DocumentKind.MANAGED_MCP,
        DocumentKind.MANAGED_PREFERENCES,
    }
)
"""The kinds of document that an organisation deploys: only these can be in a baseline."""


@dataclass(frozen=True, slots=True)
class Outline:
    """What a file says, as far as people are told: list entries and server names in words, every other member as a digest."""

    allow: tuple[str, ...] | None = None
    deny: tuple[str, ...] | None = None
    lock: str | None = None
    members: Mapping[str, str] = field(default_factory=dict)
    servers: Mapping[str, str] | None = None


@dataclass(frozen=True, slots=True)
class Record:
    """One file. `meaning` is None where no client can parse it; `owner` and `mode` are None where the system has none."""

    path: str
    role: str
    sha256: str
    meaning: str | None = None
    owner: int | None = None
    mode: str | None = None
    outline: Outline = Outline()


def record_of(document: Document, *, posix: bool) -> Record | None:
    """Return the record of a file that was read; None of any other."""
    content = document.content
    if not isinstance(content, Data):
        return None
    sha256, meaning, outline = _said(content.raw)
    return Record(
        path=document.path,
        role=document.kind.value,
        sha256=sha256,
        meaning=meaning,
        owner=content.facts.uid if posix and content.access else None,
        mode=f"{content.facts.mode:04o}" if posix and content.access else None,
        outline=outline,
    )


@lru_cache(maxsize=256)  # the same files are judged at every look
def _said(raw: bytes) -> tuple[str, str | None, Outline]:
    value = _value(raw)
    meaning = _digest(value) if value is not None else None
    return hashlib.sha256(raw).hexdigest(), meaning, _outline(value or {})


def differences(was: Outline, now: Outline) -> tuple[str, ...]:
    """Say in sentences what `now` says and `was` did not, and the other way round."""
    return tuple(_differences(was, now))


def _differences(was: Outline, now: Outline) -> Iterator[str]:
    for word, before, after in (("allow entry", was.allow, now.allow), ("deny entry", was.deny, now.deny)):
        if before is not None and after is None:
            yield f"the list of {word.replace('entry', 'entries')} went"
        elif before is None and after is not None:
            yield f"a list of {word.replace('entry', 'entries')} came"
        yield from _came_and_went(word, before or (), after or ())
    if was.lock != now.lock:
        yield f"{LOCK} was {was.lock or 'not set'} and is {now.lock or 'not set'}"
    yield from _members("server", was.servers or {}, now.servers or {})
    yield from _members("setting", was.members, now.members)


def _came_and_went(word: str, before: Sequence[str], after: Sequence[str]) -> Iterator[str]:
    yield from (f"{word} {entry} came" for entry in after if entry not in before)
    yield from (f"{word} {entry} went" for entry in before if entry not in after)


def _members(word: str, before: Mapping[str, str], after: Mapping[str, str]) -> Iterator[str]:
    yield from _came_and_went(word, tuple(before), tuple(after))
    yield from (f"{word} {name} changed" for name in before if name in after and before[name] != after[name])


def _value(raw: bytes) -> dict[str, Any] | None:
    text = decode(raw)
    try:
        value = parse(text) if text.strip() else {}
    except JsonError:
        return None
    return value if isinstance(value, dict) else None


def _digest(value: object) -> str:
    return digest(canonical({"": value}))


def _outline(value: Mapping[str, Any]) -> Outline:
    told = {*_LISTS, LOCK, _SERVERS}
    servers = value.get(_SERVERS)
    return Outline(
        allow=_entries(value, ALLOW),
        deny=_entries(value, DENY),
        lock=redact_text(str(value[LOCK]).lower()) if LOCK in value else None,
        members={redact_text(name): _digest(item) for name, item in value.items() if name not in told},
        servers={redact_text(name): _digest(item) for name, item in servers.items()}
        if isinstance(servers, dict)
        else None,
    )


def _entries(value: Mapping[str, Any], name: str) -> tuple[str, ...] | None:
    if name not in value:
        return None
    entries = value[name]
    shown = entries if isinstance(entries, list) else [entries]
    return tuple(
        canonical({name: redact_value(item, name) for name, item in entry.items()})
        if isinstance(entry, dict)
        else redact_text(str(entry))
        for entry in shown
    )
