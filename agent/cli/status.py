"""The running agent's last word: how this device stands, why, since when, and what to do.

It reads the status document that the agent writes and never scans. A document that is missing, broken or too old is an answer
of its own: unknown. --format exit prints nothing; --format json (or --json) prints the document whose schema is
`mcp-compliance schema status`.

Exit status: 0 compliant, 1 at least one open deviation of severity medium or above, 2 unknown.
"""

import argparse
import json
import sys
import time

from agent.cli.places import add_settings, places
from agent.cli.text import status_lines
from agent.status.document import Silent, read

STATUS = {"compliant": 0, "deviating": 1}


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the verb's own options."""
    add_settings(parser)
    parser.add_argument(
        "--format", choices=("text", "json", "exit"), default="text", help="how to print it (default: text)"
    )


def run(arguments: argparse.Namespace) -> int:
    """Print the last word."""
    chosen = "json" if arguments.json else arguments.format
    answer = read(places(arguments)[1].state, time.time())
    if isinstance(answer, Silent):
        if chosen == "json":
            json.dump({"schema": "mcp-compliance/status/1", "state": "unknown", "why": answer.text}, sys.stdout)
            sys.stdout.write("\n")
        elif chosen == "text":
            print(f"Unknown: {answer.text}")
        return 2
    if chosen == "json":
        json.dump(answer.document, sys.stdout)
        sys.stdout.write("\n")
    elif chosen == "text":
        for line in status_lines(answer.document, answer.age_s):
            print(line)
    return STATUS.get(answer.document["check"]["summary"]["state"], 2)
