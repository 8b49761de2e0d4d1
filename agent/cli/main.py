"""`mcp-compliance`: finds the verb, hands it the options, turns what went wrong into one line and an exit status.

Exit status of every verb: 0 compliant, 1 at least one open deviation of severity medium or above, 2 the question could not be
answered. `explain`: 0 allowed, 1 blocked, 2 undetermined.
"""

import argparse
import importlib
import os
import signal
import sys
from collections.abc import Sequence
from types import ModuleType

from agent import __version__
from agent.cli.places import UsageError
from agent.core.refusal import CannotStart

UNANSWERED = 2
VERBS = {
    "run": "watch this machine and report deviations, in the foreground",
    "check": "look at this machine once and say how it stands",
    "status": "the running agent's last word; never scans",
    "history": "what happened on this device: deviations that opened and closed",
    "export": "the same for other programs, as JSON lines or CSV",
    "explain": "why one server is allowed or blocked, and what would change it",
    "policy": "weaknesses of a managed policy before or after it is deployed: `policy lint [FILE…]`",
    "baseline": "the signed record of what the managed files must be: `baseline create|sign|verify`",
    "doctor": "can the agent read, watch, store and reach its endpoint?",
    "service": "Windows: what the installer and the service control manager start",
    "selfcheck": "is this program whole? loads everything that it consists of",
    "schema": "the JSON Schema of a published document",
}
"""Every verb with its one-line help; each is a module `agent.cli.<verb>` with `configure(parser)` and `run(arguments)`."""


def entry() -> None:
    """Run as the installed command."""
    sys.exit(main(sys.argv[1:]))


def main(argv: Sequence[str]) -> int:
    """Carry out one command line and return its exit status."""
    verb = next((word for word in argv if word in VERBS), None)
    parser, module = _parser(verb)
    arguments = parser.parse_args(argv)
    if module is None:
        parser.print_help()
        return UNANSWERED
    try:
        status: int = module.run(arguments)
    except (UsageError, CannotStart) as error:
        print(f"mcp-compliance {verb}: {error}", file=sys.stderr)
        return UNANSWERED
    except KeyboardInterrupt:
        return 128 + signal.SIGINT
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # the reader went away; nothing more to say
        return 128 + 13
    return status


def _parser(wanted: str | None) -> tuple[argparse.ArgumentParser, ModuleType | None]:
    """Return the parser; only the wanted verb's module is imported, so that `status` starts fast."""
    parser = argparse.ArgumentParser(
        prog="mcp-compliance",
        description="Does the organisation's MCP policy really bind on this machine?",
        epilog="`mcp-compliance VERB --help` tells more. Exit status: 0 compliant, 1 deviating, 2 not answered.",
    )
    parser.add_argument("--version", action="version", version=f"%(prog)s {__version__}")
    verbs = parser.add_subparsers(metavar="VERB", dest="verb")
    found: ModuleType | None = None
    for name, text in VERBS.items():
        verb = verbs.add_parser(name, help=text, formatter_class=argparse.RawDescriptionHelpFormatter)
        if name == wanted:
            found = importlib.import_module(f"agent.cli.{name}")
            verb.description = found.__doc__
            found.configure(verb)
    return parser, found
