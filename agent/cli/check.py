"""Look at this machine (or another root) once and say how it stands.

Prints the policy in force, one line per deviation, what could not be looked at, and one sentence that says how the device
stands and why. With --json it prints the document whose schema is `mcp-compliance schema check`. It changes nothing and
reports to nobody.

Exit status: 0 compliant, 1 at least one deviation of severity medium or above, 2 not answered (bad usage or settings, or a
look that could not be completed and no deviation found).
"""

import argparse
import json
import sys

from agent.app.looking import check
from agent.app.remembering import known_before
from agent.cli.options import add_global, prepare
from agent.cli.terminal import show
from agent.cli.text import check_lines, check_parts
from agent.core.documents import plain
from agent.host.machine import device_id

STATUS = {"compliant": 0, "deviating": 1, "unknown": 2}


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the verb's own options."""
    add_global(parser)


def run(arguments: argparse.Namespace) -> int:
    """Look once."""
    prepared = prepare(arguments)
    device = device_id(prepared.paths.state, create=False)
    document = check(
        prepared.target, prepared.loaded.settings, prepared.machine, device, known_before(prepared.paths.state)
    )
    for problem in prepared.loaded.problems:
        print(f"settings: {problem}", file=sys.stderr)
    if arguments.json:
        print(json.dumps(plain(document)))
    else:
        published = plain(document)
        show(check_lines(published), check_parts(published))
    return 2 if prepared.loaded.problems else STATUS[document.summary.state]
