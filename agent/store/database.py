"""The one SQLite file: how it is opened, checked, set aside when it is damaged, and written in whole transactions.

WAL with `synchronous=FULL`: what was committed survives kill -9 and power loss, what was not leaves nothing. A file that is
damaged, foreign, or from a newer version is renamed with a timestamp and a fresh one started: `recovered` says so, and the
next look establishes the deviations anew. It is noticed too when the file is removed or replaced while it is open.
"""

import contextlib
import os
import sqlite3
import stat
import threading
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from agent.ports import StoreError
from agent.store.schema import APPLICATION_ID, SCHEMA_VERSION, STATEMENTS

BUSY_TIMEOUT_MS = 5_000
CACHE_KIB = 256
"""Pages of the file that stay in memory: SQLite's own 2 MB would hold the events of a first look for ever."""

KEPT_ASIDE = 3
"""How many damaged files are kept beside the database; the oldest go first."""

_DAMAGED = frozenset({sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB})


@dataclass(frozen=True, slots=True)
class Recovery:
    """A database was given up and a fresh one started. `kept_as` is None where nothing was left to keep."""

    reason: str
    at: float
    kept_as: Path | None


class Damaged(sqlite3.DatabaseError):
    """What was read makes no sense: the file is set aside at the next use, as where SQLite itself finds damage."""

    sqlite_errorcode = sqlite3.SQLITE_CORRUPT
    sqlite_errorname = "SQLITE_CORRUPT"


class _Unusable(Exception):  # noqa: N818 - never leaves this module
    """The file at the path cannot serve as our database; the text says why."""


