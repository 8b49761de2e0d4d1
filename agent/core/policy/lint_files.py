"""What is wrong with a managed file as a whole: it is ignored, empty, unreadable, not JSON, or says a thing twice."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from agent.core.access import may_read
from agent.core.control import CONTROLS
from agent.core.deviation import Severity
from agent.core.jsontext import JsonError, decode, duplicate_keys, parse
from agent.core.jsontext import pointer as pointer_to
from agent.core.observation import Document, DocumentKind
from agent.core.place import Data, User
from agent.core.policy.documents import ManagedMcp, Refuses, Settings, read_managed_mcp, read_settings
from agent.core.policy.managed import counts_as_dropin
from agent.core.policy.members import LOCK, NO_SIDELOAD, PLUGIN_ONLY
from agent.core.policy.provided import SERVERS
from agent.core.policy.rules import ALLOW, DENY

_KNOWN = (ALLOW, DENY, LOCK, SERVERS, PLUGIN_ONLY, NO_SIDELOAD)
_ANYONE = User("anyone", "/", 2**31 - 2)


@dataclass(frozen=True, slots=True)
class Finding:
    """One weakness. `line` and `column` are 1-based, None where the file has no such place; `corrected` is JSON."""

    control: str
    code: str
    path: str
    text: str
    remedy: str
    pointer: str = ""
    line: int | None = None
    column: int | None = None
    corrected: str | None = None

    @property
    def severity(self) -> Severity:
        """The severity of its control."""
        return CONTROLS[self.control].severity


def file_findings(document: Document) -> Iterator[Finding]:
    """Yield what is wrong with a file as a whole."""
    content, path = document.content, document.path
    if document.kind is DocumentKind.MANAGED_DROPIN and not counts_as_dropin(path):
        text = (
            "The client ignores the file: a drop-in's name ends in .json, in lower case, and does not begin with a dot."
        )
        yield Finding("policy.ignored-file", "ignored-name", path, text, "Rename the file.")
        return
    if isinstance(content, Data) and content.access and not may_read(content.access, _ANYONE):
        text = "Ordinary users may not read the file: their clients skip it, and nothing in it binds them."
        yield Finding(
            "policy.not-effective",
            "unreadable-for-users",
            path,
            text,
            "Make the file and its folders readable for all.",
        )
    if document.kind is DocumentKind.MANAGED_MCP:
        yield from _of_managed_mcp(document)
        return
    reading = read_settings(document, None)
    if isinstance(reading, Refuses):
        line, column = _error_place(document)
        text = f"The client refuses to start: {reading.why}."
        remedy = CONTROLS["policy.client-refuses"].remedy
        yield Finding("policy.client-refuses", "malformed", path, text, remedy, line=line, column=column)
    elif isinstance(reading, Settings):
        yield from _of_settings(document, reading.value)


def _of_managed_mcp(document: Document) -> Iterator[Finding]:
    found = read_managed_mcp(document, None)
    if isinstance(found, ManagedMcp) and found.exclusive and not found.usable:
        line, column = _error_place(document)
        remedy = 'Write {"mcpServers": {…}}; an empty map blocks everything on purpose.'
        yield Finding(
            "policy.invalid-entry", "no-servers", document.path, found.why or "", remedy, line=line, column=column
        )
    yield from _duplicates(document)


def _of_settings(document: Document, value: Any) -> Iterator[Finding]:  # noqa: ANN401 - JSON
    path = document.path
    if not value:
        text = "The file is empty and counts as {}: it sets no rule, and no client complains."
        yield Finding("policy.not-effective", "empty-file", path, text, "Write the policy, or remove the file.")
    for key in value:
        meant = next((known for known in _KNOWN if known != key and known.lower() == key.lower()), None)
        if meant is not None:
            text = f"The client knows {meant} and not {key}: the whole key is ignored."
            remedy = f"Write {meant}."
            yield Finding(
                "policy.inert-entry", "wrong-case-key", path, text, remedy, pointer_to(key), corrected=json.dumps(meant)
            )
    yield from _duplicates(document)


def _duplicates(document: Document) -> Iterator[Finding]:
    text = text_of(document)
    for pointer, line, column in duplicate_keys(text) if text is not None else ():
        says = "The key stands twice: the later value counts, and this one does nothing."
        yield Finding(
            "policy.inert-entry",
            "duplicate-key",
            document.path,
            says,
            "Merge the two.",
            pointer,
            line=line,
            column=column,
        )


def text_of(document: Document) -> str | None:
    """Return the document's text as the client decodes it, None where it could not be read."""
    return decode(document.content.raw) if isinstance(document.content, Data) else None


def _error_place(document: Document) -> tuple[int | None, int | None]:
    text = text_of(document)
    try:
        parse(text if text is not None else "{}")
    except JsonError as error:
        return error.line, error.column
    return (1, 1) if text is not None else (None, None)
