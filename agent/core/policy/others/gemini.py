"""Gemini CLI: the lists `mcp.allowed` and `mcp.excluded` of its system settings, which know servers by name alone.

Observed with Gemini CLI 0.61.0, by the servers that a session starts. The lists of the system's defaults, the system's
settings, the user and the folder are taken together: of several `allowed` lists only names in all of them stay (compared
without case), `excluded` adds up. Then names are compared letter for letter. **An `allowed` list that is empty in the end
admits everything**, so that a user whose own list shares no name with the organisation's is bound by neither. A file of
settings that is empty or is no JSON object keeps the client from starting; comments are read, a byte order mark or a trailing
comma are not. What is no list counts as none, what is no text is passed over. `$NAME` in a name is the variable's value. Not
bound at all, by documentation and source: a client that is started with `--allowed-mcp-server-names`, or with
`GEMINI_CLI_SYSTEM_SETTINGS_PATH` set to another file.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from agent.core.jsontext import JsonError, parse
from agent.core.observation import Document, DocumentKind
from agent.core.place import User
from agent.core.policy.expansion import Environment, Unstated
from agent.core.policy.others.ruling import (
    NONE,
    ClientPolicy,
    Closed,
    NotEffective,
    State,
    Unseen,
    allowed,
    blocked,
    read,
    undetermined,
)
from agent.core.server import Server
from agent.core.verdict import Verdict

KINDS = (
    DocumentKind.GEMINI_SYSTEM,
    DocumentKind.GEMINI_DEFAULTS,
    DocumentKind.GEMINI_USER,
    DocumentKind.GEMINI_PROJECT,
)
"""In the order in which the client takes their lists."""

_MANAGED = frozenset({DocumentKind.GEMINI_SYSTEM, DocumentKind.GEMINI_DEFAULTS})
_TOKENS = re.compile(r'"(?:[^"\\]|\\.)*"|//[^\n]*|/\*.*?\*/', re.DOTALL)
_VARIABLE = re.compile(r"\$(?:\{([A-Za-z_][A-Za-z0-9_]*)(?::-[^}]*)?\}|([A-Za-z_][A-Za-z0-9_]*))")


class _FaultError(ValueError):
    """The client does not start; the text says why."""


@dataclass(frozen=True, slots=True)
class NameList:
    """One list of one file."""

    path: str
    names: tuple[str, ...]
    managed: bool


@dataclass(frozen=True, slots=True)
class Lists:
    """All lists, those of the files that count first in front."""

    allow: tuple[NameList, ...]
    exclude: tuple[NameList, ...]
    why: str | None = None
    state: State = "effective"

    def verdict(self, server: Server, environment: Environment) -> Verdict:
        """Return what a session of Gemini CLI does with `server`."""
        open_names = [
            found
            for part in (*self.allow, *self.exclude)
            for name in part.names
            if (found := _unknown(name, environment))
        ]
        if open_names:
            text = f"The lists depend on {', '.join(sorted(set(open_names)))} in the client's environment, which is not known."
            return undetermined("own-policy-depends-on-environment", text, source=(self.allow or self.exclude)[0].path)
        for part in self.exclude:
            if server.name in _expanded(part, environment):
                text = f"Gemini CLI leaves it out: mcp.excluded in {part.path} names {server.name!r}."
                return blocked("denied-by-name", text, entry=server.name, source=f"{part.path} at /mcp/excluded")
        return self._admitted(server, environment)

    def _admitted(self, server: Server, environment: Environment) -> Verdict:
        if not self.allow:
            return allowed("not-excluded", "No list of Gemini CLI's settings names it, so it starts it.")
        first, *others = [_expanded(part, environment) for part in self.allow]
        folded = [{_folded(name) for name in other} for other in others]
        names = [name for name in first if all(_folded(name) in other for other in folded)]
        source = next((part.path for part in self.allow if part.managed), self.allow[0].path) + " at /mcp/allowed"
        if not names:
            where = " and ".join(part.path for part in self.allow)
            text = (
                f"The lists mcp.allowed in {where} have no name in common, and Gemini CLI takes an empty list for none: it "
                "starts every server. Only mcp.excluded still binds."
            )
            return allowed("allowed-list-empty", text, source=source)
        if server.name in names:
            text = f"Gemini CLI admits it by its name alone: {server.name!r} is in mcp.allowed."
            return allowed("allowed-by-name-alone", text, entry=server.name, source=source)
        text = f"Gemini CLI leaves it out: {server.name!r} is not among the names of mcp.allowed ({', '.join(sorted(names))})."
        return blocked("not-in-allowed-names", text, source=source)


def gemini_policy(documents: Sequence[Document], user: User | None) -> ClientPolicy:
    """Return what the lists of names bind the user's Gemini CLI to; without any managed list there is no policy."""
    allow: list[NameList] = []
    exclude: list[NameList] = []
    for document in sorted((d for d in documents if d.kind in KINDS), key=lambda d: KINDS.index(d.kind)):
        found = read(document, user)
        if isinstance(found, Unseen):
            return NotEffective("indeterminate", f"{document.path} could not be looked at: {found.why}")
        if found is None:
            continue
        if isinstance(found, Closed):
            why = f"What Gemini CLI does where it cannot read {document.path} is not known: {found.why}."
            return NotEffective("indeterminate", why)
        try:
            section = _settings(found.raw).get("mcp")
        except _FaultError as fault:
            return NotEffective("refused", f"Gemini CLI does not start, because of {document.path}: {fault}.")
        for key, lists in (("allowed", allow), ("excluded", exclude)):
            value = section.get(key) if isinstance(section, dict) else None
            if isinstance(value, list):
                names = tuple(item for item in value if isinstance(item, str))
                lists.append(NameList(document.path, names, document.kind in _MANAGED))
    if not any(part.managed for part in (*allow, *exclude)):
        return NONE
    return Lists(tuple(allow), tuple(exclude))


def _settings(raw: bytes) -> Mapping[str, Any]:
    text = raw.decode("utf-8", errors="replace")
    try:
        value = parse(_TOKENS.sub(lambda match: match[0] if match[0].startswith('"') else " ", text))
    except JsonError as error:
        raise _FaultError(f"it is not JSON with comments ({error})") from None
    if not isinstance(value, dict):
        raise _FaultError("its top level is not a JSON object")
    return value


def _unknown(name: str, environment: Environment) -> str | None:
    found = (match[1] or match[2] for match in _VARIABLE.finditer(name))
    return next((variable for variable in found if environment.lookup(variable) is Unstated.UNKNOWN), None)


def _expanded(part: NameList, environment: Environment) -> list[str]:
    def value(match: re.Match[str]) -> str:
        found = environment.lookup(match[1] or match[2])
        return found if isinstance(found, str) else match[0]

    return [_VARIABLE.sub(value, name) for name in part.names]


def _folded(name: str) -> str:
    return name.lower().strip()
