"""Where the agent's own files are on this machine, found without reading more than that; and the options that every verb has."""

import argparse
import os
from pathlib import Path

from agent.config.files import read_written, written_state_folder
from agent.host.machine import Machine, OwnPaths, own_paths, this_machine


class UsageError(Exception):
    """The call cannot be carried out; the message is one line that says what is wrong and what would be right."""


def add_settings(parser: argparse.ArgumentParser) -> None:
    """Add the options that every verb has."""
    parser.add_argument("--settings", metavar="FILE", help="settings file in place of the system's")
    parser.add_argument(
        "--json", action="store_true", help="print one JSON document on standard output and nothing else there"
    )


def places(arguments: argparse.Namespace) -> tuple[Machine, OwnPaths]:
    """Return this machine, and where the agent's files are on it.

    Raises:
        UsageError: the settings file that was asked for is not there.
    """
    machine = this_machine()
    paths = own_paths(machine)
    settings = Path(arguments.settings) if arguments.settings else paths.settings
    if arguments.settings and not settings.exists():
        raise UsageError(f"--settings {settings}: there is no such file")
    state = written_state_folder(read_written(settings, os.environ)) or paths.state
    return machine, OwnPaths(settings, state)
