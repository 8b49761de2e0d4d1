"""Stores a group of batches in one transaction: all that was acknowledged of it is there, or none of it.

Devices are locked in one order before anything is read, and the counter of the feed is raised last, so that copies of the
program that take batches at the same time wait for each other and never in a ring.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import orjson
from sqlalchemy import Connection, bindparam, select, update

from agent.core.ledger import Change
from central.core.alert import event_of
from central.core.chain import two_writers
from central.core.device import Absorbed, Device, ServerGone
from central.core.envelope import Envelope, Item
from central.core.fleet import Fleet, Terms
from central.core.observe import observe
from central.core.proof import promotes
from central.core.receive import Admission, Taken, receive
from central.core.refusal import Refusal, refusal
from central.store import certifying, devices, feeding, ledger
from central.store.engine import upsert
from central.store.fleet import firsts_of, policies_of
from central.store.partitions import day_of
from central.store.schema import credentials, events, known_servers, policies, servers, standings

_DIGEST = 16
_SERVER = (
    "identity",
    "what",
    "name",
    "client",
    "user",
    "transport",
    "version",
    "verdict",
    "facts",
    "told_at",
    "gone_at",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """By what batches are taken: their admission, the limits of observation, the fleet, and this program's version."""

    admission: Admission = field(default_factory=Admission)
    terms: Terms = field(default_factory=Terms)
    fleet: Fleet = field(default_factory=Fleet)
    version: str = ""


def take(connection: Connection, group: Sequence[Envelope], rules: Rules, now: float) -> list[Taken | Refusal]:
    """Store every batch of `group` that can be taken, in its order, and return what became of each."""
    ids = sorted({envelope.device for envelope in group})
    certified = ((each.device, each.certificate) for each in group if each.certificate is not None)
    kept_out = certifying.introduce(connection, certified, now)
    held = devices.locked(connection, ids)
    proofs = devices.credentials_of(connection, ids)
    outcomes: list[Taken | Refusal] = []
    for envelope in group:
        if envelope.device in kept_out and envelope.credential is None:
            outcomes.append(refusal(kept_out[envelope.device]))
            continue
        outcome = receive(held.get(envelope.device), proofs.get(envelope.device), envelope, rules.admission, now)
        if isinstance(outcome, Taken):
            held[envelope.device] = outcome.device
        outcomes.append(outcome)
    taken = [
        (envelope, outcome) for envelope, outcome in zip(group, outcomes, strict=True) if isinstance(outcome, Taken)
    ]
    if taken:
        _promote(
            connection,
            [envelope for envelope, _ in taken if promotes(proofs[envelope.device], envelope.credential)],
            now,
        )
        _store(connection, [outcome.absorbed for _, outcome in taken], held, rules, now)
    return outcomes


def _store(
    connection: Connection, absorbed: Sequence[Absorbed], held: Mapping[str, Device], rules: Rules, now: float
) -> None:
    touched = {each.device.id: held[each.device.id] for each in absorbed}
    devices.store(connection, touched.values())
    upsert(connection, events, [_event_row(each.device.id, item, now) for each in absorbed for item in each.history])
    ledger.store_told(connection, ((each.device.id, row) for each in absorbed for row in each.findings), now)
    ledger.mark_alerts(connection, ((each.device.id, uid) for each in absorbed for uid in each.alerts))
    rows = [
        {"device": each.device.id, "at": at, "state": state, "why": why}
        for each in absorbed
        for at, state, why in each.standings
    ]
    upsert(connection, standings, rows)
    known = {digest: facts for each in absorbed for digest, facts in each.policies.items()}
    upsert(connection, policies, [{"digest": each, "facts": known[each], "first_seen": now} for each in sorted(known)])
    _store_servers(connection, absorbed, now)
    closed = _restated(connection, absorbed, held, now)
    lines = [(each.device.id, item.line.decode()) for each in absorbed for item in each.feed]
    lines += [(id_, _line(held[id_], change, rules.version)) for id_, change in closed]
    feeding.publish(connection, lines + watch(connection, touched.values(), rules, now), now)


