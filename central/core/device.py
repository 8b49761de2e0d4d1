"""What is known of one device, and what its events change in that: the fold of a batch into values.

`absorb` decides nothing about the fleet and knows no table: it returns the device as it stands afterwards and the rows that
its events speak of. A sign of life is folded into the device; everything else is kept as history besides.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from hashlib import sha256
from typing import Any

from agent.core.canonical import canonical
from agent.core.wire import ENDPOINT
from central.core.chain import Line, accounted, broke_at, not_owed, two_writers
from central.core.envelope import Item

JSON = Mapping[str, Any]
FINDING, ALERT, BEAT, POLICY, SERVER, LIFE, ERROR = 2003, 2004, 5001, 5019, 5020, 6002, 6008
_SEVERITY = {5: "critical", 4: "high", 3: "medium", 2: "low", 1: "info"}
_STATES = frozenset({"compliant", "deviating", "unknown"})
_TEXT_MOST = 4_096
_FOLDED_MOST, _NOT_OWED_MOST = 128, 64  # the newest, which is more than the gaps that are remembered of a line


@dataclass(frozen=True, slots=True, kw_only=True)
class Device:
    """A device as it last told of itself. `contact_at` is our clock, `told_at` and `state_since` the device's own.

    `told_*` is the newest sign of life, `facts_*` the newest event of any kind: an older one that comes late changes nothing that
    a newer one said. `restated_at` is the last break in its reports after which it told all that holds. `offset_s` is how far its
    clock is behind ours (negative: ahead), None where it never told. `dropped` counts events that the agent itself gave up, by
    reason.
    """

    id: str
    hostname: str = ""
    serial: str = ""
    os: str = ""
    os_version: str = ""
    agent_version: str = ""
    enrolled_at: float = 0.0
    contact_at: float | None = None
    told_at: float | None = None
    told_journal: str = ""
    told_sequence: int = 0
    facts_journal: str = ""
    facts_sequence: int = 0
    state: str = "unknown"
    state_since: float | None = None
    why: str = "The device has not reported yet."
    counts: JSON = field(default_factory=dict)
    coverage: JSON = field(default_factory=dict)
    blind: tuple[str, ...] = ()
    health: tuple[JSON, ...] = ()
    dropped: JSON = field(default_factory=dict)
    policy_digest: str = ""
    offset_s: float | None = None
    look_wanted_at: float | None = None
    looked_at: float | None = None
    restated_at: float | None = None
    last_batch: str = ""
    lines: tuple[Line, ...] = field(default=(), repr=False)

    @property
    def restate(self) -> float | None:
        """By what time the device is asked to tell all that holds anew: when its reports last broke off; None: it has since.

        Nor where two machines share its identity: neither could tell what all of it is.
        """
        broke = None if two_writers(self.lines) else broke_at(self.lines)
        return None if broke is None or (self.restated_at is not None and self.restated_at >= broke) else broke


@dataclass(frozen=True, slots=True, kw_only=True)
class FindingRow:
    """One opening of a deviation as the device told it last; `(uid, opened_at)` names it on its device."""

    uid: str
    opened_at: float
    control: str
    severity: str
    subject: str
    label: str
    title: str
    text: str
    remediation: str
    user: str | None
    client: str | None
    evidence: tuple[JSON, ...]
    cause: str
    told_at: float
    last_seen: float
    closed_at: float | None


@dataclass(frozen=True, slots=True)
class Whole:
    """All that a device says holds: (uid, opened_at) of what is open, keys of servers. `at` is the device's clock.

    What is known to be open there and is not in it was closed by an event that did not arrive, or that was lost here.
    """

    at: float
    open: frozenset[tuple[str, float]]
    servers: frozenset[str]


@dataclass(frozen=True, slots=True)
class ServerTold:
    """A server of a device's inventory; `what` is the command or URL, redacted by the device, and `identity` its digest."""

    key: str
    identity: str
    what: str
    name: str
    client: str
    user: str | None
    transport: str
    version: str
    verdict: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerSeen(ServerTold):
    """A server as an event tells of it; `facts` are all that it says."""

    facts: JSON
    told_at: float


@dataclass(frozen=True, slots=True)
class ServerGone:
    """A server that is no longer in the inventory."""

    key: str
    told_at: float


