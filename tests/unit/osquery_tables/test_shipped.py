"""Every shipped statement runs on the tables, and says about a good, a bad and a silent device what it should."""

import json
import re
import sqlite3
import time
from pathlib import Path

import pytest
import yaml

from agent.core.documents import StatusDocument, plain
from agent.core.tables import TABLES
from agent.status.tables import database
from osquery_tables.files import generated
from tests.sim.statuses import deviation, status

CHECKOUT = Path(__file__).resolve().parents[3]
SHIPPED = CHECKOUT / "osquery_tables" / "shipped"
POLICIES = yaml.safe_load((SHIPPED / "fleet-policies.yml").read_text())
PACK = json.loads((SHIPPED / "pack.json").read_text())


def tables(document: StatusDocument, *, text: bool) -> sqlite3.Connection:
    """Return the tables as the extension types them, or all as text, as automatic table construction has them."""
    source = sqlite3.connect(":memory:")
    source.deserialize(database(plain(document)))
    if not text:
        return source
    target = sqlite3.connect(":memory:")
    for table in TABLES:
        rows = source.execute(f"SELECT * FROM {table.name}").fetchall()
        target.execute(f"CREATE TABLE {table.name} ({', '.join(c.name + ' TEXT' for c in table.columns)})")
        target.executemany(f"INSERT INTO {table.name} VALUES ({', '.join('?' * len(table.columns))})", rows)
    source.close()
    return target


@pytest.fixture(params=[False, True], ids=["extension", "atc"])
def text(request: pytest.FixtureRequest) -> bool:
    return bool(request.param)


def passes(document: StatusDocument, *, text: bool) -> dict[str, bool]:
    database = tables(document, text=text)
    try:
        return {policy["name"]: bool(database.execute(policy["query"]).fetchall()) for policy in POLICIES}
    finally:
        database.close()


@pytest.mark.parametrize("path", generated())
def test_the_generated_files_are_up_to_date(path: str) -> None:
    assert (CHECKOUT / path).read_text(encoding="utf-8") == generated()[path], "run `make docs`"


@pytest.mark.parametrize("name", PACK["queries"])
def test_each_query_of_the_pack_runs(name: str, text: bool) -> None:  # noqa: FBT001 - a fixture
    database = tables(status("deviating", deviation("policy.missing"), written_at=time.time()), text=text)
    query = PACK["queries"][name]
    assert {"query", "interval", "description"} <= set(query)
    expected = name not in {"running_servers", "managed_files", "not_looked_at"}
    assert bool(database.execute(query["query"]).fetchall()) == expected
    database.close()


def test_a_good_device_passes_every_policy(text: bool) -> None:  # noqa: FBT001 - a fixture
    assert set(passes(status("compliant", written_at=time.time()), text=text).values()) == {True}


def test_a_silent_agent_passes_none(text: bool) -> None:  # noqa: FBT001 - a fixture
    assert set(passes(status("compliant", written_at=time.time() - 900), text=text).values()) == {False}


def test_an_unapproved_server_fails_its_policy_and_the_devices(text: bool) -> None:  # noqa: FBT001 - a fixture
    document = status("deviating", deviation("server.unapproved.running"), written_at=time.time())
    failing = [name for name, good in passes(document, text=text).items() if not good]
    assert failing == ["MCP - no unapproved server runs", "MCP - the device is compliant"]


def test_each_policy_tells_people_what_it_means_and_what_to_do() -> None:
    for policy in POLICIES:
        assert set(policy) == {"name", "query", "description", "resolution", "critical"}


OSQUERY_S_OWN = (
    "CREATE TABLE osquery_registry (registry TEXT, name TEXT, owner_uuid INTEGER, internal INTEGER, active INTEGER)",
    "INSERT INTO osquery_registry SELECT 'table', name, 0, 0, 1 FROM sqlite_master WHERE name LIKE 'mcp~_%' ESCAPE '~'",
    "CREATE TABLE managed_policies (domain TEXT, uuid TEXT, name TEXT, value TEXT, username TEXT, manual INTEGER)",
    "INSERT INTO managed_policies (domain) VALUES ('com.mcp-compliance.agent')",
)
"""Tables of osquery's that our statements ask besides ours, with the columns of its schema."""


def in_the_pages() -> set[str]:
    pages = [*CHECKOUT.glob("packaging/mdm/*/README.md"), CHECKOUT / "osquery_tables/README.md"]
    return {code for page in pages for code in re.findall(r"`(SELECT [^`]+)`", page.read_text())}


def test_every_other_statement_that_is_shipped_or_shown_finds_what_it_asks_for(text: bool) -> None:  # noqa: FBT001 - a fixture
    options = yaml.safe_load((SHIPPED / "fleet-agent-options.yml").read_text())
    statements = {*PACK["discovery"], *options["config"]["decorators"]["load"], *in_the_pages()}
    assert len(statements) > 3
    database = tables(status("compliant", written_at=time.time()), text=text)
    for statement in OSQUERY_S_OWN:
        database.execute(statement)
    for statement in statements:
        assert database.execute(statement).fetchall(), statement
    database.close()


def test_fleet_is_given_the_pack_and_the_tables_of_every_platform() -> None:
    queries = yaml.safe_load((SHIPPED / "fleet-queries.yml").read_text())
    assert [row["query"] for row in queries] == [row["query"] for row in PACK["queries"].values()]
    options = yaml.safe_load((SHIPPED / "fleet-agent-options.yml").read_text())
    for platform, given in options["overrides"]["platforms"].items():
        definition = json.loads((SHIPPED / f"atc-{platform}.json").read_text())
        assert given["auto_table_construction"] == definition["auto_table_construction"]
        assert given["decorators"] == options["config"]["decorators"], "an override takes the whole place"
    asked = yaml.safe_load((CHECKOUT / "packaging/mdm/fleet/agent.yml").read_text())
    named = [row["path"] for part in ("policies", "queries") for row in asked[part]] + [asked["agent_options"]["path"]]
    assert all((SHIPPED.parent / path).exists() for path in named)


def test_atc_asks_for_each_column_of_each_table_and_for_none_called_path() -> None:
    for system in ("linux", "darwin", "windows"):
        config = json.loads((SHIPPED / f"atc-{system}.json").read_text())["auto_table_construction"]
        assert sorted(config) == sorted(table.name for table in TABLES)
        database = tables(status(written_at=time.time()), text=False)
        for definition in config.values():
            cursor = database.execute(definition["query"])
            assert [column[0] for column in cursor.description] == definition["columns"]
            assert "path" not in definition["columns"]
            assert definition["path"].endswith("tables.db")
        database.close()
