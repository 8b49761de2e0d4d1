"""What an administrator would have to write to allow a server, or to block it: the exact entry, and what it brings with it."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from agent.core.policy.evaluate import Judge
from agent.core.policy.expansion import has_reference
from agent.core.policy.near import Redact
from agent.core.policy.provided import CLAUDE_CODE
from agent.core.policy.rules import ALLOW, DENY
from agent.core.policy.urls import Address
from agent.core.server import Server, ServerScope, Transport
from agent.core.verdict import Answer, Verdict


@dataclass(frozen=True, slots=True)
class Remedy:
    """What to write: `entry` goes into the list or map `key` of the managed files; None where no entry alone helps.

    `incomplete` says that redaction left something out, which must be put back in by hand.
    """

    text: str
    key: str | None = None
    entry: Mapping[str, Any] | None = None
    incomplete: bool = False

    @property
    def json(self) -> str | None:
        """The entry as JSON."""
        return None if self.entry is None else json.dumps(self.entry, ensure_ascii=False)


def to_allow(judge: Judge, server: Server, verdict: Verdict, redact: Redact) -> Remedy | None:
    """Return what would allow `server`, None where it is allowed or where there is no policy to change."""
    code, source = verdict.reason.code, verdict.reason.source
    if verdict.answer is Answer.ALLOWED or code == "no-policy":
        return None
    if code.startswith("policy-"):
        return Remedy(f"First mend what keeps the policy from being read. {verdict.reason.text}")
    if code in ("denied", "deny-depends-on-environment", "bridge-denied"):
        return Remedy(f"Remove or narrow the deny entry at {source}: nothing overrides a denial.", DENY)
    if code == "plugin-only":
        return Remedy(f"Take the switch at {source} back, or provide the server in managedMcpServers or a plugin.")
    if code in ("exclusive", "not-provided"):
        entry, incomplete = _server_entry(server, redact)
        text = f"Add the server to mcpServers in {judge.policy.exclusive and judge.policy.exclusive.path}."
        return Remedy(text, "mcpServers", {server.name: entry}, incomplete)
    return _list_entry(judge, server, redact)


def to_block(judge: Judge, server: Server, verdict: Verdict, redact: Redact) -> Remedy | None:
    """Return what would block `server`, None where it is blocked."""
    if verdict.answer is Answer.BLOCKED:
        return None
    if server.transport is Transport.SDK and server.client == CLAUDE_CODE:
        return Remedy("No entry blocks an in-process server: the program that starts the client must not register it.")
    entry, incomplete = _endpoint_entry(judge, server, redact)
    if entry is None:
        return Remedy("A deny entry by name is all that can match it, and its user can rename it.", DENY, _name(server))
    if "serverUrl" in entry:
        text = "Add this entry to the denied servers. Deny the whole host to leave no way around it: "
        address = judge.endpoint(server).address
        text += f"*://{address.bare_host if address else 'HOST'}:*/*"
    else:
        text = (
            "Add this entry to the denied servers; any other argument evades it, so an allowlist is the stronger way."
        )
    return Remedy(text, DENY, entry, incomplete)


def _list_entry(judge: Judge, server: Server, redact: Redact) -> Remedy:
    entry, incomplete = _endpoint_entry(judge, server, redact)
    if entry is None:
        return Remedy("No entry can allow it: it names neither a command nor a URL that can be parsed.")
    text = "Add this entry to the managed allowlist."
    kind = next(iter(entry))
    rules = judge.policy.allow or ()
    if any("serverName" in rule.text for rule in rules) and not any(f'"{kind}"' in rule.text for rule in rules):
        which = "local" if kind == "serverCommand" else "remote"
        text += f" It is the first {kind} entry: from then on names allow no {which} server any more."
    if any(has_reference(value) for value in (*(server.command or ()), server.url or "")):
        text += " It depends on the client's environment, which its user controls: better write the values themselves."
    if server.scope is ServerScope.MANAGED:
        text += " Or write the values into managed-mcp.json: an entry without a variable needs no permission."
    return Remedy(text, ALLOW, entry, incomplete)


def _endpoint_entry(judge: Judge, server: Server, redact: Redact) -> tuple[dict[str, Any] | None, bool]:
    """Return the exact serverCommand, or the narrowest serverUrl, and whether redaction changed it."""
    endpoint = judge.endpoint(server)
    if server.command is not None and endpoint.command is not None:
        shown = tuple(redact(server.command))
        return {"serverCommand": list(shown)}, shown != server.command
    if endpoint.address is None:
        return None, False
    url = narrowest(endpoint.address)
    shown_url = redact([url])[0]
    return {"serverUrl": shown_url}, shown_url != url


def narrowest(address: Address) -> str:
    """Return the narrowest pattern that matches a URL: its query, which may hold a token, is left open."""
    slashes = f"{address.scheme}://{address.authority}"
    return f"{slashes}{address.path}" + ("?*" if address.query else "")


def _server_entry(server: Server, redact: Redact) -> tuple[dict[str, Any], bool]:
    if server.command is not None:
        shown = list(redact(server.command))
        return {"command": shown[0], "args": shown[1:]} if shown else {}, tuple(shown) != server.command
    url = redact([server.url or ""])[0]
    return {"type": server.transport.value, "url": url}, url != (server.url or "")


def _name(server: Server) -> dict[str, Any]:
    return {"serverName": server.name}
