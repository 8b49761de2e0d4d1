"""Write the history of deviations for other programs: JSON lines (default) or CSV, to standard output or a file.

It reads the agent's journal and needs the rights of an administrator. Everything in it was redacted before it was stored.

Exit status: 0 written, 2 the journal cannot be read or the file cannot be written.
"""

import argparse
import csv
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, TextIO

from agent.cli.history import add_since, recorded, row
from agent.cli.places import add_settings
from agent.ports import CannotStart

_COLUMNS = ("first_seen", "closed_at", "severity", "control", "subject", "label", "user", "client", "title", "text")


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the verb's own options."""
    add_settings(parser)
    add_since(parser)
    parser.add_argument("--format", choices=("jsonl", "csv"), default="jsonl", help="how to write it (default: jsonl)")
    parser.add_argument("--output", metavar="FILE", type=Path, help="where to write it (default: standard output)")


def run(arguments: argparse.Namespace) -> int:
    """Write the history."""
    rows = [row(record) for record in recorded(arguments)]
    write = _csv if arguments.format == "csv" else _jsonl
    if arguments.output is None:
        write(rows, sys.stdout)
        return 0
    try:
        with arguments.output.open("w", encoding="utf-8", newline="") as stream:
            write(rows, stream)
    except OSError as error:
        raise CannotStart(f"{arguments.output} cannot be written: {error.strerror}") from None
    return 0


def _jsonl(rows: Sequence[dict[str, Any]], stream: TextIO) -> None:
    stream.writelines(json.dumps(item) + "\n" for item in rows)


def _csv(rows: Sequence[dict[str, Any]], stream: TextIO) -> None:
    writer = csv.DictWriter(stream, _COLUMNS, extrasaction="ignore")
    writer.writeheader()
    writer.writerows({name: _inert(value) for name, value in item.items()} for item in rows)


def _inert(value: object) -> object:
    """Return `value` so that a spreadsheet takes it for text: a server's name must not be a formula."""
    return f"'{value}" if isinstance(value, str) and value.startswith(("=", "+", "-", "@", "\t", "\r")) else value
