"""`mcp-compliance-central`: finds the verb, hands it the options, turns what went wrong into one line and an exit status.

Exit status: 0 done, 1 the answer is no (nothing found, not compliant), 2 could not be done.
"""

import argparse
import importlib
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType

from agent import __version__
from agent.core.refusal import CannotStart

VERBS = {
    "serve": "receive reports, answer the help desk, feed the SOC",
    "trial": "the whole chain on this machine: the endpoint on loopback, and this machine's agent enrolled with it",
    "device": "how a device stands, why, since when, what to tell its user, what IT must do",
    "person": "who may sign in to the pages: add, list, role, password, link, remove",
    "token": "tokens of other programs: make, list, revoke",
    "enrolment-key": "the organisation's keys by which devices are let in: make, list, revoke",
    "revoke": "refuse what a device sends from now on",
    "readmit": "let a device in again, with a new credential",
    "openapi": "print the API as an OpenAPI document",
}
"""Every verb with its one-line help; each is a module `central.cli.<verb>` with `configure(parser)` and `run(arguments)`."""


def entry() -> None:
    """Run as the installed command."""
    sys.exit(main(sys.argv[1:]))


def main(argv: Sequence[str]) -> int:
    """Carry out one command line and return its exit status."""
    verb = next((word for word in argv if word in VERBS), None)
    parser, module = _parser(verb)
    arguments = parser.parse_args(argv)
    if module is None:
        parser.error("which verb?")
    try:
        status: int = module.run(arguments)
    except CannotStart as error:
        print(f"mcp-compliance-central {arguments.verb}: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 128 + signal.SIGINT
    return status


def _parser(wanted: str | None) -> tuple[argparse.ArgumentParser, ModuleType | None]:
    """Return the parser; only the wanted verb's module is imported, so that `device` answers fast."""
    parser = argparse.ArgumentParser(
        prog="mcp-compliance-central",
        description="The central endpoint of mcp-compliance-agent.",
        epilog="`mcp-compliance-central VERB --help` tells more.",
    )
    parser.add_argument("--version", action="version", version=f"%(prog)s {__version__}")
    parser.add_argument("--settings", type=Path, metavar="FILE", help="settings file instead of the system's")
    verbs = parser.add_subparsers(metavar="VERB", dest="verb", required=True)
    found: ModuleType | None = None
    for name, text in VERBS.items():
        verb = verbs.add_parser(name, help=text, formatter_class=argparse.RawDescriptionHelpFormatter)
        if name == wanted:
            found = importlib.import_module(f"central.cli.{name.replace('-', '_')}")
            verb.description = found.__doc__
            found.configure(verb)
    return parser, found
