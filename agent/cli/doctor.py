"""Can the agent do its work here? A table of self-checks, each ok, FAILING, or could not run, with what to do.

It looks at settings, rights, the managed folder, the process table, process events, change notifications, the journal, the
endpoint and the running agent. "could not run" means that the check itself was not possible, which says nothing about the
thing it checks.

Exit status: 0 every check is ok, 1 one fails, 2 none fails and one could not run.
"""

import argparse
import json
import sys
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

from agent.app.diagnosis import Result, diagnose
from agent.cli.bundle import write_bundle
from agent.cli.options import own_places
from agent.cli.places import add_settings
from agent.cli.terminal import Table, show

_SHOWN = {"ok": "ok", "failing": "FAILING", "not-run": "could not run"}


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the verb's own options."""
    add_settings(parser)
    parser.add_argument(
        "--bundle",
        metavar="FILE",
        type=Path,
        help="also write an archive (.tar.gz) for support: checks, status, settings and history, redacted",
    )


def run(arguments: argparse.Namespace) -> int:
    """Run every check."""
    own = own_places(arguments)
    results = diagnose(own.machine, own.loaded, own.paths)
    if arguments.bundle is not None:
        write_bundle(arguments.bundle, own, results)
        print(f"Written for support: {arguments.bundle}", file=sys.stderr)
    if arguments.json:
        json.dump({"checks": [asdict(result) for result in results]}, sys.stdout)
        sys.stdout.write("\n")
    else:
        show(_lines(results), [_table(results)])
    return _status(results)


def _lines(results: tuple[Result, ...]) -> Iterator[str]:
    for result in results:
        yield f"{_SHOWN[result.state]:<14} {result.name:<15} {result.text}"
        if result.remedy:
            yield f"{'':<30} {result.remedy}"


def _table(results: tuple[Result, ...]) -> Table:
    columns = ("is", "check", "what was found", "what to do")
    return Table(columns, tuple((_SHOWN[one.state], one.name, one.text, one.remedy) for one in results))


def _status(results: tuple[Result, ...]) -> int:
    states = {result.state for result in results}
    if "failing" in states:
        return 1
    return 2 if "not-run" in states else 0
