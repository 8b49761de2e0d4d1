"""A migrated database for each test, on SQLite and on PostgreSQL: as one that was made once.

Without PostgreSQL on the machine the tests run on SQLite alone, and the summary says so.
"""

from collections.abc import Iterator

import pytest
from sqlalchemy import Engine

from central.store.engine import engine_of
from central.store.migrating import migrate
from tests.sim.postgres import Cluster, program, throwaway
from tests.sim.shelf import PostgresShelf, Shelf, SqliteShelf


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    if program("initdb") is None:
        terminalreporter.write_line(
            "PostgreSQL is not installed here: the central endpoint was tested on SQLite alone"
            " (Debian: apt install postgresql)"
        )


@pytest.fixture(scope="session")
def cluster() -> Iterator[Cluster]:
    """A PostgreSQL for the whole run; what is tested about durability starts one of its own."""
    if program("initdb") is None:
        pytest.skip("PostgreSQL is not installed here")
    with throwaway("fsync=off", "synchronous_commit=off", "full_page_writes=off", "autovacuum=off") as running:
        yield running


@pytest.fixture(scope="session", params=["sqlite", "postgresql"])
def shelf(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Shelf:
    if request.param == "postgresql":
        return PostgresShelf(request.getfixturevalue("cluster"))
    return SqliteShelf(tmp_path_factory.mktemp("central"))


@pytest.fixture(scope="session")
def made(shelf: Shelf) -> str:
    """The URL of a database with the newest schema, to copy."""
    url = shelf.empty()
    engine = engine_of(url)
    migrate(engine)
    engine.dispose()
    return url


@pytest.fixture
def database(shelf: Shelf, made: str) -> Iterator[str]:
    """The URL of a database that has the newest schema and nothing in it."""
    with shelf.lent(made) as url:
        yield url


@pytest.fixture
def engine(database: str) -> Iterator[Engine]:
    engine = engine_of(database)
    yield engine
    engine.dispose()
