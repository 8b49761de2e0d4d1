"""How far each destination has taken the feed. One copy of the program carries a destination at a time, for as long as its lease.

A lease is judged by the copies' own clocks, which must agree to within a minute; where they don't, alerts come twice and none is
lost: positions only ever move on.
"""

from dataclasses import asdict, dataclass

from sqlalchemy import Connection, delete, func, insert, or_, select, update

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


def send_again(connection: Connection, destination: str) -> int:
    """Have what was set aside for a destination sent again, as far as the feed keeps it; return how many alerts that are."""
    wanted = (
        set_asides.c.destination == destination,
        set_asides.c.again.is_(False),
        set_asides.c.last > feeding.gone(connection),
    )
    count = connection.execute(select(func.sum(set_asides.c.alerts)).where(*wanted)).scalar() or 0
    connection.execute(update(set_asides).where(*wanted).values(again=True))
    return int(count)


def again(connection: Connection, destination: str) -> tuple[int, int] | None:
    """Return the positions (first, last) of what is to be sent again next, None where nothing is."""
    query = select(set_asides.c.first, set_asides.c.last).where(
        set_asides.c.destination == destination, set_asides.c.again
    )
    row = connection.execute(query.order_by(set_asides.c.first).limit(1)).first()
    return None if row is None else (row.first, row.last)


def tried_again(connection: Connection, destination: str, skipped: Skipped, now: float) -> None:
    """Take `skipped`, which was sent again, out of what is set aside; with a reason it was refused again, and stays there."""
    held = (set_asides.c.destination == destination, set_asides.c.again, set_asides.c.first <= skipped.first)
    row = connection.execute(select(set_asides).where(*held, set_asides.c.last >= skipped.last)).mappings().first()
    if row is None:
        return
    connection.execute(
        delete(set_asides).where(set_asides.c.destination == destination, set_asides.c.first == row["first"])
    )
    left = row["alerts"] - skipped.alerts
    if skipped.last < row["last"] and left > 0:
        connection.execute(insert(set_asides), {**row, "first": skipped.last + 1, "alerts": left})
    if skipped.reason:
        connection.execute(insert(set_asides), {"destination": destination, "at": now, **asdict(skipped)})
        return
    taken = update(cursors).where(cursors.c.destination == destination)
    connection.execute(taken.values(set_aside=cursors.c.set_aside - skipped.alerts, accepted_at=now))


def claim(connection: Connection, destination: str, last: int | None) -> None:
    """Fix the batch under way to end with `last`; None lets it be made anew. What is sent again needs no claim."""
    ahead = () if last is None else (cursors.c.position < last,)
    connection.execute(update(cursors).where(cursors.c.destination == destination, *ahead).values(claimed=last))


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
