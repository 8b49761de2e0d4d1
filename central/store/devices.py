"""Devices as rows, and back; and the credentials by which they write."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from typing import Any

from sqlalchemy import Connection, RowMapping, bindparam, select, update

from central.core import chain
from central.core.device import Device
from central.store.schema import credentials, devices

_NAMES = tuple(field.name for field in fields(Device) if field.name not in ("id", "lines"))
_LISTS = frozenset({"blind", "health"})
_CHUNK = 500


@dataclass(frozen=True, slots=True)
class Credential:
    """What proves that a device is itself: hashes of the present and of the next credential, or a certificate's subject."""

    current: bytes | None
    next: bytes | None
    certificate: str | None
    issued_at: float
    revoked_at: float | None


def device_of(row: RowMapping | Mapping[str, Any]) -> Device:
    """Return the device in a row of `devices`."""
    values: dict[str, Any] = {name: tuple(row[name]) if name in _LISTS else row[name] for name in _NAMES}
    return Device(id=row["device"], lines=chain.read(row["lines"]), **values)


def row_of(device: Device) -> dict[str, Any]:
    """Return the row of `device`."""
    values = {name: getattr(device, name) for name in _NAMES}
    return {"device": device.id, **values, "lines": chain.written(device.lines)}


def locked(connection: Connection, ids: Iterable[str]) -> dict[str, Device]:
    """Return the devices of `ids` that there are, held until the transaction ends; in one order, so that none waits in a ring."""
    wanted = sorted(set(ids))
    found: dict[str, Device] = {}
    for start in range(0, len(wanted), _CHUNK):
        query = select(devices).where(devices.c.device.in_(wanted[start : start + _CHUNK])).order_by(devices.c.device)
        rows = connection.execute(query.with_for_update()).mappings()
        found |= {row["device"]: device_of(row) for row in rows}
    return found


def store(connection: Connection, changed: Iterable[Device]) -> None:
    """Write devices that are there already."""
    rows = [{"key_" + name: value for name, value in row_of(device).items()} for device in changed]
    if rows:
        values: dict[str, Any] = {name: bindparam("key_" + name) for name in (*_NAMES, "lines")}
        connection.execute(update(devices).where(devices.c.device == bindparam("key_device")).values(values), rows)


def credentials_of(connection: Connection, ids: Iterable[str]) -> dict[str, Credential]:
    """Return what proves each of `ids`."""
    wanted = sorted(set(ids))
    found: dict[str, Credential] = {}
    for start in range(0, len(wanted), _CHUNK):
        query = select(credentials).where(credentials.c.device.in_(wanted[start : start + _CHUNK]))
        for row in connection.execute(query):
            found[row.device] = Credential(row.current, row.next, row.certificate, row.issued_at, row.revoked_at)
    return found
