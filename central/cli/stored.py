"""What verbs about the database share."""

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Engine

from central.config import Settings
from central.core.access import in_force
from central.core.times import moment
from central.store.opening import database

BY = "command line"
"""Who changed something, for the audit log, where it was changed from here."""


@contextmanager
def opened(settings: Settings) -> Iterator[Engine]:
    """Give the database of the settings, with this program's schema, for as long as a verb needs it.

    Raises:
        CannotStart: it cannot be used.
    """
    engine = database(settings.database_url, settings.own_folder)
    try:
        yield engine
    finally:
        engine.dispose()


def lasting(revoked_at: float | None, expires_at: float | None, now: float) -> str:
    """Say how a token or a key stands, and since or until when."""
    standing = in_force(revoked_at, expires_at, now)
    if revoked_at is not None:
        return f"{standing} {moment(revoked_at)}"
    if expires_at is None:
        return standing
    return f"{standing}{' until' if standing == 'in force' else ''} {moment(expires_at)}"