def _restated(
    connection: Connection, absorbed: Sequence[Absorbed], held: Mapping[str, Device], now: float
) -> list[tuple[str, Change]]:
    """Close what is not in what a device says holds, except what came with it: that has its own events.

    Where two machines share an identity, what one of them holds says nothing of the other.
    """
    closed: list[tuple[str, Change]] = []
    for device, whole in {each.device.id: whole for each in absorbed for whole in each.wholes}.items():
        if two_writers(held[device].lines):
            continue
        own = [each for each in absorbed if each.device.id == device]
        told = {(row.uid, row.opened_at) for each in own for row in each.findings}
        closed += [(device, change) for change in ledger.close_rest(connection, device, whole, told, now)]
        kept = whole.servers | {server.key for each in own for server in each.servers}
        query = select(servers.c.key).where(servers.c.device == device, servers.c.gone_at.is_(None))
        rest = [key for key in connection.execute(query).scalars() if key not in kept]
        _mark_gone(connection, [(device, key, whole.at) for key in rest])
    return closed


def watch(connection: Connection, touched: Iterable[Device], rules: Rules, now: float) -> list[tuple[str, str]]:
    """Carry forward what is seen from here of devices that this transaction holds; return the lines that the feed is to tell."""
    held = list(touched)
    rules = replace(rules, fleet=_about(connection, held, rules, now))
    opened = ledger.observed(connection, [device.id for device in held])
    found = {device.id: observe(device, rules.fleet, rules.terms, now) for device in held}
    changes = ledger.carry(connection, found, opened, now)
    by_id = {device.id: device for device in held}
    return [(id_, _line(by_id[id_], change, rules.version)) for id_, change in changes]


def _line(device: Device, change: Change, version: str) -> str:
    return orjson.dumps(event_of(device, change, version)).decode()


def _about(connection: Connection, held: Sequence[Device], rules: Rules, now: float) -> Fleet:
    """Return the fleet with what it takes to judge these devices: the policies that differ, the servers they had first."""
    usual = rules.fleet.policy_digest
    others = frozenset(device.policy_digest for device in held if device.policy_digest not in ("", usual))
    digests = others | {usual} if others and usual else frozenset()
    since = max(now - rules.terms.evidence_kept_s, rules.fleet.learned_at or now)
    return replace(
        rules.fleet,
        policies=policies_of(connection, digests),
        firsts=firsts_of(connection, [device.id for device in held], since),
    )


def _event_row(device: str, item: Item, now: float) -> dict[str, Any]:
    return {
        "device": device,
        "day": day_of(now),
        "journal": item.journal,
        "sequence": item.sequence,
        "digest": item.digest[:_DIGEST],
        "class_uid": item.event["class_uid"] if item.event else 0,
        "received_at": now,
        "line": item.line.decode(),
    }


def _store_servers(connection: Connection, absorbed: Sequence[Absorbed], now: float) -> None:
    seen: dict[tuple[str, str], dict[str, Any]] = {}
    gone: dict[tuple[str, str], float] = {}
    for each in absorbed:
        for server in each.servers:
            place = (each.device.id, server.key)
            if isinstance(server, ServerGone):
                gone[place] = server.told_at
            else:
                gone.pop(place, None)
                seen[place] = {
                    "device": each.device.id,
                    "first_seen": now,
                    "gone_at": None,
                    **{name: getattr(server, name) for name in server.__dataclass_fields__},
                }
    upsert(connection, servers, list(seen.values()), _SERVER, newer="told_at")
    known: dict[str, dict[str, Any]] = {}
    for row in seen.values():
        known.setdefault(
            row["identity"], {**{name: row[name] for name in ("identity", "what", "device")}, "first_seen": now}
        )
    upsert(connection, known_servers, [known[identity] for identity in sorted(known)])
    _mark_gone(connection, [(device, key, at) for (device, key), at in gone.items()])


def _mark_gone(connection: Connection, gone: Sequence[tuple[str, str, float]]) -> None:
    """Note that servers (device, key) are no longer configured since a time, unless they were told of later."""
    if gone:
        where = (servers.c.device == bindparam("key_device"), servers.c.key == bindparam("key_key"))
        connection.execute(
            update(servers).where(*where, servers.c.told_at <= bindparam("key_at")).values(gone_at=bindparam("key_at")),
            [{"key_device": device, "key_key": key, "key_at": at} for device, key, at in gone],
        )


def _promote(connection: Connection, envelopes: Iterable[Envelope], now: float) -> None:
    """Let the next credential be the present one where the device has begun to use it."""
    for envelope in envelopes:
        where = (credentials.c.device == envelope.device, credentials.c.next == envelope.credential)
        connection.execute(
            update(credentials).where(*where).values(current=credentials.c.next, next=None, issued_at=now)
        )
