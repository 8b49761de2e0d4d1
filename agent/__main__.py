"""The program: what people and service managers call, and the parts that the daemon starts as processes of their own."""

import importlib
import sys

PARTS = {"listener": "agent.app.listener"}
"""The modules, each with `main()`, of the parts. A part imports only what it needs: it is there all day beside the daemon."""


def entry() -> None:
    """Run as the program, or as the part of it that the one word of the command line names."""
    part = PARTS.get(sys.argv[1]) if len(sys.argv) == 2 else None  # noqa: PLR2004 - the program and the word
    module = importlib.import_module(part or "agent.cli.main")
    sys.exit(module.main() if part else module.main(sys.argv[1:]))


if __name__ == "__main__":
    entry()
