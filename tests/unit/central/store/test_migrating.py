"""The migrations lead to the schema that the program works with, on each database, and copies that start together take turns."""

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Engine, select, text

from agent.core.refusal import CannotStart
from central.asking.folding import begins
from central.store import partitions
from central.store.engine import engine_of, reading, writing
from central.store.migrating import migrate, revision
from central.store.opening import NEWEST
from central.store.schema import SEARCH_INDEXES, devices, metadata, servers
from tests.sim.postgres import Cluster, program, throwaway


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    if program("initdb") is None:
        pytest.skip("PostgreSQL is not installed here")
    with throwaway() as running:
        yield running


@pytest.fixture(params=["sqlite", "postgresql"])
def empty(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Engine]:
    url = f"sqlite:///{tmp_path / 'empty.sqlite'}"
    if request.param == "postgresql":
        running: Cluster = request.getfixturevalue("cluster")
        url = running.fresh(f"t{abs(hash(tmp_path)) % 1_000_000}")
    engine = engine_of(url)
    yield engine
    engine.dispose()


@pytest.mark.filterwarnings("ignore:Skipped unsupported reflection of expression-based index")
def test_they_lead_to_the_schema_of_the_program(empty: Engine) -> None:
    assert revision(empty) is None
    migrate(empty)
    with reading(empty) as connection:
        context = MigrationContext.configure(connection, opts={"include_object": _not_for_searches})
        found = compare_metadata(context, metadata)
    assert found == []
    assert revision(empty) == NEWEST
    migrate(empty)
    assert revision(empty) == NEWEST


def _not_for_searches(_thing: object, name: str | None, kind: str, *_: object) -> bool:
    return kind != "index" or name not in SEARCH_INDEXES


def test_a_prefix_is_found_by_an_index(empty: Engine) -> None:
    migrate(empty)
    found = ((devices, "hostname"), (devices, "serial"), (servers, "user"))
    with reading(empty) as connection:
        for table, name in found:
            query = select(table.c.device).where(begins(connection, table.c[name], "Ab"))
            text_of = str(query.compile(connection, compile_kwargs={"literal_binds": True}))
            if connection.dialect.name == "sqlite":
                said = str(connection.execute(text(f"EXPLAIN QUERY PLAN {text_of}")).all())
            else:
                connection.execute(text("SET LOCAL enable_seqscan = off"))
                said = str(connection.execute(text(f"EXPLAIN {text_of}")).all())
            assert f"{table.name}_by_{name}" in said, said
            assert "Filter" not in said, said


def test_a_database_of_a_newer_program_is_left_alone(empty: Engine) -> None:
    migrate(empty)
    with writing(empty) as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(CannotStart, match="a newer program made"):
        migrate(empty)


def test_copies_that_start_together_make_schema_and_partitions_once(cluster: Cluster) -> None:
    url = cluster.fresh("together")
    failed: list[BaseException] = []

    def start() -> None:
        engine = engine_of(url)
        try:
            migrate(engine)
            for day in range(20_000, 20_004):
                with writing(engine) as connection:
                    partitions.prepare(connection, day)
        except BaseException as error:  # noqa: BLE001 - told below
            failed.append(error)
        finally:
            engine.dispose()

    copies = [threading.Thread(target=start) for _ in range(6)]
    for copy in copies:
        copy.start()
    for copy in copies:
        copy.join()
    assert failed == []
