"""A migrated database for each test, SQLite and PostgreSQL in turn: a copy of one that was made once.

Without PostgreSQL on the machine the tests run on SQLite alone, and the summary says so.
"""

import itertools
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine

from central.store.engine import engine_of
from central.store.migrating import migrate
from tests.sim.postgres import Cluster, program, throwaway

_MADE = "made"
_numbers = itertools.count(1)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    if program("initdb") is None:
        terminalreporter.write_line(
            "PostgreSQL is not installed here: the central endpoint was tested on SQLite alone"
            " (Debian: apt install postgresql)"
        )


@pytest.fixture(scope="session")
def cluster() -> Iterator[Cluster]:
    """A PostgreSQL for the whole run. What is tested about durability starts one of its own."""
    if program("initdb") is None:
        pytest.skip("PostgreSQL is not installed here")
    with throwaway("fsync=off") as running:
        yield running


@pytest.fixture(scope="session")
def made_sqlite(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("central") / "made.sqlite"
    _made(f"sqlite:///{path}")
    return path


@pytest.fixture(scope="session")
def made_postgresql(cluster: Cluster) -> str:
    _made(cluster.fresh(_MADE))
    return _MADE


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of a database that has the newest schema and nothing in it."""
    if request.param == "postgresql":
        template: str = request.getfixturevalue("made_postgresql")
        running: Cluster = request.getfixturevalue("cluster")
        return running.fresh(f"test_{next(_numbers)}", template)
    path = tmp_path / "central.sqlite"
    shutil.copy(request.getfixturevalue("made_sqlite"), path)
    return f"sqlite:///{path}"


@pytest.fixture
def engine(database: str) -> Iterator[Engine]:
    engine = engine_of(database)
    yield engine
    engine.dispose()


def _made(url: str) -> None:
    engine = engine_of(url)
    migrate(engine)
    engine.dispose()
