"""Attempts, counted by all copies of the program together, each in a window of time that moves along.

A refused attempt does not count, so that who waits is let go on. What an attempt is made as is kept as a hash: people type
passwords where their name belongs.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import Connection, delete, select

from central.store.engine import alone, upsert
from central.store.schema import attempts

_LOCK = 0x4D435054


@dataclass(frozen=True, slots=True)
class Most:
    """`number` attempts within `seconds`."""

    number: int
    seconds: float


def may_try(connection: Connection, limits: Mapping[str, Most], now: float) -> bool:
    """Count an attempt by every key of `limits`; say whether it may be made, which it counts for then alone."""
    alone(connection, _LOCK)
    keys = {hashlib.sha256(name.encode()).digest(): most for name, most in limits.items()}
    rows = connection.execute(select(attempts.c.key, attempts.c.times).where(attempts.c.key.in_(keys)))
    held = {row.key: [at for at in row.times if at > now - keys[row.key].seconds] for row in rows}
    if any(len(held.get(key, ())) >= most.number for key, most in keys.items()):
        return False
    counted = [
        {"key": key, "times": [*held.get(key, ()), now], "ends_at": now + most.seconds} for key, most in keys.items()
    ]
    upsert(connection, attempts, counted, ("times", "ends_at"))
    connection.execute(delete(attempts).where(attempts.c.ends_at < now))
    return True
