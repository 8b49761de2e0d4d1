"""What the other tests lean on: each gets a database as it was made, whatever the ones before did to theirs."""

from pathlib import Path

import pytest
from sqlalchemy import MetaData, insert, inspect, text

from central.core.access import Role
from central.store import people
from central.store.engine import engine_of, reading, writing
from central.store.migrating import migrate
from central.store.schema import tallies
from tests.sim.fleet import Fleet
from tests.sim.postgres import Cluster
from tests.sim.reporter import NOW
from tests.sim.shelf import PostgresShelf

IS_PUT_BACK = "DELETE FROM audit"


def contents(url: str) -> dict[str, list[object]]:
    """Return the tables with their columns, indices and rows."""
    engine, found = engine_of(url), MetaData()
    found.reflect(engine)
    with reading(engine) as connection:
        held: dict[str, list[object]] = {name: [table.columns.keys()] for name, table in found.tables.items()}
        for name, table in found.tables.items():
            held[name] += [sorted(str(index["name"]) for index in inspect(connection).get_indexes(name))]
            held[name] += map(tuple, connection.execute(table.select()))
    engine.dispose()
    return held


@pytest.mark.filterwarnings("ignore:Skipped unsupported reflection")
@pytest.mark.parametrize(
    "besides",
    [IS_PUT_BACK, "ALTER TABLE audit ADD COLUMN more TEXT", "DROP INDEX servers_by_identity"],
)
def test_a_database_that_is_lent_is_as_it_was_made(cluster: Cluster, tmp_path: Path, besides: str) -> None:
    shelf = PostgresShelf(cluster, f"lent_{tmp_path.name}_")
    template = shelf.empty()
    engine = engine_of(template)
    migrate(engine)
    with writing(engine) as connection:
        people.add(connection, "sonja", Role.SOC, "test", NOW)
        connection.execute(insert(tallies), {"at": 1.0, "states": {"compliant": 1}})
    engine.dispose()
    before = contents(template)
    with shelf.lent(template) as url:
        assert contents(url) == before
        engine = engine_of(url)
        Fleet(engine, tmp_path, NOW).device("laptop-1", "ann")
        with writing(engine) as connection:
            people.end(connection, "sonja", NOW)
            connection.execute(text(besides))
        engine.dispose()
        assert contents(url) != before
    with shelf.lent(template) as again:
        assert contents(again) == before
        assert (again == url) is (besides == IS_PUT_BACK)
