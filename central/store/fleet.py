"""The fleet as a whole: counted from the devices and their servers, kept in one row that every copy of the program reads."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from typing import Any

from sqlalchemy import Connection, and_, exists, func, select

from central.core.fleet import FirstSeen, Fleet, Spread, Terms, usual_policy, usual_version
from central.store.engine import upsert
from central.store.schema import devices, facts, known_servers, policies, servers, tallies

FLEET, ACCEPTED = "fleet", "accepted-policies"
_ALLOWED = "allowed"
_SPREADS = 200
_CHUNK = 500


def load(connection: Connection) -> Fleet:
    """Return what was last worked out about the fleet."""
    rows = {row.name: row.value for row in connection.execute(select(facts).where(facts.c.name.in_((FLEET, ACCEPTED))))}
    known: Mapping[str, Any] = rows.get(FLEET) or {}
    return Fleet(
        policy_digest=known.get("policy_digest", ""),
        agent_version=known.get("agent_version", ""),
        accepted=frozenset(map(str, rows.get(ACCEPTED) or ())),
        learned_at=known.get("learned_at"),
        spreading={identity: Spread(**spread) for identity, spread in known.get("spreading", {}).items()},
    )


def work_out(connection: Connection, before: Fleet, terms: Terms, now: float) -> Fleet:
    """Count the devices that report, and the servers that spread; keep the result for every copy."""
    heard = devices.c.contact_at > now - terms.silent_after_s
    digests = _counted(
        connection,
        select(devices.c.policy_digest, func.count())
        .where(heard, devices.c.policy_digest != "")
        .group_by(devices.c.policy_digest),
    )
    versions = _counted(
        connection,
        select(devices.c.agent_version, func.count())
        .where(heard, devices.c.agent_version != "")
        .group_by(devices.c.agent_version),
    )
    first = connection.execute(select(func.min(known_servers.c.first_seen))).scalar()
    spreading = dict(_spreading(connection, before, terms, now))
    found = Fleet(
        policy_digest=usual_policy(digests),
        agent_version=usual_version(versions),
        accepted=before.accepted,
        learned_at=None if first is None else first + terms.learning_s,
        spreading=spreading,
    )
    value = {
        "policy_digest": found.policy_digest,
        "agent_version": found.agent_version,
        "learned_at": found.learned_at,
        "spreading": {identity: asdict(spread) for identity, spread in spreading.items()},
    }
    upsert(connection, facts, [{"name": FLEET, "value": value, "at": now}], ("value", "at"))
    return found


def _counted(connection: Connection, query: Any) -> dict[str, int]:  # noqa: ANN401 - a select of two columns
    return {str(name): int(number) for name, number in connection.execute(query)}


def _spreading(connection: Connection, before: Fleet, terms: Terms, now: float) -> Iterator[tuple[str, Spread]]:
    """Yield the servers that so many devices got within the time, and those that were spreading and are on as many still."""
    there = and_(servers.c.gone_at.is_(None), servers.c.verdict != _ALLOWED)
    number = func.count(func.distinct(servers.c.device))
    lately = (
        select(servers.c.identity)
        .where(there, servers.c.first_seen > now - terms.spread_within_s)
        .group_by(servers.c.identity)
        .having(number >= terms.spread_devices)
        .limit(_SPREADS)
    )
    suspects = {*connection.execute(lately).scalars(), *before.spreading}
    if not suspects:
        return
    counted = (
        select(servers.c.identity, number.label("devices"), func.min(servers.c.first_seen).label("since"))
        .where(there, servers.c.identity.in_(suspects))
        .group_by(servers.c.identity)
        .having(number >= terms.spread_devices)
    )
    rows = {row.identity: row for row in connection.execute(counted)}
    known = connection.execute(select(known_servers).where(known_servers.c.identity.in_(rows)))
    for server in known:
        row = rows[server.identity]
        yield server.identity, Spread(what=server.what, device=server.device, devices=row.devices, since=row.since)


def tally(connection: Connection, terms: Terms, now: float) -> dict[str, int]:
    """Count the devices by state and note it; one that was not heard of for a while is unknown."""
    states = dict.fromkeys(("compliant", "deviating", "unknown"), 0)
    heard = devices.c.contact_at > now - terms.unknown_after_s
    query = select(devices.c.state, func.count()).where(heard).group_by(devices.c.state)
    for state, number in connection.execute(query):
        states[state if state in states else "unknown"] += int(number)
    every = int(connection.execute(select(func.count()).select_from(devices)).scalar() or 0)
    states["unknown"] += every - sum(states.values())
    upsert(connection, tallies, [{"at": now, "states": states}])
    return states


def policies_of(connection: Connection, digests: frozenset[str]) -> Mapping[str, Mapping[str, Any]]:
    """Return what is known of what each of `digests` stands for."""
    if not digests:
        return {}
    return {row.digest: row.facts for row in connection.execute(select(policies).where(policies.c.digest.in_(digests)))}


def firsts_of(connection: Connection, ids: Sequence[str], since: float) -> Mapping[str, tuple[FirstSeen, ...]]:
    """Return the servers that were seen first on each of `ids`, since then, and are there still."""
    found: dict[str, tuple[FirstSeen, ...]] = {}
    still = and_(
        servers.c.device == known_servers.c.device,
        servers.c.identity == known_servers.c.identity,
        servers.c.gone_at.is_(None),
    )
    for start in range(0, len(ids), _CHUNK):
        wanted = known_servers.c.device.in_(ids[start : start + _CHUNK])
        query = select(known_servers).where(wanted, known_servers.c.first_seen >= since, exists().where(still))
        for row in connection.execute(query):
            found[row.device] = (
                *found.get(row.device, ()),
                FirstSeen(identity=row.identity, what=row.what, at=row.first_seen),
            )
    return found
