"""Databases for tests on SQLite and on PostgreSQL alike: each is a copy of one that was made once."""

import contextlib
import itertools
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

import psycopg
from psycopg import sql
from sqlalchemy import make_url

from tests.sim.postgres import Cluster

_SHAPE = """
SELECT c.relname, c.relkind, a.attname, a.atttypid, a.attnotnull, a.attnum
FROM pg_class c LEFT JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0
WHERE c.relnamespace = 'public'::regnamespace
UNION ALL SELECT conname, contype, pg_get_constraintdef(oid), 0, convalidated, 0
FROM pg_constraint WHERE connamespace = 'public'::regnamespace
UNION ALL SELECT tgname, tgenabled, pg_get_triggerdef(oid), 0, tgisinternal, 0 FROM pg_trigger WHERE NOT tgisinternal
UNION ALL SELECT proname, prokind, prosrc, 0, proisstrict, 0 FROM pg_proc WHERE pronamespace = 'public'::regnamespace
UNION ALL SELECT 'settings', 's', setconfig::text, 0, true, 0 FROM pg_db_role_setting
UNION ALL SELECT 'users', 'u', count(*)::text, 0, true, 0
FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()
ORDER BY 1, 2, 3, 4, 5, 6
"""
"""Tables, indices and their columns, constraints, triggers, functions, settings, and how many are connected."""

_TABLES = "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = 'r' ORDER BY relname"
_SEQUENCES = "SELECT sequencename, start_value, last_value FROM pg_sequences WHERE schemaname = 'public'"
_LARGE_BYTES = 4 << 20


class Shelf(Protocol):
    """Where the databases of one kind lie."""

    def empty(self) -> str:
        """Make an empty database and return its URL."""
        ...

    def copy(self, url: str) -> str:
        """Copy the database of `url`, to which nobody is connected, and return the URL of the copy."""
        ...

    def lent(self, url: str) -> contextlib.AbstractContextManager[str]:
        """Give the URL of a database that is as that of `url`, to do with as one likes."""
        ...


@dataclass(eq=False)
class SqliteShelf:
    """Files in a folder."""

    folder: Path
    _numbers: "itertools.count[int]" = field(default_factory=itertools.count, init=False)

    def empty(self) -> str:
        """Name a file that is not there yet."""
        return f"sqlite:///{self.folder / f'{next(self._numbers)}.sqlite'}"

    def copy(self, url: str) -> str:
        """Copy the file."""
        target = self.empty()
        shutil.copy(str(make_url(url).database), str(make_url(target).database))
        return target

    @contextlib.contextmanager
    def lent(self, url: str) -> Iterator[str]:
        """Copy the file."""
        yield self.copy(url)


@dataclass(frozen=True)
class Contents:
    """What is in a database: its shape, and the rows of each table in PostgreSQL's own binary form."""

    shape: list[tuple[object, ...]]
    rows: dict[str, bytes]
    sequences: list[tuple[str, int, int | None]]
    size: int

    @classmethod
    def of(cls, connection: "psycopg.Connection") -> "Contents":
        """Read them all."""
        rows = {}
        for table in _tables(connection):
            statement = sql.SQL("COPY {} TO STDOUT (FORMAT binary)").format(sql.Identifier(table))
            with connection.cursor().copy(statement) as copy:
                rows[table] = b"".join(copy)
        return cls(_shape(connection), rows, connection.execute(_SEQUENCES).fetchall(), _size(connection))

    def put_back(self, connection: "psycopg.Connection") -> bool:
        """Make a database hold them again; return whether it does: not where its shape is another, or it has grown much."""
        for table in _tables(connection):
            if table not in self.rows:  # a partition of its own day
                connection.execute(sql.SQL("DROP TABLE {}").format(sql.Identifier(table)))
        if _shape(connection) != self.shape or _size(connection) > self.size + _LARGE_BYTES:
            return False
        connection.execute("SET session_replication_role = replica")  # in any order, without a trigger
        for table in self.rows:
            connection.execute(sql.SQL("DELETE FROM {}").format(sql.Identifier(table)))
        for table, raw in self.rows.items():
            statement = sql.SQL("COPY {} FROM STDIN (FORMAT binary)").format(sql.Identifier(table))
            with connection.cursor().copy(statement) as copy:
                copy.write(raw)
        for name, start, last in self.sequences:
            connection.execute("SELECT setval(%s, %s, %s)", (name, start if last is None else last, last is not None))
        return True


def _shape(connection: "psycopg.Connection") -> list[tuple[object, ...]]:
    return connection.execute(_SHAPE).fetchall()


def _tables(connection: "psycopg.Connection") -> list[str]:
    return [str(name) for (name,) in connection.execute(_TABLES).fetchall()]


def _size(connection: "psycopg.Connection") -> int:
    ((size,),) = connection.execute("SELECT pg_database_size(current_database())").fetchall()
    return int(size)


@dataclass(eq=False)
class PostgresShelf:
    """Databases of a cluster. One that was lent is put in order and lent again: to copy one takes a tenth of a second."""

    cluster: Cluster
    prefix: str = "shelf_"
    _numbers: "itertools.count[int]" = field(default_factory=itertools.count, init=False)
    _contents: dict[str, Contents] = field(default_factory=dict, init=False)
    _free: dict[str, list[str]] = field(default_factory=dict, init=False)

    def empty(self) -> str:
        """Make a database."""
        return self.cluster.fresh(f"{self.prefix}{next(self._numbers)}")

    def copy(self, url: str) -> str:
        """Make a database from that one."""
        return self.cluster.fresh(f"{self.prefix}{next(self._numbers)}", str(make_url(url).database))

    @contextlib.contextmanager
    def lent(self, url: str) -> Iterator[str]:
        """Give one that was given back, or a copy."""
        free = self._free.setdefault(url, [])
        lent = free.pop() if free else self.copy(url)
        if url not in self._contents:
            with self._connected(lent) as connection:
                self._contents[url] = Contents.of(connection)
        yield lent
        with self._connected(lent) as connection:
            whole = self._contents[url].put_back(connection)
        if whole:
            free.append(lent)
        else:
            self.cluster.drop(str(make_url(lent).database))

    def _connected(self, url: str) -> "psycopg.Connection":
        return psycopg.connect(host=str(self.cluster.folder), user="postgres", dbname=make_url(url).database)
