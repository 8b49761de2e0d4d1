"""One device: the five answers, and everything that they rest on, each with its age."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, select

from central.asking.ask import Ask, Nothing, NotThereError, Row
from central.asking.deviations import DeviationLine, line_of, notes_by_place
from central.asking.exceptions import Excepted, in_force
from central.core.answer import answer, standing
from central.core.device import Device, ServerTold
from central.store.devices import device_of
from central.store.schema import audit, credentials, deviations, devices, policies, servers, standings

_CLOSED = 20
_HISTORY = 30
LOOK = "device.look"


@dataclass(frozen=True, slots=True)
class Facts:
    """What the device is. Times are Unix seconds: `heard_at` by our clock, `told_at` by the device's."""

    id: str
    hostname: str
    serial: str
    os: str
    os_version: str
    agent_version: str
    enrolled_at: float
    heard_at: float | None
    told_at: float | None
    clock_offset_s: float | None


@dataclass(frozen=True, slots=True)
class CredentialLine:
    """By what the device writes (`key`: enrolled with the organisation's key; `certificate`), since when; and who ended that."""

    by: str
    issued_at: float
    revoked_at: float | None
    revoked_by: str


@dataclass(frozen=True, slots=True)
class LookState:
    """A fresh look that somebody asked for: when and who, and when the last look came."""

    wanted_at: float | None
    wanted_by: str
    looked_at: float | None
    waiting: bool


@dataclass(frozen=True, slots=True)
class ServerLine(ServerTold):
    """A configured server of a device. `told_at` is when it was last told of."""

    reason: str
    loads: bool | None
    enforced_by_client: bool
    file: str
    project: str | None
    first_seen: float
    told_at: float


@dataclass(frozen=True, slots=True)
class PolicyLine:
    """The effective policy as the device told it; `known` is false where only its digest is."""

    digest: str
    known: bool
    state: str
    locked: bool
    exclusive: bool
    allow: tuple[str, ...] | None
    deny: tuple[str, ...]
    sources: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class StandingLine:
    """How the device stood from `at` on."""

    at: float
    state: str
    why: str


@dataclass(frozen=True, slots=True)
class DeviceAnswer:
    """Everything about one device."""

    device: Facts
    credential: CredentialLine | None
    state: str
    why: str
    since: float | None
    tell_user: str
    it_must: str
    look: LookState
    open: tuple[DeviationLine, ...]
    closed: tuple[DeviationLine, ...]
    servers: tuple[ServerLine, ...]
    policy: PolicyLine
    coverage: dict[str, int]
    not_looked_at: tuple[str, ...]
    health: tuple[dict[str, Any], ...]
    dropped: dict[str, int]
    history: tuple[StandingLine, ...]


def device(ask: Ask[Nothing]) -> DeviceAnswer:
    """Answer for the device of the path.

    Raises:
        NotThereError: there is none of this id.
    """
    connection, key = ask.connection, ask.place["device"]
    row = connection.execute(select(devices).where(devices.c.device == key)).mappings().first()
    if row is None:
        raise NotThereError(f"no device has the id {key}")
    found = device_of(row)
    excepted = in_force(connection, ask.now, key)
    opened, closed = _deviations(connection, key, excepted)
    stands = standing(found, ask.terms, ask.now)
    said = answer(stands, [_plain(line) for line in opened if line.exception is None])
    return DeviceAnswer(
        _facts(found),
        _credential(connection, key),
        said.state,
        said.why,
        said.since,
        said.tell_user,
        said.it_must,
        _look(connection, found),
        opened,
        closed,
        _servers(connection, key),
        _policy(connection, found.policy_digest),
        dict(found.coverage),
        found.blind,
        tuple(dict(item) for item in found.health),
        dict(found.dropped),
        _history(connection, key),
    )


def _plain(line: DeviationLine) -> dict[str, Any]:
    names = ("control", "severity", "label", "text", "remediation", "client", "opened_at")
    return {name: getattr(line, name) for name in names}


def _facts(found: Device) -> Facts:
    return Facts(
        found.id,
        found.hostname,
        found.serial,
        found.os,
        found.os_version,
        found.agent_version,
        found.enrolled_at,
        found.contact_at,
        found.told_at,
        found.offset_s,
    )


def _credential(connection: Connection, key: str) -> CredentialLine | None:
    row = connection.execute(select(credentials).where(credentials.c.device == key)).first()
    if row is None:
        return None
    by = "certificate" if row.certificate is not None else "key" if row.current is not None else ""
    return CredentialLine(by, row.issued_at, row.revoked_at, row.revoked_by)


def _look(connection: Connection, found: Device) -> LookState:
    wanted, looked = found.look_wanted_at, found.looked_at
    by = ""
    if wanted is not None:
        asked = select(audit.c.actor).where(audit.c.action == LOOK, audit.c.subject == found.id)
        by = connection.execute(asked.order_by(audit.c.at.desc()).limit(1)).scalar() or ""
    return LookState(wanted, by, looked, wanted is not None and (looked is None or looked < wanted))


def _deviations(
    connection: Connection, key: str, excepted: Excepted
) -> tuple[tuple[DeviationLine, ...], tuple[DeviationLine, ...]]:
    of_device = select(deviations).where(deviations.c.device == key)
    open_query = of_device.where(deviations.c.closed_at.is_(None)).order_by(deviations.c.rank, deviations.c.opened_at)
    closed_query = of_device.where(deviations.c.closed_at.is_not(None)).order_by(deviations.c.closed_at.desc())
    said = notes_by_place(connection, [key])
    opened = connection.execute(open_query).mappings()
    closed = connection.execute(closed_query.limit(_CLOSED)).mappings()
    return (
        tuple(line_of(row, excepted, said) for row in opened),
        tuple(line_of(row, excepted, said) for row in closed),
    )


def _servers(connection: Connection, key: str) -> tuple[ServerLine, ...]:
    query = select(servers).where(servers.c.device == key, servers.c.gone_at.is_(None))
    query = query.order_by(servers.c.verdict.desc(), servers.c.what, servers.c.client, servers.c.user)
    return tuple(server_line(row) for row in connection.execute(query).mappings())


def server_line(row: Row) -> ServerLine:
    """Return a row of `servers`."""
    facts = row["facts"]
    own = {"reason", "loads", "enforced_by_client", "file", "project"}
    return ServerLine(
        **{name: row[name] for name in ServerLine.__dataclass_fields__ if name not in own},
        reason=str(facts.get("reason") or ""),
        loads=facts.get("loads"),
        enforced_by_client=bool(facts.get("enforced_by_client")),
        file=str(facts.get("file") or ""),
        project=facts.get("project"),
    )


def _policy(connection: Connection, digest: str) -> PolicyLine:
    facts = connection.execute(select(policies.c.facts).where(policies.c.digest == digest)).scalar()
    if facts is None:
        return PolicyLine(digest, False, "", False, False, None, (), ())
    allow = facts.get("allow")
    return PolicyLine(
        digest=digest,
        known=True,
        state=str(facts.get("state") or ""),
        locked=bool(facts.get("locked")),
        exclusive=bool(facts.get("exclusive")),
        allow=None if allow is None else tuple(str(entry) for entry in allow),
        deny=tuple(str(entry) for entry in facts.get("deny") or ()),
        sources=tuple(str(path) for path in facts.get("sources") or ()),
    )


def _history(connection: Connection, key: str) -> tuple[StandingLine, ...]:
    query = select(standings).where(standings.c.device == key).order_by(standings.c.at.desc()).limit(_HISTORY)
    return tuple(StandingLine(row.at, row.state, row.why) for row in connection.execute(query))