@dataclass(frozen=True, slots=True)
class Absorbed:
    """What a batch changed. `problems` are the codes of events that lacked what their class needs."""

    device: Device
    findings: tuple[FindingRow, ...] = ()
    alerts: tuple[str, ...] = ()  # uids of the findings that the device alerts about
    servers: tuple[ServerSeen | ServerGone, ...] = ()
    policies: Mapping[str, JSON] = field(default_factory=dict)
    standings: tuple[tuple[float, str, str], ...] = ()
    wholes: tuple[Whole, ...] = ()  # the last one counts
    history: tuple[Item, ...] = ()
    feed: tuple[Item, ...] = ()
    problems: tuple[str, ...] = ()


class _MalformedError(Exception):
    """An event lacks what its class needs."""


def absorb(device: Device, items: Iterable[Item], at: float) -> Absorbed:
    """Fold new `items`, received at `at`, into `device`. An event that lacks what its class needs costs that event."""
    found: dict[str, list[Any]] = {
        name: [] for name in ("findings", "alerts", "servers", "standings", "wholes", "history", "feed")
    }
    policies: dict[str, JSON] = {}
    problems: list[str] = []
    for item in items:
        if item.event is None:
            problems.append(item.problem or "fields-malformed")
            continue
        try:
            late = item.journal == device.facts_journal and item.sequence < device.facts_sequence
            known = device if late else _introduced(device, item)
            device = _absorbed(known, item, found, policies, late=late)
        except (_MalformedError, KeyError, TypeError, ValueError, AttributeError, IndexError):
            problems.append("fields-malformed")
            continue
        if item.event["class_uid"] != BEAT:
            found["history"].append(item)
    return Absorbed(
        replace(device, contact_at=at),
        **{name: tuple(rows) for name, rows in found.items()},
        policies=policies,
        problems=tuple(problems),
    )


def _absorbed(
    device: Device, item: Item, found: Mapping[str, list[Any]], policies: dict[str, JSON], *, late: bool
) -> Device:
    event: JSON = item.event or {}
    match event["class_uid"]:
        case 5001:
            beaten, standing = _beat(device, item)
            found["standings"] += standing
            return beaten if late else _restated(beaten, event, found["wholes"])
        case 2003:
            found["findings"].append(_finding(event))
        case 2004:
            found["alerts"].append(_text(event["finding_info"]["related_events"][0]["uid"]))
            found["feed"].append(item)
        case 5020:
            found["servers"].append(_server(event))
        case 5019:
            facts = _mapping(event["unmapped"]["now"])
            policies[_text(facts["digest"])] = facts
            return device if late else replace(device, policy_digest=_text(facts["digest"]))
        case 6002:
            return replace(device, lines=_declared(device.lines, item))
    return device


def _declared(lines: tuple[Line, ...], item: Item) -> tuple[Line, ...]:
    """Return the lines once the agent's start told what this endpoint was never owed."""
    rows = [row for row in (item.event or {})["unmapped"].get("not_owed", ()) if row["destination"] == ENDPOINT]
    for row in rows[-_NOT_OWED_MOST:]:
        since = _seconds_or_none(row["since"])
        if since is None:
            raise _MalformedError
        first, last = _span([row["first"], row["last"]])
        lines = not_owed(lines, item.journal, first, last, since)
    return lines


def _introduced(device: Device, item: Item) -> Device:
    event: JSON = item.event or {}
    said, product = _mapping(event["device"]), _mapping(event["metadata"]["product"])
    system = _mapping(said["os"])
    serial = said.get("hw_info", {}).get("serial_number") or device.serial
    return replace(
        device,
        hostname=_text(said["hostname"]),
        serial=_text(serial),
        os=_text(system["name"]),
        os_version=_text(system["version"]),
        agent_version=_text(product["version"]),
        facts_journal=item.journal,
        facts_sequence=item.sequence,
    )


def _beat(device: Device, item: Item) -> tuple[Device, list[tuple[float, str, str]]]:
    """Take a sign of life, unless a newer one of the same journal is known; a state that is another one is a new standing."""
    event: JSON = item.event or {}
    facts, at = _mapping(event["unmapped"]), _seconds(event["time"])
    lines = accounted(device.lines, item.journal, [_span(span) for span in facts.get("folded", ())[-_FOLDED_MOST:]])
    device = replace(device, lines=lines)
    if item.journal == device.told_journal and item.sequence <= device.told_sequence:
        return device, []
    state, why = _text(facts["state"]), _text(event["message"])
    if state not in _STATES:
        raise _MalformedError
    newest = item.journal != device.facts_journal or item.sequence >= device.facts_sequence
    moved = state != device.state or device.state_since is None
    beaten = replace(
        device,
        told_at=at,
        told_journal=item.journal,
        told_sequence=item.sequence,
        state=state,
        state_since=at if moved else device.state_since,
        why=why,
        counts=_mapping(facts.get("counts", {})),
        coverage=_mapping(facts.get("coverage", {})),
        blind=tuple(_text(scope) for scope in facts.get("not_looked_at", ())),
        health=tuple(_mapping(row) for row in facts.get("health", ())),
        dropped={str(name): int(number) for name, number in _mapping(facts.get("dropped", {})).items()},
        policy_digest=(_text(facts.get("policy_digest", "")) if newest else "") or device.policy_digest,
        looked_at=_seconds_or_none(facts.get("looked_at")) or device.looked_at,
    )
    return beaten, [(at, state, why)] if moved else []


