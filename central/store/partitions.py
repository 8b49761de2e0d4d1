"""Days: on PostgreSQL a big table has a partition per day, which goes as a whole; on SQLite old rows are deleted in pieces."""

from sqlalchemy import Connection, Table, delete, select, text

from central.store.engine import alone
from central.store.schema import PARTITIONED

_PIECE = 5_000
_LOCK = 0x4D435044
SECONDS_PER_DAY = 86_400


def day_of(at: float) -> int:
    """Return the number of days since 1970."""
    return int(at // SECONDS_PER_DAY)


def prepare(connection: Connection, day: int, ahead: int = 2) -> None:
    """Make sure that rows of `day` and of the days after it find their partitions; copies of the program take turns."""
    if connection.dialect.name != "postgresql":
        return
    alone(connection, _LOCK)
    for table in PARTITIONED:
        for each in range(day, day + ahead + 1):
            connection.execute(
                text(
                    f"CREATE TABLE IF NOT EXISTS {table.name}_{each} PARTITION OF {table.name}"
                    f" FOR VALUES FROM ({each}) TO ({each + 1})"
                )
            )


def expire(connection: Connection, before: int) -> int:
    """Drop what was received before the day `before`; return how many partitions, or rows on SQLite, are gone."""
    if connection.dialect.name != "postgresql":
        return sum(_delete_piece(connection, table, before) for table in PARTITIONED)
    gone = 0
    for table in PARTITIONED:
        names = connection.execute(
            text("SELECT relid::regclass::text FROM pg_partition_tree(:name) WHERE isleaf"), {"name": table.name}
        ).scalars()
        for name in names:
            if int(name.rsplit("_", 1)[1]) < before:
                connection.execute(text(f"DROP TABLE {name}"))
                gone += 1
    return gone


def _delete_piece(connection: Connection, table: Table, before: int) -> int:
    keys = list(table.primary_key)
    old = select(*keys).where(table.c.day < before).limit(_PIECE)
    rows = [dict(row._mapping) for row in connection.execute(old)]  # noqa: SLF001 - SQLAlchemy's public name for it
    for row in rows:
        connection.execute(delete(table).where(*(key == row[key.name] for key in keys)))
    return len(rows)
