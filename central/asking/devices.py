"""Devices by hostname, serial number, user or id, as one types.

Each word must begin one of the four; where nothing does, it may stand anywhere in the hostname.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import Field
from sqlalchemy import ColumnElement, Connection, Select, and_, func, not_, or_, select, tuple_

from central.asking.ask import Ask, Paged, Row
from central.asking.folding import begins, contains
from central.core.answer import standing
from central.core.fleet import Terms
from central.store.devices import device_of
from central.store.schema import deviations, devices, servers

State = Literal["", "compliant", "deviating", "unknown"]
_WORDS = 4
_USERS = 3


class DeviceSearch(Paged):
    """Which devices."""

    q: Annotated[str, Field(max_length=200, description="words that begin a hostname, serial number, user or id")] = ""
    state: Annotated[State, Field(description="how they stand")] = ""


@dataclass(frozen=True, slots=True)
class DeviceLine:
    """A device in a list. `open` counts its open deviations by severity; times are Unix seconds."""

    id: str
    hostname: str
    serial: str
    os: str
    os_version: str
    agent_version: str
    state: str
    why: str
    since: float | None
    heard_at: float | None
    users: tuple[str, ...]
    open: dict[str, int]


@dataclass(frozen=True, slots=True)
class DeviceList:
    """The devices that were found, by hostname. `next` is empty where there are no more."""

    q: str
    state: str
    devices: tuple[DeviceLine, ...]
    next: str


def search(ask: Ask[DeviceSearch]) -> DeviceList:
    """Find devices."""
    params, connection = ask.params, ask.connection
    words = params.q.split()[:_WORDS]
    rows = _found(ask, [_begins(connection, word) for word in words])
    if not rows and words:
        rows = _found(ask, [contains(devices.c.hostname, word) for word in words])
    more = len(rows) > params.most
    rows = rows[: params.most]
    lines = lines_of(connection, rows, ask.terms, ask.now)
    return DeviceList(params.q, params.state, lines, rows[-1]["device"] if more else "")


def lines_of(connection: Connection, rows: Sequence[Row], terms: Terms, now: float) -> tuple[DeviceLine, ...]:
    """Return rows of `devices` as they stand in lists."""
    ids = [row["device"] for row in rows]
    users, opened = _users(connection, ids), _open(connection, ids)
    found: list[DeviceLine] = []
    for row in rows:
        device = device_of(row)
        stands = standing(device, terms, now)
        found.append(
            DeviceLine(
                device.id,
                device.hostname,
                device.serial,
                device.os,
                device.os_version,
                device.agent_version,
                stands.state,
                stands.why,
                stands.since,
                device.contact_at,
                users[device.id][:_USERS],
                opened[device.id],
            )
        )
    return tuple(found)


def silent(terms: Terms, now: float) -> ColumnElement[bool]:
    """Return the condition that a device counts as unknown because nothing came from it, or it never told how it stands."""
    heard = func.coalesce(devices.c.contact_at, devices.c.enrolled_at)
    return or_(heard <= now - terms.unknown_after_s, devices.c.told_at.is_(None))


def in_state(state: str, terms: Terms, now: float) -> ColumnElement[bool]:
    """Return the condition that a device stands like that, as seen from here."""
    quiet = silent(terms, now)
    if state == "unknown":
        return or_(quiet, devices.c.state == "unknown")
    return and_(not_(quiet), devices.c.state == state)


def _found(ask: Ask[DeviceSearch], conditions: Sequence[ColumnElement[bool]]) -> Sequence[Row]:
    params = ask.params
    query: Select[Any] = select(devices).where(*conditions)
    if params.state:
        query = query.where(in_state(params.state, ask.terms, ask.now))
    if params.after:
        last = select(devices.c.hostname).where(devices.c.device == params.after).scalar_subquery()
        query = query.where(tuple_(devices.c.hostname, devices.c.device) > tuple_(last, params.after))
    query = query.order_by(devices.c.hostname, devices.c.device).limit(params.most + 1)
    return ask.connection.execute(query).mappings().all()


def _begins(connection: Connection, word: str) -> ColumnElement[bool]:
    of_user = select(servers.c.device).where(begins(connection, servers.c.user, word), servers.c.gone_at.is_(None))
    return or_(
        begins(connection, devices.c.hostname, word),
        begins(connection, devices.c.serial, word),
        begins(connection, devices.c.device, word),
        devices.c.device.in_(of_user),
    )


def _users(connection: Connection, ids: Sequence[str]) -> dict[str, tuple[str, ...]]:
    found: dict[str, tuple[str, ...]] = defaultdict(tuple)
    query = select(servers.c.device, servers.c.user).distinct().where(servers.c.device.in_(ids))
    query = query.where(servers.c.user.is_not(None), servers.c.gone_at.is_(None))
    for row in connection.execute(query.order_by(servers.c.device, servers.c.user)):
        found[row.device] += (row.user,)
    return found


def _open(connection: Connection, ids: Sequence[str]) -> dict[str, dict[str, int]]:
    found: dict[str, dict[str, int]] = defaultdict(dict)
    query = (
        select(deviations.c.device, deviations.c.severity, func.count())
        .where(deviations.c.device.in_(ids), deviations.c.closed_at.is_(None))
        .group_by(deviations.c.device, deviations.c.severity, deviations.c.rank)
        .order_by(deviations.c.rank)
    )
    for device, severity, number in connection.execute(query):
        found[device][severity] = number
    return found
