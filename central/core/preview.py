"""What a candidate managed-settings.json would change for a server, from what its device told; the agent's policy engine decides.

The inventory does not hold everything that decides on a device, so each answer is checked against what is known: the engine is
asked about the policy in force, too. Where it does not come to the verdict that the device told, something decides there that was
not told (the users' own settings, another client's policy), and the answer is *undetermined*. So it is where a text was redacted
on which an entry hangs, where the device takes its policy from elsewhere than this file, and where users may widen the list. The
rules are those of the Claude Code that the device has, the newest where it did not tell.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property
from pathlib import PurePosixPath
from typing import Any

from agent.core.observation import Document, DocumentKind
from agent.core.place import Data, Place
from agent.core.policy.effective import Policy, effective
from agent.core.policy.evaluate import Judge
from agent.core.policy.expansion import NOTHING_KNOWN
from agent.core.policy.lint import lint
from agent.core.policy.lint_files import Finding
from agent.core.policy.members import LOCK
from agent.core.policy.provided import CLAUDE_CODE, SERVERS
from agent.core.policy.rules import ALLOW, DENY
from agent.core.secret_looks import MASK
from agent.core.server import Server, ServerScope, Transport
from agent.core.verdict import Answer

NAME = "managed-settings.json"
_MCP = "managed-mcp.json"
_REDACTED = "REDACTED"
_PARTS = (f"${{{_REDACTED}}}", f"depends on {_REDACTED} in the client's environment, which is not known")


class Effect(StrEnum):
    """What would become of a server."""

    BLOCKED = "newly blocked"
    ALLOWED = "newly allowed"
    UNDETERMINED = "undetermined"
    SAME = "unchanged"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What would become of one server, and why."""

    effect: Effect
    before: str
    after: str
    reason: str


@dataclass(frozen=True)
class Candidate:
    """A candidate, as its bytes."""

    raw: bytes = field(repr=False)

    @property
    def document(self) -> Document:
        """The candidate as the managed file that it is to become."""
        return Document(DocumentKind.MANAGED_SETTINGS, NAME, Data(self.raw, ()))

    @cached_property
    def policy(self) -> Policy:
        """What it says alone."""
        return effective([self.document])

    @cached_property
    def findings(self) -> tuple[Finding, ...]:
        """Its weaknesses."""
        return lint([self.document])


class Preview:
    """A candidate against the policies that devices told. Equal questions are answered once."""

    def __init__(self, candidate: Candidate) -> None:
        self._candidate = candidate
        self._judges: dict[object, Judge] = {}
        self._outcomes: dict[object, Outcome] = {}

    def outcomes(
        self, digest: str, told: Mapping[str, Any] | None, servers: Sequence[Mapping[str, Any]]
    ) -> list[Outcome]:
        """Return what would become of each of `servers`, all of one device, as rows of the inventory.

        `told` is the policy in force there, of this `digest`; None where the device did not tell it.
        """
        provided = [row for row in servers if _scope(row) is ServerScope.MANAGED and not _of_settings(row)]
        mcp = _mcp_document(provided) if told is not None and told.get("exclusive") else None
        place = (digest, None if mcp is None else mcp.content)
        return [self._outcome((*place, _identity(row)), told, mcp, row) for row in servers]

    def _outcome(
        self, key: tuple[object, ...], told: Mapping[str, Any] | None, mcp: Document | None, row: Mapping[str, Any]
    ) -> Outcome:
        found = self._outcomes.get(key)
        if found is None:
            found = self._outcomes[key] = self._judged(key[:-1], told, mcp, row)
        return found

    def _judged(
        self, place: tuple[object, ...], told: Mapping[str, Any] | None, mcp: Document | None, row: Mapping[str, Any]
    ) -> Outcome:
        before = str(row["verdict"])
        if _of_settings(row):
            return Outcome(Effect.SAME, before, before, "The policy itself provides it.")
        problem = _unfit(told)
        if problem is not None or told is None:
            return _open(before, problem or "")
        server = _server(row)
        version = _version(row)
        now = self._judge((*place, version, "now"), [_present(told), mcp], version).verdict(server)
        then = self._judge((*place, version, "then"), [self._candidate.document, mcp], version).verdict(server)
        if now.answer not in (Answer.UNDETERMINED, before):
            why = f"What the device told of its policy makes it {now.answer}, and it told {before}"
            return _open(before, f"{why}: something decides there that was not told.")
        if then.answer is Answer.UNDETERMINED:
            return _open(before, then.reason.text.replace(_PARTS[1], "hangs on a part of it that was redacted"))
        widened = (
            then.reason.code == "not-allowed" and row["client"] == CLAUDE_CODE and not self._candidate.policy.locked
        )
        if widened and then.answer != before:
            return _open(before, "The list does not hold it, but users may widen this list in their own settings.")
        return Outcome(_effect(before, then.answer), before, then.answer.value, then.reason.text)

    def _judge(self, key: object, documents: Sequence[Document | None], version: str | None) -> Judge:
        judge = self._judges.get(key)
        if judge is None:
            there = [document for document in documents if document is not None]
            judge = self._judges[key] = Judge(effective(there, client_version=version), NOTHING_KNOWN)
        return judge