def _restated(device: Device, event: JSON, wholes: list[Whole]) -> Device:
    """Take what a sign of life says holds, where it does."""
    said = event["unmapped"].get("whole")
    if said is None:
        return device
    opened = frozenset((_text(uid), _seconds(created)) for uid, created in _mapping(said)["open"])
    wholes.append(Whole(_seconds(event["time"]), opened, frozenset(_text(key) for key in said["servers"])))
    return replace(device, restated_at=_seconds_or_none(said["asked"]))


def _finding(event: JSON) -> FindingRow:
    info, resource = _mapping(event["finding_info"]), _mapping(event["resources"][0])
    closed = event["activity_id"] == 3  # noqa: PLR2004 - OCSF's Close
    control = _text(info["types"][0])
    evidence = tuple(_mapping(row) for row in event.get("evidences", ()))
    label = _text(resource["name"])
    return FindingRow(
        uid=_text(info["uid"]),
        opened_at=_seconds(info["created_time"]),
        control=control,
        severity=_SEVERITY[event["severity_id"]],
        subject=_text(resource["uid"]),
        label=label,
        title=_text(info["title"]),
        text=_text(info["desc"]),
        remediation=_text(event["remediation"]["desc"]),
        user=_text(resource["owner"]["name"]) if "owner" in resource else None,
        client=event["unmapped"].get("client"),
        evidence=evidence,
        cause=cause_of(control, label, evidence),
        told_at=_seconds(info["modified_time"]),
        last_seen=_seconds(info["last_seen_time"]),
        closed_at=_seconds(event["time"]) if closed else None,
    )


def cause_of(control: str, label: str, evidence: Sequence[JSON]) -> str:
    """Return what is equal on all devices for one cause: the control with the command or URL, or else with the label."""
    telling = [_text(row["data"]["text"]) for row in evidence if row.get("name") in ("command", "url")]
    return sha256(canonical({"control": control, "what": sorted(telling) or [label]}).encode()).hexdigest()[:16]


def _server(event: JSON) -> ServerSeen | ServerGone:
    facts = _mapping(event["unmapped"]["server"])
    key, at = _text(facts["key"]), _seconds(event["time"])
    if facts["change"] == "gone":
        return ServerGone(key, at)
    command = facts["command"]
    what = _text(facts["url"]) if command is None else " ".join(_text(word) for word in command)
    version = _text(_mapping(event["package"]).get("version", ""))
    return ServerSeen(
        key=key,
        identity=identity_of(command, facts["url"]),
        what=what,
        name=_text(facts["name"]),
        client=_text(facts["client"]),
        user=None if facts["user"] is None else _text(facts["user"]),
        transport=_text(facts["transport"]),
        version="" if version == "unknown" else version,
        verdict=_text(facts["verdict"]),
        facts=facts,
        told_at=at,
    )


def identity_of(command: Sequence[str] | None, url: str | None) -> str:
    """Return what makes a server the same one on all devices: its command or its URL, never its name."""
    return sha256(canonical({"command": None if command is None else list(command), "url": url}).encode()).hexdigest()[
        :16
    ]


def _mapping(value: object) -> JSON:
    if not isinstance(value, Mapping):
        raise _MalformedError
    return value


def _text(value: object) -> str:
    if not isinstance(value, str) or "\0" in value:
        raise _MalformedError
    return value[:_TEXT_MOST]


def _seconds(value: object) -> float:
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value < 1 << 48:
        raise _MalformedError
    return value / 1000


def _seconds_or_none(value: object) -> float | None:
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


def _span(value: object) -> tuple[int, int]:
    if not isinstance(value, list) or len(value) != 2 or not all(type(number) is int for number in value):  # noqa: PLR2004
        raise _MalformedError
    return value[0], value[1]
