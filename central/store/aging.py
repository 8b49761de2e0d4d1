"""What is too old to be kept: events and feed by day, deviations that are closed, how devices stood, tallies."""

from sqlalchemy import ColumnElement, Connection, Table, delete, select

from central.store import partitions
from central.store.schema import deviations, notes, set_asides, standings, tallies

PIECE = 2_000
DAY_S = 86_400


def expire_closed(connection: Connection, before: float) -> int:
    """Delete deviations that were closed before then, with their notes, and other history of that age; return how many rows."""
    closed = select(deviations.c.device, deviations.c.uid, deviations.c.opened_at).where(
        deviations.c.closed_at < before
    )
    rows = [tuple(row) for row in connection.execute(closed.limit(PIECE))]
    for device, uid, opened_at in rows:
        for table in (notes, deviations):
            same = (table.c.device == device, table.c.uid == uid, table.c.opened_at == opened_at)
            connection.execute(delete(table).where(*same))
    return (
        len(rows)
        + _drop(connection, standings, standings.c.at < before)
        + _drop(connection, tallies, tallies.c.at < before)
    )


def expire_days(connection: Connection, before_day: int) -> int:
    """Delete what was received before that day: a partition at once, or a piece of the rows; return how many.

    What destinations went on without is told for as long as it can be read in the feed.
    """
    told = _drop(connection, set_asides, set_asides.c.at < before_day * DAY_S)
    return told + partitions.expire(connection, before_day)


def _drop(connection: Connection, table: Table, old: ColumnElement[bool]) -> int:
    keys = list(table.primary_key)
    rows = [tuple(row) for row in connection.execute(select(*keys).where(old).limit(PIECE))]
    for row in rows:
        connection.execute(delete(table).where(*(key == value for key, value in zip(keys, row, strict=True))))
    return len(rows)
