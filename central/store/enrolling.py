"""Enrolment: a device shows the organisation's key once and leaves the SHA-256 of a credential that it made itself.

The secret never travels before it is used, and saying the same again changes nothing, so an answer that was lost costs nothing.
A device that is enrolled replaces its credential by proving the present one; the organisation's key alone does not replace it.
"""

import secrets
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, insert, select, update

from central.core.device import Device
from central.core.envelope import hashed
from central.store.devices import row_of
from central.store.schema import credentials, devices, enrolment_keys

PREFIX = "mcpc_enrol_"
_NOTED_EVERY_S = 60.0


@dataclass(frozen=True, slots=True)
class NotEnrolled:
    """Why a device is not enrolled: a code that is counted, and a sentence."""

    status: int
    code: str
    text: str


_KEY = NotEnrolled(401, "enrolment-key-unknown", "this is no valid enrolment key, nor the device's present credential")
_TAKEN = NotEnrolled(
    409,
    "already-enrolled",
    "a device of this id is enrolled with another credential: an administrator must revoke that one first",
)
_REVOKED = NotEnrolled(403, "credential-revoked", "the device's credential was revoked by an administrator")


def new_key(connection: Connection, name: str, by: str, now: float, expires_at: float | None = None) -> str:
    """Make an enrolment key called `name` and return it; only its hash is kept."""
    key = PREFIX + secrets.token_urlsafe(32)
    row = {"name": name, "hash": hashed(key), "made_at": now, "made_by": by, "expires_at": expires_at}
    connection.execute(insert(enrolment_keys), row)
    return key


def proved(connection: Connection, device: str, shown: str, now: float) -> NotEnrolled | None:
    """Say why `shown` proves nothing about `device`, None where it does; nothing is written for who only guesses."""
    proof = hashed(shown)
    held = connection.execute(
        select(credentials.c.current, credentials.c.next).where(credentials.c.device == device)
    ).first()
    return None if proof in (held or ()) or _key(connection, proof, now) is not None else _KEY


def enrol(
    connection: Connection, device: str, hostname: str, credential: bytes, shown: str, now: float
) -> NotEnrolled | None:
    """Let `device` write with the credential of which `credential` is the SHA-256; `shown` is what it proves itself with.

    Returns why not, None where it is enrolled.
    """
    row = connection.execute(select(credentials).where(credentials.c.device == device).with_for_update()).first()
    proof = hashed(shown)
    by_key = _key_valid(connection, proof, now)
    if row is None:
        if not by_key:
            return _KEY
        connection.execute(insert(devices), row_of(Device(id=device, hostname=hostname, enrolled_at=now)))
        connection.execute(insert(credentials), {"device": device, "current": credential, "issued_at": now})
        return None
    known = [each for each in (row.current, row.next) if each is not None]
    if not by_key and proof not in known:
        return _KEY
    if row.revoked_at is not None or (known and proof not in known and credential not in known):
        return _REVOKED if row.revoked_at is not None else _TAKEN
    if credential not in known:
        renewed = {"next": credential} if known else {"current": credential, "issued_at": now}
        connection.execute(update(credentials).where(credentials.c.device == device).values(renewed))
    return None


def revoke(connection: Connection, device: str, by: str, now: float) -> bool:
    """End the credential of `device` until `readmit`; return whether there was such a device."""
    ended = update(credentials).where(credentials.c.device == device).values(revoked_at=now, revoked_by=by)
    return connection.execute(ended).rowcount > 0


def readmit(connection: Connection, device: str) -> bool:
    """Let `device` enrol anew with the organisation's key; its old credential stays ended."""
    renewed = {"current": None, "next": None, "revoked_at": None, "revoked_by": ""}
    return connection.execute(update(credentials).where(credentials.c.device == device).values(renewed)).rowcount > 0


def _key(connection: Connection, proof: bytes, now: float) -> Row[Any] | None:
    """Return the enrolment key in force that `proof` is the hash of."""
    query = select(enrolment_keys).where(enrolment_keys.c.hash == proof, enrolment_keys.c.revoked_at.is_(None))
    row = connection.execute(query).first()
    return None if row is None or (row.expires_at is not None and row.expires_at <= now) else row


def _key_valid(connection: Connection, proof: bytes, now: float) -> bool:
    row = _key(connection, proof, now)
    if row is None:
        return False
    if row.used_at is None or now - row.used_at > _NOTED_EVERY_S:
        used = update(enrolment_keys).where(enrolment_keys.c.name == row.name)
        connection.execute(used.values(used_at=now))
    return True
