"""The feed of alerts: one order for all copies of the program, in which a reader with a cursor never misses a row.

A position is taken from a counter in the transaction that stores the alert, and as its last step. The counter's row stays locked
until the commit, so positions become visible in their order, without a gap.
"""

from collections.abc import Sequence

from sqlalchemy import Connection, func, insert, select, update

from central.store.partitions import day_of
from central.store.schema import counters, feed

_FEED = "feed"


def publish(connection: Connection, lines: Sequence[tuple[str, str]], at: float) -> None:
    """Append (device, event as JSON) to the feed; to be called last in a transaction."""
    if not lines:
        return
    last = count(connection, _FEED, len(lines))
    first = last - len(lines) + 1
    rows = [
        {"position": first + index, "day": day_of(at), "device": device, "line": line, "at": at}
        for index, (device, line) in enumerate(lines)
    ]
    connection.execute(insert(feed), rows)


def count(connection: Connection, name: str, more: int) -> int:
    """Count the counter `name` up by `more` and return where it stands."""
    raised = (
        update(counters)
        .where(counters.c.name == name)
        .values(value=counters.c.value + more)
        .returning(counters.c.value)
    )
    value = connection.execute(raised).scalar()
    if value is None:
        connection.execute(insert(counters), {"name": name, "value": more})
        return more
    return int(value)


def head(connection: Connection) -> int:
    """Return the last position of the feed, 0 for an empty one."""
    return connection.execute(select(counters.c.value).where(counters.c.name == _FEED)).scalar() or 0


def oldest(connection: Connection, position: int) -> tuple[int, float | None] | None:
    """Return the first position that follows `position` and is kept, with when it was stored; None where there is none."""
    query = select(feed.c.position, feed.c.at).where(feed.c.position > position).order_by(feed.c.position).limit(1)
    row = connection.execute(query).first()
    return None if row is None else (row.position, row.at)


def gone(connection: Connection) -> int:
    """Return the last position that is kept no more, 0 where all are."""
    first = connection.execute(select(func.min(feed.c.position))).scalar()
    return head(connection) if first is None else int(first) - 1


def after(connection: Connection, position: int, most: int) -> list[tuple[int, str]]:
    """Return up to `most` (position, event as JSON) that follow `position`."""
    query = select(feed.c.position, feed.c.line).where(feed.c.position > position).order_by(feed.c.position).limit(most)
    return [(row.position, row.line) for row in connection.execute(query)]
