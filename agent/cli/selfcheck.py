"""Is this program whole? Loads everything that it consists of, and prints how many there are of each kind.

It looks at nothing on this machine and sends nothing. A frozen program knows what it was built with, and says what it misses.

Exit status: 0 everything loads, 1 something is missing.
"""

import argparse
import json
import sys
from dataclasses import asdict
from typing import TYPE_CHECKING

from agent import __version__
from agent.cli.text import one_line

if TYPE_CHECKING:
    from agent.app.inventory import Part


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the verb's own options."""
    parser.add_argument("--json", action="store_true", help="print one JSON document on standard output")


def run(arguments: argparse.Namespace) -> int:
    """Load everything."""
    try:
        from agent.app.inventory import inventory  # noqa: PLC0415 - what it imports may be what is missing
    except ImportError as error:
        print(one_line(f"MISSING  {error}"), file=sys.stderr)
        return 1
    parts = inventory()
    whole = all(part.whole for part in parts)
    if arguments.json:
        json.dump(_document(parts, whole=whole), sys.stdout)
        sys.stdout.write("\n")
    else:
        for part in parts:
            print(_line(part))
        print("Everything is there." if whole else "This program is not whole: install it anew.")
    return 0 if whole else 1


def _document(parts: "tuple[Part, ...]", *, whole: bool) -> dict[str, object]:
    return {
        "schema": "mcp-compliance/selfcheck/1",
        "agent_version": __version__,
        "frozen": bool(getattr(sys, "frozen", False)),
        "whole": whole,
        "parts": [{**asdict(part), "whole": part.whole} for part in parts],
    }


def _line(part: "Part") -> str:
    if part.count is None:
        return one_line(f"MISSING  {part.name}: {part.problem}")
    lost = "" if part.whole else f"   MISSING: there were {part.expected} when it was built"
    return f"{part.count:>7}  {part.name}{lost}"
