"""What a PostgreSQL that distributes tables over machines (Citus) demands of those that it shards by device.

Its rules, by its documentation: every unique index holds the column that is sharded by, and foreign keys lead to tables that are
sharded alike. They are asked of the database, as the migrations made it.
"""

import re
from pathlib import Path

import pytest
from sqlalchemy import Engine, text

from central.store.engine import reading
from central.store.schema import metadata

README = Path("packaging/central/README.md").read_text()

_UNIQUE = """
    SELECT t.relname, i.relname, a.attname
    FROM pg_index x JOIN pg_class t ON t.oid = x.indrelid JOIN pg_class i ON i.oid = x.indexrelid
    JOIN pg_attribute a ON a.attrelid = t.oid AND a.attnum = x.indkey[0]
    WHERE x.indisunique AND t.relnamespace = 'public'::regnamespace AND NOT t.relispartition
"""
_FOREIGN = "SELECT conname FROM pg_constraint WHERE contype = 'f' AND connamespace = 'public'::regnamespace"

on_postgresql = pytest.mark.parametrize("shelf", ["postgresql"], indirect=True)


def documented() -> set[str]:
    """Return the tables that the README shards."""
    (named,) = re.findall(r"create_distributed_table.*?ARRAY\[(.*?)\]", README, re.DOTALL)
    return set(re.findall(r"'(\w+)'", named))


def test_every_table_of_which_each_key_begins_with_the_device_is_in_the_readme() -> None:
    assert documented() == {
        table.name for table in metadata.tables.values() if next(iter(table.primary_key)).name == "device"
    }


@on_postgresql
def test_of_a_sharded_table_every_unique_index_begins_with_the_device(engine: Engine) -> None:
    with reading(engine) as connection:
        found = [tuple(row) for row in connection.execute(text(_UNIQUE)) if row[0] in documented()]
    assert {table for table, _, _ in found} == documented()
    assert {column for _, _, column in found} == {"device"}, found


@on_postgresql
def test_no_foreign_key_leads_from_shard_to_shard(engine: Engine) -> None:
    with reading(engine) as connection:
        assert list(connection.execute(text(_FOREIGN)).scalars()) == []
