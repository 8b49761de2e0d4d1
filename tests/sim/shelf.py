"""Databases for tests on SQLite and on PostgreSQL alike: each is a copy of one that was made once."""

import itertools
import shutil
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from sqlalchemy import make_url

from tests.sim.postgres import Cluster


class Shelf(Protocol):
    """Where the databases of one kind lie."""

    def empty(self) -> str:
        """Make an empty database and return its URL."""
        ...

    def copy(self, url: str) -> str:
        """Copy the database of `url`, to which nobody is connected, and return the URL of the copy."""
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


@dataclass(eq=False)
class PostgresShelf:
    """Databases of a cluster."""

    cluster: Cluster
    _numbers: "itertools.count[int]" = field(default_factory=itertools.count, init=False)

    def empty(self) -> str:
        """Make a database."""
        return self.cluster.fresh(f"shelf_{next(self._numbers)}")

    def copy(self, url: str) -> str:
        """Make a database from that one."""
        return self.cluster.fresh(f"shelf_{next(self._numbers)}", str(make_url(url).database))
