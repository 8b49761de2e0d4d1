"""Findings as OCSF 1.8.0 events: how a change of a deviation looks on the wire.

A deviation is a Compliance Finding (class 2003): create when it opens, update when its content changes, close when it is gone.
What demands action now is a Detection Finding (2004, `is_alert`) besides, with the same life, related to its 2003.
`finding_info.uid` is stable for (device, control, subject).
Published schema: https://schema.ocsf.io/1.8.0/classes/compliance_finding and …/detection_finding.

Everything that comes in is redacted already; this module only puts it in place.
"""

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from agent.core.control import CONTROLS, Control
from agent.core.deviation import Deviation, Evidence, Key
from agent.core.documents import DeviceRow
from agent.core.event_base import base, ms
from agent.core.ledger import Change, ChangeKind
from agent.core.ocsf import objects as ocsf
from agent.core.ocsf.events import ComplianceFinding, DetectionFinding, EventBase, dumped
from agent.core.ocsf.objects import (
    Actor,
    Analytic,
    Attack,
    Compliance,
    File,
    FindingFacts,
    FindingInfo,
    Fingerprint,
    NamedUser,
    Process,
    RelatedEvent,
    Remediation,
    Resource,
    Tag,
    Technique,
    Url,
)

_ACTIVITY = {ChangeKind.OPENED: (1, "Create"), ChangeKind.UPDATED: (2, "Update"), ChangeKind.CLOSED: (3, "Close")}
_STATUS = {ChangeKind.OPENED: (1, "New"), ChangeKind.UPDATED: (2, "In Progress"), ChangeKind.CLOSED: (4, "Resolved")}
_PATH = re.compile(r"/|[A-Za-z]:\\|\\\\")
"""How a path begins, on any system."""

_ATLAS_VERSION, _ATTACK_VERSION = "ATLAS 5.6.0", "ATT&CK Enterprise"

ALERTING = frozenset(
    {
        "server.denied.running",
        "server.unapproved.running",
        "server.flag-injected",
        "server.env-override",
        "server.substituted",
        "managed-file.missing",
        "managed-file.modified",
        "managed-file.malformed",
        "managed-file.exposed",
        "managed-file.unexpected",
        "policy.not-effective",
        "baseline.refused",
        "agent.exposed",
    }
)
"""The controls whose failing demands action now: what runs although it must not, and what was tampered with."""


@dataclass(frozen=True, slots=True)
class Circumstances:
    """What held when a change was found: the effective policy's digest, and the clients' versions by (user, client)."""

    policy_digest: str = ""
    versions: Mapping[tuple[str | None, str], str] = field(default_factory=dict)

    def version(self, deviation: Deviation) -> str | None:
        """Return the version of the client that `deviation` is about, None where it is not known."""
        return self.versions.get((deviation.user, deviation.client or ""))


def finding_uid(device: str, key: Key) -> str:
    """Return the id that every report about this deviation on this device carries, for all time."""
    return _uid(device, key.control, key.subject)


def finding_events(device: DeviceRow, change: Change, circumstances: Circumstances) -> tuple[dict[str, Any], ...]:
    """Return the events that tell `change`: the Compliance Finding, and the alert where one is due."""
    control = CONTROLS[change.deviation.key.control]
    finding = dumped(_compliance(device, change, circumstances, control))
    if control.id not in ALERTING:
        return (finding,)
    return (finding, alert_event(device, change, circumstances, control))


def _compliance(device: DeviceRow, change: Change, circumstances: Circumstances, control: Control) -> ComplianceFinding:
    deviation = change.deviation
    failing = change.kind is not ChangeKind.CLOSED
    return ComplianceFinding(
        **_common(device, ComplianceFinding, change, circumstances),
        finding_info=_finding_info(finding_uid(device.id, deviation.key), change, control),
        compliance=Compliance(
            control=control.id,
            standards=("organisation MCP policy", *(f"OWASP MCP Top 10 {item}" for item in control.owasp)),
            status_id=3 if failing else 1,
            status="Fail" if failing else "Pass",
            status_details=(deviation.text,),
        ),
    )


def alert_event(device: DeviceRow, change: Change, circumstances: Circumstances, control: Control) -> dict[str, Any]:
    """Return the Detection Finding that tells `change` of a deviation of `control`."""
    deviation = change.deviation
    related = RelatedEvent(
        uid=finding_uid(device.id, deviation.key),
        type="Compliance Finding",
        type_uid=200300 + _ACTIVITY[change.kind][0],
        title=deviation.title,
    )
    uid = _uid(device.id, deviation.key.control, deviation.key.subject, "alert")
    return dumped(
        DetectionFinding(
            **_common(device, DetectionFinding, change, circumstances),
            finding_info=_finding_info(uid, change, control, (related,)),
        )
    )


