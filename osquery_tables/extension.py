"""The osquery extension: registers the tables with osqueryd and answers for them, until osqueryd is gone.

osqueryd starts it (`--extensions_autoload`) with `--socket`, `--timeout` and `--interval`; the protocol is Thrift over a
socket or pipe (https://osquery.readthedocs.io/en/stable/development/osquery-sdk/), spoken by the library of the osquery project.
"""

import argparse
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import osquery
from osquery.extensions.ttypes import ExtensionException

from agent import __version__
from agent.core.own_places import PLACES
from agent.core.place import Os
from agent.core.tables import TABLES, Column, Table
from osquery_tables.rows import Status, Wanted, text

NAME = "mcp_compliance"
_EQUALS = 2
_ADDITIONAL = "4"
"""ColumnOptions::ADDITIONAL: without an option a column's constraints never reach the extension (osquery, virtual_table.cpp)."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve until osqueryd ends; return 1 where there is no osqueryd to serve."""
    parser = argparse.ArgumentParser("mcp-compliance-osquery", description=__doc__, allow_abbrev=False)
    parser.add_argument("--state-folder", type=Path, default=_state_folder(), help="where the agent keeps its status")
    known, rest = parser.parse_known_args(arguments)
    sys.argv = [sys.argv[0], *rest]  # the library reads what osqueryd gives from here
    status = Status(known.state_folder)
    for table in TABLES:
        osquery.register_plugin(plugin(table, status))
    try:
        osquery.start_extension(name=NAME, version=__version__)
    except ExtensionException as error:
        print(f"osqueryd did not take the extension: {error.message}", file=sys.stderr)  # noqa: T201 - a program's word
        return 1
    print("No osqueryd listens on the extension socket.", file=sys.stderr)  # noqa: T201 - a program's word
    return 1


def plugin(table: Table, status: Status) -> type[osquery.TablePlugin]:
    """Return the class that answers for `table`; the library makes the one object of it."""

    class Plugin(osquery.TablePlugin):  # type: ignore[misc] # the library has no types
        def name(self) -> str:
            return table.name

        def columns(self) -> list[osquery.TableColumn]:
            return [osquery.TableColumn(name=column.name, type=column.type) for column in table.columns]

        def routes(self) -> list[dict[str, str]]:
            return [_route(column) for column in table.columns]

        def generate(self, context: Mapping[str, Any]) -> list[dict[str, str]]:
            rows = status.rows(table, wanted(table, context))
            return [{name: str(text(value)) for name, value in row.items() if value is not None} for row in rows]

    return Plugin


def wanted(table: Table, context: Mapping[str, Any]) -> Wanted:
    """Return the values that a query asks for in the columns of `table` that filter."""
    filters = {column.name for column in table.columns if column.filters}
    asked: dict[str, set[str]] = {}
    for constraint in context.get("constraints") or ():
        if constraint.get("name") not in filters:
            continue
        terms = [term for term in constraint.get("list") or () if isinstance(term, dict)]
        values = {str(term.get("expr")) for term in terms if int(term.get("op", 0)) == _EQUALS}
        if values:
            asked[constraint["name"]] = values
    return asked


def _route(column: Column) -> dict[str, str]:
    return {"id": "column", "name": column.name, "type": column.type, "op": _ADDITIONAL if column.filters else "0"}


def _state_folder() -> Path:
    system: Os = "windows" if sys.platform == "win32" else "macos" if sys.platform == "darwin" else "linux"
    return Path(PLACES[system].state)