def _unfit(told: Mapping[str, Any] | None) -> str | None:
    """Return why a policy that a device told does not let anything be said; None where it does."""
    if told is None:
        return "The device did not tell its policy yet, so what else decides there is not known."
    elsewhere = [str(path) for path in told.get("sources") or () if not _this_file(str(path))]
    if elsewhere:
        return f"The device takes its policy from {', '.join(elsewhere)}, besides or instead of this file."
    return None


def _effect(before: str, after: Answer) -> Effect:
    if before == after:
        return Effect.SAME
    return Effect.BLOCKED if after is Answer.BLOCKED else Effect.ALLOWED


def _open(before: str, reason: str) -> Outcome:
    return Outcome(Effect.UNDETERMINED, before, Answer.UNDETERMINED.value, reason)


def _present(told: Mapping[str, Any]) -> Document | None:
    """Return the policy that a device told as the managed settings that say the same; None where it has none."""
    if told.get("state") == "none":
        return None
    value: dict[str, Any] = {LOCK: bool(told.get("locked")), DENY: _entries(told.get("deny"))}
    if told.get("allow") is not None:
        value[ALLOW] = _entries(told["allow"])
    return Document(DocumentKind.MANAGED_SETTINGS, NAME, Data(json.dumps(value).encode(), ()))


def _entries(told: object) -> list[object]:
    found: list[object] = []
    for entry in told if isinstance(told, list) else ():
        try:
            found.append(json.loads(_opened(str(entry))))
        except ValueError:
            continue
    return found


def _mcp_document(provided: Sequence[Mapping[str, Any]]) -> Document:
    servers = {}
    for row in provided:
        server = _server(row)
        command = server.command or ()
        local = {"command": "".join(command[:1]), "args": list(command[1:])}
        servers[server.name] = {"type": server.transport.value, "url": server.url} if server.command is None else local
    raw = json.dumps({"mcpServers": servers}, sort_keys=True).encode()
    return Document(DocumentKind.MANAGED_MCP, _MCP, Data(raw, ()))


def _server(row: Mapping[str, Any]) -> Server:
    facts = row["facts"]
    command, url = facts.get("command"), facts.get("url")
    return Server(
        client=row["client"],
        user=row["user"],
        scope=_scope(row) or ServerScope.USER,
        name=row["name"],
        place=Place(str(facts.get("file") or ""), str(facts.get("pointer") or "")),
        transport=Transport(row["transport"]) if row["transport"] in set(Transport) else Transport.UNKNOWN,
        command=None if command is None else tuple(_opened(str(word)) for word in command),
        url=None if url is None else _opened(str(url)),
        project=facts.get("project"),
    )


def _opened(text: str) -> str:
    """Return `text` with what was redacted in it as a reference that nobody stated: whatever hangs on it is not known."""
    return text.replace(MASK, _PARTS[0])


def _scope(row: Mapping[str, Any]) -> ServerScope | None:
    said = row["facts"].get("scope")
    return ServerScope(said) if said in set(ServerScope) else None


def _of_settings(row: Mapping[str, Any]) -> bool:
    """Say whether managed settings themselves bring the server: another file brings other ones."""
    return _scope(row) is ServerScope.MANAGED and str(row["facts"].get("pointer") or "").startswith("/" + SERVERS)


def _identity(row: Mapping[str, Any]) -> tuple[object, ...]:
    facts = row["facts"]
    command = facts.get("command")
    what = None if command is None else tuple(map(str, command))
    place = (row["client"], _version(row), facts.get("scope"), row["name"])
    return (*place, row["transport"], what, facts.get("url"), row["verdict"])


def _version(row: Mapping[str, Any]) -> str | None:
    """Return the version of Claude Code by whose rules the device judged the server; None, the newest, where it did not tell."""
    said = row["facts"].get("client_version")
    return said if isinstance(said, str) else None


def _this_file(path: str) -> bool:
    return PurePosixPath(path.replace("\\", "/")).name in (NAME, _MCP) and "managed-settings.d" not in path
