"""The page for readers says what the rows say."""

from pathlib import Path

from agent.catalog.rows import catalog
from agent.catalog.table import coverage_table

PAGE = Path(__file__).parents[2] / "docs" / "clients.md"


def test_the_page_of_clients_is_current() -> None:
    assert PAGE.read_text("utf-8") == coverage_table(catalog())


def test_the_page_names_every_client_and_every_place() -> None:
    page = coverage_table(catalog())
    for row in catalog().rows:
        assert f"(`{row.id}`)" in page
        for file in row.file:
            assert all(f"| `{template}` |" in page for templates in file.path.values() for template in templates)
