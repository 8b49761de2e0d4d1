"""Tokens of other programs: long random texts of which only the SHA-256 is kept, each with its scopes."""

import secrets
from collections.abc import Collection

from sqlalchemy import Connection, insert, select, update

from central.core.access import SCOPES, Asker, Permission
from central.core.envelope import hashed
from central.store.schema import tokens

PREFIX = "mcpc_token_"


def make(
    connection: Connection,
    name: str,
    scopes: Collection[Permission],
    by: str,
    now: float,
    expires_at: float | None = None,
) -> str:
    """Make a token called `name` and return it; only its hash is kept.

    Raises:
        IntegrityError: there is one of this name, also where it was revoked: the audit log tells tokens apart by their names.
    """
    token = PREFIX + secrets.token_urlsafe(32)
    row = {"name": name, "hash": hashed(token), "made_at": now, "made_by": by, "expires_at": expires_at}
    connection.execute(insert(tokens), {**row, "scopes": sorted(scopes)})
    return token


def revoke(connection: Connection, name: str, now: float) -> bool:
    """End the token `name`; return whether there was one in force."""
    ended = update(tokens).where(tokens.c.name == name, tokens.c.revoked_at.is_(None)).values(revoked_at=now)
    return connection.execute(ended).rowcount > 0


def asker(connection: Connection, shown: str, now: float) -> tuple[Asker, float | None] | None:
    """Return who shows the token `shown` and when that was used last, None where it is none in force."""
    row = connection.execute(
        select(tokens).where(tokens.c.hash == hashed(shown), tokens.c.revoked_at.is_(None))
    ).first()
    if row is None or (row.expires_at is not None and row.expires_at <= now):
        return None
    scopes = frozenset(permission for permission in SCOPES if permission.value in row.scopes)
    return Asker(f"token:{row.name}", "token", scopes), row.used_at


def used(connection: Connection, shown: str, now: float) -> None:
    """Note that the token `shown` is used."""
    connection.execute(update(tokens).where(tokens.c.hash == hashed(shown)).values(used_at=now))
