"""A terminal gets colour and tables, anything else plain lines.

`rich` is imported where a person looks and nowhere else: pipes, MDM scripts and the daemon never pay for it. It honours NO_COLOR
(https://no-color.org), the width of the terminal, and consoles of Windows that know no escape sequences.
"""

import os
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from agent.status.helpdesk import one_line

STYLES: Mapping[str, str] = {
    "critical": "bold red",
    "high": "red",
    "medium": "yellow",
    "low": "cyan",
    "info": "dim",
    "COMPLIANT": "bold green",
    "DEVIATING": "bold red",
    "UNKNOWN": "bold yellow",
    "ok": "green",
    "FAILING": "bold red",
    "could not run": "yellow",
    "opened": "red",
    "closed": "green",
    "allowed": "green",
    "blocked": "red",
    "undetermined": "yellow",
}
"""How a cell looks that holds exactly this word, or begins with it; every other cell is plain."""


@dataclass(frozen=True, slots=True)
class Table:
    """Rows under headings; without headings the first column is of labels."""

    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


def show(plain: Iterable[str], parts: Iterable[str | Table]) -> None:
    """Print `parts` where standard output is a terminal, the lines of `plain` elsewhere."""
    if not on_terminal():
        for line in plain:
            print(one_line(line))
        return
    from rich.console import Console  # noqa: PLC0415 - only where a person looks
    from rich.text import Text  # noqa: PLC0415

    console = Console(highlight=False, markup=False, emoji=False)
    for part in parts:
        if isinstance(part, str):
            console.print(Text(one_line(part)))
        elif part.rows:
            console.print(_rich(part))


def on_terminal() -> bool:
    """Say whether a person looks at standard output, on a terminal that can do more than print lines."""
    return sys.stdout.isatty() and os.environ.get("TERM") != "dumb"


def _rich(table: Table) -> object:
    from rich.box import SIMPLE_HEAD  # noqa: PLC0415 - as above
    from rich.table import Table as RichTable  # noqa: PLC0415
    from rich.text import Text  # noqa: PLC0415

    drawn = RichTable(box=SIMPLE_HEAD if table.columns else None, show_header=bool(table.columns), pad_edge=False)
    for number in range(len(table.rows[0])):
        label = not table.columns and number == 0
        heading = table.columns[number] if table.columns else ""
        drawn.add_column(heading, style="bold" if label else "", overflow="fold", no_wrap=label)
    for row in table.rows:
        drawn.add_row(*(Text(one_line(cell), style=_style(cell)) for cell in row))
    return drawn


def _style(cell: str) -> str:
    word = next((word for word in STYLES if cell == word or cell.startswith(f"{word} ")), None)
    return STYLES[word] if word is not None else ""
