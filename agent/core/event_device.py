"""The device as OCSF 1.8.0 events: its sign of life (5001), a change of its policy (5019), its inventory of servers (5020)."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from agent.core.canonical import canonical, digest
from agent.core.deviation import Severity
from agent.core.documents import DeviceRow, PolicyRow, ServerRow, StatusDocument
from agent.core.event import finding_uid
from agent.core.event_base import COLLECT, LOG, base, ms
from agent.core.ledger import Record
from agent.core.ocsf.events import DeviceConfigStateChange, DeviceInventoryInfo, SoftwareInventoryInfo, dumped
from agent.core.ocsf.objects import HealthFact, Package, PolicyChange, SecurityState, ServerChange, SignOfLife, Whole
from agent.core.policy.provided import CLAUDE_CODE

JSON = dict[str, Any]
PolicyFacts = dict[str, Any]
"""What is told and remembered of a policy: `state`, `digest`, `locked`, `exclusive`, `allow`, `deny`, `sources`."""

_WORDS: dict[object, str] = {True: "on", False: "off", "none": "not there"}
_SOUND = {"effective": True, "none": False, "refused": False, "indeterminate": False}


def heartbeat_event(
    status: StatusDocument,
    *,
    at: float,
    dropped: Mapping[str, int],
    folded: Sequence[tuple[int, int]] = (),
    looked_at: float | None = None,
    whole: Whole | None = None,
) -> JSON:
    """Return the sign of life: how the device stands, what could not be looked at, how the agent itself does, what it lost.

    `dropped` counts events by the reason for which they were given up. `folded` are the sequences (first, last) of earlier
    signs of life that nobody took and for which this one stands. `looked_at` is the Unix time since which everything was looked
    at. `whole` is all that holds, where the endpoint asked for it.
    """
    check = status.check
    facts = SignOfLife(
        state=check.summary.state,
        counts=check.summary.counts,
        coverage=dict(Counter(row.state.value for row in check.coverage)),
        not_looked_at=tuple(row.scope for row in check.coverage if not row.state.conclusive)[:20],
        policy_digest=check.policy.digest,
        health=tuple(HealthFact(code=row.code, severity=row.severity.value, text=row.text) for row in status.health),
        dropped=dict(dropped),
        folded=tuple(folded),
        looked_at=looked_at,
        whole=whole,
    )
    fields = base(check.device, DeviceInventoryInfo, COLLECT, at)
    return dumped(DeviceInventoryInfo(**fields, message=check.summary.why, unmapped=facts))


def whole(device: str, opened: Iterable[Record], servers: Iterable[str], *, asked: float) -> Whole:
    """Return all that is open and every server that is configured (keys), for the endpoint that asked for it at `asked`."""
    return Whole(
        asked=asked,
        open=tuple((finding_uid(device, record.deviation.key), ms(record.first_seen)) for record in opened),
        servers=tuple(servers),
    )


def policy_facts(policy: PolicyRow) -> PolicyFacts:
    """Return what is remembered of a policy, so that a later one can be compared with it."""
    return {
        "state": policy.state,
        "digest": policy.digest,
        "locked": policy.locked,
        "exclusive": policy.exclusive,
        "allow": None if policy.allow is None else sorted(row.entry for row in policy.allow),
        "deny": sorted(row.entry for row in policy.deny),
        "sources": [row.path for row in policy.sources if row.selected],
    }


def policy_event(device: DeviceRow, before: PolicyFacts | None, now: PolicyFacts, *, at: float) -> JSON | None:
    """Return what tells that the effective policy changed, with what changed in it; None where nothing did."""
    changes = _changes(before or {}, now)
    if before is not None and not changes:
        return None
    first = before is None
    weaker = not first and _SOUND.get(str(before and before.get("state")), False) and now["state"] != "effective"
    said = "The effective policy was read for the first time." if first else "The effective policy changed: "
    return dumped(
        DeviceConfigStateChange(
            **base(device, DeviceConfigStateChange, LOG, at, Severity.HIGH if weaker else Severity.INFO),
            message=said if first else said + "; ".join(changes) + ".",
            state_id=2 if now["state"] == "effective" else 1,
            prev_security_states=() if first else (SecurityState(state=str(before and before.get("state"))),),
            security_states=(SecurityState(state=now["state"]),),
            unmapped=PolicyChange(before=before, now=now, changes=tuple(changes)),
        )
    )


def inventory_events(
    device: DeviceRow,
    before: Mapping[str, str],
    servers: Sequence[ServerRow],
    *,
    at: float,
    client_version: str | None = None,
) -> tuple[dict[str, str], tuple[JSON, ...]]:
    """Return what is to be remembered (digest by server) and one event per server that is new, changed or gone since `before`.

    `client_version` is the version of Claude Code whose rules its servers were judged by, None where it is not known.
    """
    facts = {row.key: _server_facts(row, client_version) for row in servers}
    now = {key: digest(canonical(row))[:16] for key, row in facts.items()}
    events = [
        _server_event(device, key, {**facts[key], "change": "changed" if key in before else "new"}, at)
        for key, found in now.items()
        if before.get(key) != found
    ]
    events += [_server_event(device, key, {"change": "gone"}, at) for key in before if key not in now]
    return now, tuple(events)


def _changes(before: PolicyFacts, now: PolicyFacts) -> list[str]:
    said = [
        f"{what} was {_WORDS.get(before.get(name), before.get(name))} and is {_WORDS.get(now[name], now[name])}"
        for name, what in (("state", "it"), ("locked", "the lock"), ("exclusive", "exclusive control"))
        if before.get(name) != now[name]
    ]
    for name in ("allow", "deny", "sources"):
        old, new = set(before.get(name) or ()), set(now[name] or ())
        said += [f"{name} gained {entry}" for entry in sorted(new - old)]
        said += [f"{name} lost {entry}" for entry in sorted(old - new)]
        if not said and (before.get(name) is None) != (now[name] is None):
            said.append(f"{name} is {'no list any more' if now[name] is None else 'an empty list now'}")
    if not said and before.get("digest") != now["digest"]:
        said.append("its digest is another")
    return said


def _server_facts(row: ServerRow, version: str | None) -> JSON:
    return {
        **({"client_version": version} if version is not None and row.client == CLAUDE_CODE else {}),
        "client": row.client,
        "user": row.user,
        "project": row.project,
        "scope": row.scope.value,
        "name": row.name,
        "file": row.source.path,
        "pointer": row.source.pointer,
        "transport": row.transport.value,
        "command": None if row.command is None else list(row.command),
        "url": row.url,
        "verdict": row.verdict.value,
        "reason": row.reason.text,
        "loads": row.loads,
        "enforced_by_client": row.enforced_by_client,
        "artifact": row.artifact,
    }


def _server_event(device: DeviceRow, key: str, facts: JSON, at: float) -> JSON:
    artifact = facts.get("artifact") or {}
    name = str(artifact.get("name") or facts.get("name") or key)
    package = Package(name=name, version=str(artifact.get("version") or "unknown"), uid=key, purl=artifact.get("purl"))
    said = f"MCP server {name}: {facts['change']}" + (f", {facts['verdict']}" if "verdict" in facts else "")
    return dumped(
        SoftwareInventoryInfo(
            **base(device, SoftwareInventoryInfo, COLLECT, at),
            message=said,
            package=package,
            unmapped=ServerChange(server={"key": key, **facts}),
        )
    )
