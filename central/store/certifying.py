"""Mutual TLS: the first report that comes with a certificate of the organisation's CA lets its device in, and binds the two.

A certificate speaks for one device, and a device that has a credential or another certificate is not taken over by it. A machine
that was installed anew reports under a new id with the same certificate: that one goes over once the earlier id is quiet, unless
an administrator revoked it. Until then the batch is to come again, so that two machines with one certificate lose nothing.
"""

from collections.abc import Iterable

from sqlalchemy import Connection, insert, select, update

from central.core.device import Device
from central.store.devices import credentials_of, row_of
from central.store.engine import alone
from central.store.schema import credentials, devices

QUIET_S = 900.0
"""How long the device of a certificate must be silent before it counts as gone: three signs of life."""

_LOCK = 0x4D435045


def introduce(connection: Connection, shown: Iterable[tuple[str, str]], now: float) -> dict[str, str]:
    """Let in the devices of `shown` (device, name in its certificate) that nothing is known of; to be called before locks.

    Returns the devices that stay out, with the code why; those whose credential is known already are not looked at.
    """
    wanted = sorted(dict(shown).items())
    if not _strangers(connection, wanted):
        return {}
    alone(connection, _LOCK)
    kept_out: dict[str, str] = {}
    for device, certificate in _strangers(connection, wanted):
        problem = _introduced(connection, device, certificate, now)
        if problem is not None:
            kept_out[device] = problem
    return kept_out


def _strangers(connection: Connection, wanted: list[tuple[str, str]]) -> list[tuple[str, str]]:
    known = credentials_of(connection, (device for device, _ in wanted))
    proven = {
        device
        for device, row in known.items()
        if row.revoked_at is not None or any((row.current, row.next, row.certificate))
    }
    return [pair for pair in wanted if pair[0] not in proven]


def _introduced(connection: Connection, device: str, certificate: str, now: float) -> str | None:
    query = (
        select(credentials.c.device, credentials.c.revoked_at, devices.c.contact_at)
        .join(devices, devices.c.device == credentials.c.device)
        .where(credentials.c.certificate == certificate)
    )
    for holder in connection.execute(query).all():
        if holder.revoked_at is not None:
            return "credential-revoked"
        if holder.contact_at is not None and now - holder.contact_at < QUIET_S:
            return "certificate-taken"
        let_go = update(credentials).where(credentials.c.device == holder.device).values(certificate=None)
        connection.execute(let_go)
    bound = {"certificate": certificate, "issued_at": now}
    held = update(credentials).where(credentials.c.device == device).values(bound)
    if connection.execute(held).rowcount == 0:
        connection.execute(insert(devices), row_of(Device(id=device, enrolled_at=now)))
        connection.execute(insert(credentials), {"device": device, **bound})
    return None
