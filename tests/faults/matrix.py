"""What was tried against the agent and what was lost: the table in `docs/faults.md`, made from the tests of this folder.

`python -m tests.faults.matrix` writes it anew; a test holds it to the tests.
"""

import importlib
import inspect
from collections.abc import Iterator
from pathlib import Path
from types import FunctionType, ModuleType

FOLDER = Path(__file__).parent
TABLE = FOLDER.parents[1] / "docs" / "faults.md"

LOST = {
    "test_a_damaged_file_is_set_aside_and_the_findings_are_established_anew": (
        "history and what still waited; what is open is told anew, and the loss itself is reported"
    ),
    "test_damage_while_it_is_open_costs_one_commit_and_the_next_one_starts_afresh": (
        "history and what still waited; what is open is told anew, and the loss itself is reported"
    ),
    "test_a_journal_without_room_keeps_its_bound_and_lets_alerts_outlive_the_rest": (
        "the oldest reports, alerts last; every one counted by reason and reported"
    ),
}
"""What a fault costs, where it costs anything; by the name of its test."""

_HEAD = """# Faults

What is tried against the agent in `tests/faults/`, and what it costs. Made from the tests by `make docs`, not by hand.

Where a fault is tried in several ways, each is a test of its own.

"""


def table() -> str:
    """Return the whole document."""
    parts = [_HEAD.rstrip("\n")]
    for path in sorted(FOLDER.glob("test_*.py")):
        module = importlib.import_module(f"tests.faults.{path.stem}")
        rows = [_row(test) for test in _tests(module)]
        if rows:
            said = " ".join((module.__doc__ or "").split("\n\n")[0].split())
            parts.append(f"## {path.stem.removeprefix('test_').replace('_', ' ').capitalize()}\n\n{said}\n")
            parts.append("| tried | ways | lost |\n|---|---|---|\n" + "\n".join(rows))
    return "\n\n".join(part.rstrip("\n") for part in parts) + "\n"


def _tests(module: ModuleType) -> Iterator[FunctionType]:
    for name, member in inspect.getmembers(module, inspect.isfunction):
        if name.startswith("test_") and member.__module__ == module.__name__:
            yield member


def _row(test: FunctionType) -> str:
    ways = []
    for mark in getattr(test, "pytestmark", ()):
        if mark.name == "parametrize":
            ways += [_way(value) for value in mark.args[1]]
    sentence = test.__name__.removeprefix("test_").replace("_", " ")
    return f"| {sentence} | {', '.join(ways) or '1'} | {LOST.get(test.__name__, 'nothing')} |"


def _way(value: object) -> str:
    return str(value).replace("|", "\\|") if isinstance(value, str | int | float) else type(value).__name__


def main() -> None:
    """Write the document."""
    TABLE.write_text(table(), encoding="utf-8")


if __name__ == "__main__":
    main()
