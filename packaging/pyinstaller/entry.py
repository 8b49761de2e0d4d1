"""Where the frozen program begins."""

from agent.cli.main import entry

entry()
