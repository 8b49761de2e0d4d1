"""Connections: what SQLite and PostgreSQL need to be told so that a commit is durable and a reader never blocks the writer."""

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any

from sqlalchemy import Connection, Engine, Table, create_engine, event, text
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import make_url

_BUSY_MS = 15_000
_STATEMENT_MS = 30_000


def engine_of(url: str, pool: int = 8) -> Engine:
    """Return the engine for a database URL; `postgresql://` means psycopg 3."""
    parsed = make_url(url)
    if parsed.get_backend_name() == "sqlite":
        _for_its_owner_alone(parsed.database)
        engine = create_engine(
            parsed, pool_size=pool, connect_args={"check_same_thread": False, "timeout": _BUSY_MS / 1000}
        )
        event.listen(engine, "connect", _prepare_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
        return engine
    if parsed.get_backend_name() != "postgresql":
        raise ValueError(f"the database must be sqlite:// or postgresql://, not {parsed.get_backend_name()}://")
    parsed = parsed.set(drivername="postgresql+psycopg")
    options = f"-c statement_timeout={_STATEMENT_MS} -c lock_timeout={_BUSY_MS} -c timezone=UTC"
    return create_engine(
        parsed, pool_size=pool, pool_pre_ping=True, connect_args={"options": options, "connect_timeout": 5}
    )


def _for_its_owner_alone(file: str | None) -> None:
    """Make the file before SQLite does, as the umask says; its log and index take the mode over."""
    if file and file != ":memory:" and not file.startswith("file:"):
        with suppress(FileExistsError):
            os.close(os.open(file, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))


def _prepare_sqlite(connection: Any, _record: object) -> None:  # noqa: ANN401 - the driver's connection
    connection.isolation_level = None  # transactions are begun by `_begin_sqlite`, not by the driver's guess
    for pragma in (
        "journal_mode=WAL",
        "synchronous=FULL",
        "foreign_keys=ON",
        f"busy_timeout={_BUSY_MS}",
        "cache_size=-32768",
    ):
        connection.execute(f"PRAGMA {pragma}")


def _begin_sqlite(connection: Connection) -> None:
    connection.exec_driver_sql("BEGIN IMMEDIATE" if connection.get_execution_options().get("writes") else "BEGIN")


@contextmanager
def writing(engine: Engine) -> Iterator[Connection]:
    """Give a connection in a transaction that will write; it is committed durably at the end."""
    with engine.connect().execution_options(writes=True) as connection, connection.begin():
        yield connection


@contextmanager
def reading(engine: Engine) -> Iterator[Connection]:
    """Give a connection in a transaction that reads one state of the database."""
    with engine.connect() as connection, connection.begin():
        yield connection


def alone(connection: Connection, key: int) -> None:
    """Wait until no other transaction that asks for `key` is under way; SQLite has one writer anyhow."""
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": key})


def alive(engine: Engine) -> bool:
    """Say whether the database answers."""
    with engine.connect() as connection:
        return connection.execute(text("SELECT 1")).scalar() == 1


def upsert(
    connection: Connection,
    table: Table,
    rows: Sequence[dict[str, Any]],
    update: Sequence[str] | None = None,
    newer: str | None = None,
) -> None:
    """Insert `rows`, or update the columns `update` (default: none) of those that are there.

    With `newer`, a row that is there is left alone where its value in that column is greater.
    """
    if not rows:
        return
    insert = (sqlite if connection.dialect.name == "sqlite" else postgresql).insert(table)
    keys = [column.name for column in table.primary_key]
    if not update:
        connection.execute(insert.on_conflict_do_nothing(index_elements=keys), rows)
        return
    changed = {name: insert.excluded[name] for name in update}
    where = None if newer is None else table.c[newer] <= insert.excluded[newer]
    connection.execute(insert.on_conflict_do_update(index_elements=keys, set_=changed, where=where), rows)