class Database:
    """Serialises every access; any thread may call. `now` gives Unix seconds. Raises `StoreError` where it cannot store.

    `device` is the id that a new file is given; None keeps the one of a file that is set aside, or makes one up.
    `generation` counts how often a file was opened: whoever remembers what it read has to read again when it changed.
    """

    def __init__(self, path: Path, now: Callable[[], float], device: str | None = None) -> None:
        self.path = path
        self.recovered: Recovery | None = None
        self.generation = 0
        self._now = now
        self._lock = threading.RLock()
        self._device = device
        self._connection: sqlite3.Connection | None = None
        self._identity = (0, 0)
        self._distrusted: str | None = None
        with self._lock, self._translated():
            self._live()

    @contextlib.contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """Yield a connection whose writes are committed together at the end, or not at all if anything raises."""
        with self._lock, self._translated():
            connection = self._live()
            connection.execute("BEGIN IMMEDIATE")
            try:
                yield connection
                connection.execute("COMMIT")
            except BaseException:
                with contextlib.suppress(sqlite3.Error):
                    if connection.in_transaction:
                        connection.execute("ROLLBACK")
                raise

    @contextlib.contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """Yield a connection for statements that change nothing."""
        with self._lock, self._translated():
            yield self._live()

    def close(self) -> None:
        """Close the file; a later use opens it again."""
        with self._lock:
            connection, self._connection = self._connection, None
            if connection is not None:
                with contextlib.suppress(sqlite3.Error):
                    connection.close()

    @contextlib.contextmanager
    def _translated(self) -> Iterator[None]:
        """Turn what SQLite and the system say into `StoreError`; a damaged file is set aside at the next use."""
        try:
            yield
        except sqlite3.Error as error:
            code = getattr(error, "sqlite_errorcode", None)
            if code is not None and code & 0xFF in _DAMAGED:
                self._distrusted = f"the file is damaged: {error}"  # the next use sets it aside
                self.close()
                raise StoreError(f"the journal {self.path} is damaged: {error}") from error
            raise StoreError(f"the journal {self.path} could not be written: {error}") from error
        except OSError as error:
            self.close()
            raise StoreError(f"the journal {self.path} cannot be used: {error.strerror or error}") from error

    def _live(self) -> sqlite3.Connection:
        if self._connection is not None and not self._replaced():
            return self._connection
        if self._connection is not None:
            self.close()
            self.recovered = Recovery("the file was removed or replaced from outside", self._now(), None)
        self.generation += 1
        try:
            self._connection = self._opened()
        except _Unusable as unusable:
            kept = self._set_aside()
            self.recovered = Recovery(str(unusable), self._now(), kept)
            try:
                self._connection = self._opened()
            except _Unusable as again:
                raise StoreError(f"no journal can be made at {self.path}: {again}") from again
        return self._connection

    def _replaced(self) -> bool:
        try:
            found = self.path.stat()
        except OSError:
            return True
        return (found.st_dev, found.st_ino) != self._identity

    def _opened(self) -> sqlite3.Connection:
        self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._identity = _private_file(self.path)
        distrusted, self._distrusted = self._distrusted, None
        if distrusted is not None:
            raise _Unusable(distrusted)
        connection = sqlite3.connect(
            self.path, timeout=BUSY_TIMEOUT_MS / 1000, isolation_level=None, check_same_thread=False
        )
        try:
            self._prepare(connection)
        except sqlite3.Error as error:
            connection.close()
            if getattr(error, "sqlite_errorcode", 0) & 0xFF in _DAMAGED:
                raise _Unusable(f"the file is damaged: {error}") from error
            raise
        except BaseException:
            connection.close()
            raise
        return connection

    def _prepare(self, connection: sqlite3.Connection) -> None:
        (tables,) = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
        (ours,) = connection.execute("PRAGMA application_id").fetchone()
        if tables and ours != APPLICATION_ID:
            raise _Unusable("the file belongs to another program")
        (version,) = connection.execute("PRAGMA user_version").fetchone()
        if version > SCHEMA_VERSION:
            raise _Unusable(f"the file was written by a newer version (schema {version}, known is {SCHEMA_VERSION})")
        connection.execute(f"PRAGMA busy_timeout = {BUSY_TIMEOUT_MS}")
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("PRAGMA journal_size_limit = 4194304")
        connection.execute(f"PRAGMA cache_size = {-CACHE_KIB}")
        if tables:
            with contextlib.suppress(sqlite3.Error):  # a damaged file may still tell which device it was
                row = connection.execute("SELECT value FROM meta WHERE key = 'device'").fetchone()
                self._device = self._device or (row[0] if row else None)
            report = [row[0] for row in connection.execute("PRAGMA quick_check(1)")]
            if report != ["ok"]:
                raise _Unusable(f"the file is damaged: {report[0].splitlines()[0] if report else 'no answer'}")
            return
        connection.execute("BEGIN IMMEDIATE")
        try:
            for statement in STATEMENTS:
                connection.execute(statement)
            connection.executemany("INSERT INTO meta VALUES (?, ?)", self._birth().items())
            connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
            connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")
            connection.execute("COMMIT")
        except BaseException:
            with contextlib.suppress(sqlite3.Error):
                connection.execute("ROLLBACK")
            raise

    def _birth(self) -> dict[str, str | int | float]:
        return {
            "device": self._device or str(uuid.uuid4()),
            "journal": uuid.uuid4().hex,
            "created": self._now(),
            "sequence": 0,
            "head": "0" * 64,
        }

    def _set_aside(self) -> Path:
        stamp = int(self._now())
        kept = self.path.with_name(f"{self.path.name}.damaged-{stamp}")
        count = 0
        while kept.exists():
            count += 1
            kept = self.path.with_name(f"{self.path.name}.damaged-{stamp}-{count}")
        for suffix in ("-wal", "-shm"):
            with contextlib.suppress(FileNotFoundError):
                Path(f"{self.path}{suffix}").replace(f"{kept}{suffix}")
        self.path.replace(kept)
        others = sorted(self.path.parent.glob(f"{self.path.name}.damaged-*"), key=lambda path: path.stat().st_mtime_ns)
        for old in [path for path in others if not path.name.endswith(("-wal", "-shm"))][:-KEPT_ASIDE]:
            for part in (old, Path(f"{old}-wal"), Path(f"{old}-shm")):
                part.unlink(missing_ok=True)
        return kept


def _private_file(path: Path) -> tuple[int, int]:
    """Make sure that a regular file that only its owner may use stands at `path`; return its identity."""
    flags = os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_CLOEXEC", 0)
    descriptor = os.open(path, flags, 0o600)
    try:
        facts = os.fstat(descriptor)
        if not stat.S_ISREG(facts.st_mode):
            raise _Unusable("something other than a file stands in its place")
        if facts.st_mode & 0o077 and os.name == "posix":
            os.fchmod(descriptor, 0o600)
        return (facts.st_dev, facts.st_ino)
    finally:
        os.close(descriptor)