def _common(device: DeviceRow, model: type[EventBase], change: Change, circumstances: Circumstances) -> dict[str, Any]:
    deviation = change.deviation
    return {
        **base(device, model, _ACTIVITY[change.kind], change.at, deviation.severity),
        "status_id": _STATUS[change.kind][0],
        "status": _STATUS[change.kind][1],
        "message": f"{deviation.label}: {deviation.text}",
        "evidences": _evidences(deviation, circumstances),
        "resources": (Resource(name=deviation.label, uid=deviation.key.subject, owner=_named(deviation.user)),),
        "remediation": Remediation(desc=deviation.remediation),
        "unmapped": FindingFacts(
            policy_digest=circumstances.policy_digest,
            client=deviation.client,
            client_version=circumstances.version(deviation) if deviation.client is not None else None,
        ),
    }


def _finding_info(
    uid: str, change: Change, control: Control, related: tuple[RelatedEvent, ...] | None = None
) -> FindingInfo:
    return FindingInfo(
        uid=uid,
        title=change.deviation.title,
        desc=change.deviation.text,
        types=(control.id,),
        created_time=ms(change.first_seen),
        modified_time=ms(change.at),
        first_seen_time=ms(change.first_seen),
        last_seen_time=ms(change.last_seen),
        attacks=_attacks(control),
        tags=(Tag(name="owasp-mcp-top-10", values=control.owasp),) if control.owasp else (),
        analytic=Analytic(uid=control.id, name=control.title),
        related_events=related,
        related_events_count=None if related is None else len(related),
    )


@cache
def _attacks(control: Control) -> tuple[Attack, ...]:
    return (
        *(Attack(technique=Technique(uid=uid), version=_ATTACK_VERSION) for uid in control.attack),
        *(Attack(technique=Technique(uid=uid), version=_ATLAS_VERSION) for uid in control.atlas),
    )


def _client(deviation: Deviation, circumstances: Circumstances) -> dict[str, str]:
    if deviation.client is None:
        return {}
    version = circumstances.version(deviation)
    return {"client": deviation.client} | ({"client_version": version} if version else {})


def _evidences(deviation: Deviation, circumstances: Circumstances) -> tuple[ocsf.Evidence, ...]:
    rows = [_evidence(item, deviation) for item in deviation.evidence]
    if deviation.user is not None:
        rows.append(ocsf.Evidence(name="user", user=NamedUser(name=deviation.user)))
    if deviation.client is not None:
        rows.append(ocsf.Evidence(name="client", data=_client(deviation, circumstances)))
    if circumstances.policy_digest:
        rows.append(ocsf.Evidence(name="policy", data={"sha256": circumstances.policy_digest}))
    return tuple(rows)


def _evidence(item: Evidence, deviation: Deviation) -> ocsf.Evidence:
    """Return `item` in the objects of the schema, as far as it has any for it, and in words."""
    given: dict[str, Any] = {}
    match item.kind:
        case "command" | "process":
            given = {"process": _process(item, deviation)}
        case "writer":
            process = Process(pid=item.pid, file=_file(item.path), user=_named(item.owner))
            given = {"actor": Actor(process=process, user=_named(item.owner))}
        case "url":
            given = {"url": Url(url_string=item.text)}
        case _:
            given = {"file": _file(item.path, item)}
    return ocsf.Evidence(name=item.kind, data={"text": item.text}, **given)


def _process(item: Evidence, deviation: Deviation) -> Process:
    started = None if item.started_at is None else ms(item.started_at)
    uid = _uid(deviation.key.subject, item.text)
    return Process(uid=uid, pid=item.pid, cmd_line=item.text, created_time=started, user=_named(deviation.user))


def _file(path: str | None, item: Evidence | None = None) -> File | None:
    """Return the file at `path`; None where that names something else, such as a value of the registry."""
    if path is None or not _PATH.match(path):
        return None
    digest, owner = (item.sha256, item.owner) if item is not None else (None, None)
    hashes = None if digest is None else (Fingerprint(value=digest),)
    return File(name=re.split(r"[/\\]", path)[-1] or path, path=path, owner=_named(owner), hashes=hashes)


def _named(user: str | None) -> NamedUser | None:
    return NamedUser(name=user) if user else None


def _uid(*parts: str) -> str:
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()
