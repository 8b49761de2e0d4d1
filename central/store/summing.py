"""The servers in use, summed up over all devices and kept in rows of their own: counting them takes longer than a page may.

What is counted is said here once, for the sums and for one server alone.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Connection, Engine, and_, case, delete, func, select

from central.store.engine import reading, upsert, writing
from central.store.schema import facts, known_servers, server_sums, servers

VERDICTS = ("allowed", "blocked", "undetermined")
_SUMMED = "servers-summed"
_WORDS = ("version", "client", "name")
_MOST_WORDS = 20
_DIGITS = "0123456789abcdef"
_CHUNK = 500


def sum_up(engine: Engine, now: float) -> None:
    """Bring the sums to what devices have now, in pieces by the first digit of the identity; what is as it was is not written."""
    for digit in _DIGITS:
        with reading(engine) as connection:
            found = {
                row["identity"]: row for row in counted(connection, servers.c.identity.between(digit, digit + "g"))
            }
            kept = select(server_sums).where(server_sums.c.identity.between(digit, digit + "g"))
            held = {row["identity"]: dict(row) for row in connection.execute(kept).mappings()}
        changed = [row for identity, row in found.items() if held.get(identity) != row]
        gone = sorted(held.keys() - found.keys())
        if changed or gone:
            with writing(engine) as connection:
                _write(connection, changed, gone)
    with writing(engine) as connection:
        upsert(connection, facts, [{"name": _SUMMED, "value": {}, "at": now}], ("value", "at"))


def summed_at(connection: Connection) -> float | None:
    """Return when the sums were last brought up to date, None where they never were."""
    return connection.execute(select(facts.c.at).where(facts.c.name == _SUMMED)).scalar()


def counted(connection: Connection, which: ColumnElement[bool]) -> Iterator[dict[str, Any]]:
    """Yield a row of `server_sums` for each server that is configured somewhere now and fits `which`."""
    there = and_(which, servers.c.gone_at.is_(None))
    on_device = (
        select(
            servers.c.identity,
            func.min(servers.c.what).label("what"),
            func.min(servers.c.first_seen).label("seen"),
            func.count(servers.c.user.distinct()).label("users"),
            *(func.max(case((servers.c.verdict == name, 1), else_=0)).label(name) for name in VERDICTS),
        )
        .where(there)
        .group_by(servers.c.identity, servers.c.device)
        .subquery()
    )
    totals = (
        select(
            on_device.c.identity,
            func.min(on_device.c.what).label("what"),
            func.min(on_device.c.seen).label("seen"),
            func.count().label("devices"),
            *(func.sum(on_device.c[name]).label(name) for name in ("users", *VERDICTS)),
        )
        .group_by(on_device.c.identity)
        .subquery()
    )
    first = known_servers.c.identity == totals.c.identity
    query = select(totals, known_servers.c.first_seen, known_servers.c.device).outerjoin(known_servers, first)
    words = _words(connection, there)
    for row in connection.execute(query).mappings():
        versions, clients, names = words[row["identity"]]
        yield {
            "identity": row["identity"],
            "what": row["what"],
            "folded": "\n".join((row["what"], *names)).lower(),
            "devices": row["devices"],
            **{name: int(row[name]) for name in ("users", *VERDICTS)},
            "versions": versions,
            "clients": clients,
            "names": names,
            "first_seen": row["seen"] if row["first_seen"] is None else row["first_seen"],
            "first_device": row["device"] or "",
        }


def _words(connection: Connection, there: ColumnElement[bool]) -> Mapping[str, tuple[list[str], ...]]:
    """Return the first few versions, clients and names of each server, in their order."""
    found: dict[str, tuple[set[str], ...]] = {}
    query = select(servers.c.identity, *(servers.c[name] for name in _WORDS)).distinct().where(there)
    for identity, *values in connection.execute(query):
        for known, value in zip(found.setdefault(identity, (set(), set(), set())), values, strict=True):
            known.add(value)
    return {identity: tuple(sorted(known - {""})[:_MOST_WORDS] for known in sets) for identity, sets in found.items()}


def _write(connection: Connection, changed: Sequence[dict[str, Any]], gone: Sequence[str]) -> None:
    names = [column.name for column in server_sums.columns if not column.primary_key]
    upsert(connection, server_sums, changed, names)
    for start in range(0, len(gone), _CHUNK):
        connection.execute(delete(server_sums).where(server_sums.c.identity.in_(gone[start : start + _CHUNK])))
