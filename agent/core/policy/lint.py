"""Weaknesses of a policy before or after it is deployed: what does not do what it looks like, and how it should read.

Input are the managed files, as documents; what they mean comes from the engine itself, so that a finding never contradicts a
verdict. Each finding names its control, file, JSON pointer, line and column, says what happens, and gives the corrected entry.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from agent.core.control import CONTROLS
from agent.core.jsontext import JsonError, decode, parse, positions
from agent.core.jsontext import pointer as pointer_to
from agent.core.observation import Document, DocumentKind
from agent.core.place import Data, Place
from agent.core.policy.documents import Settings, read_settings
from agent.core.policy.effective import Policy, effective
from agent.core.policy.evaluate import Judge
from agent.core.policy.expansion import NOTHING_KNOWN
from agent.core.policy.flaw import ENVIRONMENT, Flaw
from agent.core.policy.flaws import Demotion, allow_flaws, deny_flaws, mended
from agent.core.policy.lint_files import Finding, file_findings, text_of
from agent.core.policy.managed import settings_documents
from agent.core.policy.members import LOCK
from agent.core.policy.rules import ALLOW, CommandRule, Rule, UrlRule
from agent.core.server import ServerScope
from agent.core.verdict import Answer

_SETTINGS = frozenset({DocumentKind.MANAGED_SETTINGS, DocumentKind.MANAGED_DROPIN})
_INVALID = frozenset({"invalid-entry", "invalid-list", "invalid-value", "invalid-server", "invalid-servers"})


def lint(
    documents: Sequence[Document], *, client_version: str | None = None, whole: bool = True
) -> tuple[Finding, ...]:
    """Return the weaknesses of the managed files `documents`, in the order of files, then of places in them.

    `whole` says that these are all the managed files there are; without it, what only their sum can show is left out.
    """
    managed = [item for item in documents if item.kind in _SETTINGS or item.kind is DocumentKind.MANAGED_MCP]
    policy = effective(managed, client_version=client_version)
    found = [finding for document in managed for finding in file_findings(document)]
    found += _of_problems(policy, managed)
    found += _of_entries(policy)
    found += _of_locks(policy, managed)
    found += _of_servers(policy)
    if whole and policy.state == "none":
        text = "No managed file says anything about MCP servers: every server may run."
        path = managed[0].path if managed else "managed-settings.json"
        found.append(Finding("policy.missing", "missing", path, text, CONTROLS["policy.missing"].remedy))
    order = {document.path: at for at, document in enumerate(managed)}
    met = {finding.path for finding in found}
    places = {document.path: positions(text_of(document) or "") for document in managed if document.path in met}
    placed = [_placed(finding, places) for finding in found]
    return tuple(sorted(placed, key=lambda f: (order.get(f.path, -1), f.line or 0, f.column or 0, f.control, f.code)))


def document_from(path: str, raw: bytes) -> Document:
    """Return a managed document of the bytes `raw`: its kind from its name and folder, or from what it holds."""
    folder, _, name = path.replace("\\", "/").rpartition("/")
    kind = DocumentKind.MANAGED_SETTINGS
    if folder.endswith("managed-settings.d"):
        kind = DocumentKind.MANAGED_DROPIN
    elif name == "managed-mcp.json" or (name != "managed-settings.json" and _holds_servers(raw)):
        kind = DocumentKind.MANAGED_MCP
    return Document(kind, path, Data(raw, ()))


def _holds_servers(raw: bytes) -> bool:
    try:
        value = parse(decode(raw))
    except JsonError:
        return False
    return isinstance(value, dict) and "mcpServers" in value


def _of_problems(policy: Policy, managed: Sequence[Document]) -> Iterator[Finding]:
    """Yield what the client drops, as the engine met it."""
    for problem in policy.problems:
        if problem.code not in _INVALID:
            continue
        place = problem.place
        meant = mended(_at_pointer(place, managed)) if problem.code == "invalid-entry" else None
        corrected = None if meant is None else json.dumps(meant, ensure_ascii=False)
        remedy = (
            "Correct it: the client goes on without it."
            if corrected is None
            else "Write one key with a value of its type."
        )
        yield _at(place, "policy.invalid-entry", problem.code, problem.text, remedy, corrected)


def _at_pointer(place: Place, managed: Sequence[Document]) -> object:
    """Return the entry of a list at a pointer of two parts."""
    document = next((item for item in managed if item.path == place.path), None)
    _, key, at = (*place.pointer.split("/"), "", "")[:3]
    entries = _value(document).get(key) if document is not None else None
    return entries[int(at)] if isinstance(entries, list) and at.isdigit() and int(at) < len(entries) else None


def _of_entries(policy: Policy) -> Iterator[Finding]:
    """Yield the flaws of every allow and deny entry."""
    allow = policy.allow or ()
    names = Demotion(
        local=not any(isinstance(rule, CommandRule) for rule in allow),
        remote=not any(isinstance(rule, UrlRule) for rule in allow),
    )
    for rule in allow:
        yield from (_of_flaw(rule, flaw) for flaw in allow_flaws(rule, names, policy.managed_env))
    for rule in policy.deny:
        yield from (_of_flaw(rule, flaw) for flaw in deny_flaws(rule, policy.managed_env))


def _of_flaw(rule: Rule, flaw: Flaw) -> Finding:
    corrected = None if flaw.corrected is None else json.dumps(flaw.corrected, ensure_ascii=False)
    place = rule.entry.place
    return Finding(flaw.control, flaw.code, place.path, flaw.text, flaw.remedy, place.pointer, corrected=corrected)


def _of_locks(policy: Policy, managed: Sequence[Document]) -> Iterator[Finding]:
    """Yield a list without a lock, a lock without a list, and a drop-in that takes the lock back."""
    if policy.lock is not None and policy.allow is None:
        text = "The lock is on and no managed file gives a list: every server passes, and users' own lists do not count either."
        remedy = CONTROLS["policy.lock-without-list"].remedy
        yield _at(policy.lock, "policy.lock-without-list", "lock-without-list", text, remedy, f'"{ALLOW}": []')
    if policy.lock is None and policy.allow is not None and policy.exclusive is None:
        reset = _reset(managed)
        lock = f'"{LOCK}": true'
        if reset is not None:
            text = "The lock that an earlier file sets is taken back here: users can widen the allowlist."
            yield _at(reset, "policy.soft-allowlist", "lock-reset", text, "Remove the key from the later file.", lock)
        else:
            place = _first_list(policy, managed)
            text = "Users can add servers to the allowlist in their own settings: it only advises."
            remedy = CONTROLS["policy.soft-allowlist"].remedy
            yield _at(place, "policy.soft-allowlist", "no-lock", text, remedy, lock)


def _reset(managed: Sequence[Document]) -> Place | None:
    """Return where a later file takes the lock back."""
    locked = False
    for document in settings_documents(managed):
        value = _value(document).get(LOCK)
        if value is None:
            continue
        if value in (False, "false") and locked:
            return Place(document.path, pointer_to(LOCK))
        locked = value is not False and value != "false"
    return None


def _first_list(policy: Policy, managed: Sequence[Document]) -> Place:
    for document in settings_documents(managed):
        if ALLOW in _value(document):
            return Place(document.path, pointer_to(ALLOW))
    return policy.allow[0].entry.place if policy.allow else Place("managed-settings.json")


def _of_servers(policy: Policy) -> Iterator[Finding]:
    """Yield servers that the organisation provides and its own lists may shut out."""
    judge = Judge(policy, NOTHING_KNOWN)
    for server in policy.managed_servers:
        verdict = judge.verdict(server)
        if server.scope is ServerScope.MANAGED and verdict.answer is not Answer.ALLOWED and policy.state == "effective":
            text = f"The server {server.name!r}, which this file provides, may not load: {verdict.reason.text}"
            remedy = "Write the values instead of variables, add an allow entry, or remove the server."
            control = ENVIRONMENT if verdict.reason.code != "denied" else "policy.inert-entry"
            yield _at(server.place, control, "provided-and-blocked", text, remedy)


def _at(place: Place, control: str, code: str, text: str, remedy: str, corrected: str | None = None) -> Finding:
    return Finding(control, code, place.path, text, remedy, place.pointer, corrected=corrected)


def _value(document: Document) -> dict[str, Any]:
    reading = read_settings(document, None)
    return dict(reading.value) if isinstance(reading, Settings) else {}


def _placed(finding: Finding, places: Mapping[str, Mapping[str, tuple[int, int]]]) -> Finding:
    """Return the finding with the line and column of its pointer."""
    found = places.get(finding.path, {}).get(finding.pointer)
    if finding.line is not None or not finding.pointer or found is None:
        return finding
    return replace(finding, line=found[0], column=found[1])
