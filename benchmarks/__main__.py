"""`python -m benchmarks [NAME …]` runs the named benchmarks, or all; each prints a small table. README.md has the figures."""

import argparse
import importlib
import sys

BENCHMARKS = {
    "central": "the central endpoint under a fleet of 100,000, on SQLite and PostgreSQL (about 15 minutes)",
    "check": "one complete check of 20 users x 6 clients x 20 projects, in a process of its own",
    "frozen": "the frozen program: start-up, and memory of the daemon (2 minutes; `make freeze` first)",
    "idle": "memory and processor time of the idle daemon among 700 processes, beside a poll per second (90 s)",
    "journal": "findings into the journal, reports to a receiver, bytes of a quiet day, time of status",
    "look": "one look at 50 users x 80 clients x 200 projects, cold and warm (some minutes)",
    "latency": "from saving a configuration file to the committed deviation, over 60 saves (a minute)",
    "launches": "running servers: start to committed deviation, short-lived ones in a storm, cost beside polls (4 minutes, root)",
    "managed": "one sweep of the managed sources for 20 users; from a change to the committed deviation (1 minute)",
    "pages": "what people ask of a fleet of 30,000 with eight servers each, on SQLite and PostgreSQL (2 minutes)",
    "peers": "one inspection of 20 users, beside PyPI snyk-agent-scan on the same machine (a minute, and its installation)",
    "policy": "one verdict of the policy engine",
    "processes": "one sweep of the process table",
}
"""Every benchmark: a module of this folder with `main()`, and what it measures."""


def main() -> None:
    """Run what was asked for."""
    listed = "\n".join(f"  {name:<10} {text}" for name, text in BENCHMARKS.items())
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks", epilog=listed, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("names", nargs="*", choices=[*BENCHMARKS, []], metavar="NAME", help="all, if none is given")
    names = parser.parse_args().names or BENCHMARKS
    for name in names:
        sys.argv = [name]  # some take a number when they are run by themselves
        print(f"== {name}: {BENCHMARKS[name]}")
        importlib.import_module(f"benchmarks.{name}").main()


if __name__ == "__main__":
    main()
