"""How far each destination has taken the feed. One copy of the program carries a destination at a time, for as long as its lease.

A lease is judged by the copies' own clocks, which must agree to within a minute; where they don't, alerts come twice and none is
lost: positions only ever move on.
"""

from dataclasses import asdict, dataclass

from sqlalchemy import Connection, func, or_, select, update

from central.store import feeding
from central.store.engine import upsert
from central.store.schema import cursors, set_asides


@dataclass(frozen=True, slots=True, kw_only=True)
class Cursor:
    """`position` is the last that was settled, `claimed` the last of the batch that is under way, if one is."""

    position: int
    claimed: int | None
    mine: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Skipped:
    """Alerts that a destination goes on without: positions of the feed, how many they are, and why."""

    first: int
    last: int
    alerts: int
    reason: str


def know(connection: Connection, destination: str) -> None:
    """Make sure that a destination has a cursor; a new one begins with what comes from now on."""
    row = {"destination": destination, "position": feeding.head(connection), "held_until": 0.0}
    upsert(connection, cursors, [row])


def find(connection: Connection, destination: str, holder: str, now: float) -> Cursor:
    """Return where a destination stands, and whether `holder` carries it."""
    row = connection.execute(select(cursors).where(cursors.c.destination == destination)).one()
    return Cursor(position=row.position, claimed=row.claimed, mine=row.holder == holder and row.held_until > now)


def take(connection: Connection, destination: str, holder: str, now: float, lease_s: float) -> bool:
    """Let `holder` carry a destination until `lease_s` from `now`; say False where another one does."""
    free = or_(cursors.c.holder == holder, cursors.c.held_until <= now)
    taken = update(cursors).where(cursors.c.destination == destination, free)
    return connection.execute(taken.values(holder=holder, held_until=now + lease_s)).rowcount == 1


def leave(connection: Connection, holder: str) -> None:
    """Let others carry what `holder` carried."""
    connection.execute(update(cursors).where(cursors.c.holder == holder).values(holder="", held_until=0.0))


def claim(connection: Connection, destination: str, last: int | None) -> None:
    """Fix the batch under way to end with `last`; None lets it be made anew."""
    connection.execute(update(cursors).where(cursors.c.destination == destination).values(claimed=last))


def settle(connection: Connection, destination: str, last: int, now: float) -> None:
    """Move on past `last`, which was accepted. A word that comes too late changes nothing."""
    moved = update(cursors).where(cursors.c.destination == destination, cursors.c.position < last)
    done = {"position": last, "claimed": None, "problem": "", "problem_at": None, "accepted_at": now}
    connection.execute(moved.values(done))


def set_aside(connection: Connection, destination: str, skipped: Skipped, now: float) -> None:
    """Move on past `skipped`, and keep which they are and why. A word that comes too late changes nothing."""
    moved = update(cursors).where(cursors.c.destination == destination, cursors.c.position < skipped.last)
    counted = {"position": skipped.last, "claimed": None, "set_aside": cursors.c.set_aside + skipped.alerts}
    if connection.execute(moved.values(counted)).rowcount:
        upsert(connection, set_asides, [{"destination": destination, "at": now, **asdict(skipped)}])
        trouble(connection, destination, skipped.reason, now)


def trouble(connection: Connection, destination: str, problem: str, now: float) -> None:
    """Note what hinders a destination, empty where nothing does; it hinders since the first word of it."""
    since = func.coalesce(cursors.c.problem_at, now) if problem else None
    noted = update(cursors).where(cursors.c.destination == destination)
    connection.execute(noted.values(problem=problem, problem_at=since))
