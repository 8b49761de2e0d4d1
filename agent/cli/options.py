"""What every verb understands: the global options, read into what the verb works on, and what is wrong with them."""

import argparse
import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from agent.app.looking import Target
from agent.cli.places import UsageError, add_settings, places
from agent.config.settings import Loaded, load
from agent.core.place import Os
from agent.host.machine import Machine, OwnPaths

_VERSION = re.compile(r"\d+\.\d+\.\d+")
_VARIABLE = re.compile(r"[^=]+=.*", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Own:
    """The agent itself on this machine: its settings with their problems, and its places."""

    machine: Machine
    loaded: Loaded
    paths: OwnPaths


@dataclass(frozen=True, slots=True)
class Prepared(Own):
    """What a verb that looks works on."""

    target: Target


def add_global(parser: argparse.ArgumentParser) -> None:
    """Add the global options to a verb's parser."""
    group = parser.add_argument_group("where to look, and as what")
    group.add_argument(
        "--root",
        metavar="DIR",
        help="look at the file system below DIR instead of this machine's; processes and live stores are left out",
    )
    group.add_argument(
        "--os",
        choices=("linux", "macos", "windows"),
        help="what system DIR holds (default: this machine's); for windows DIR stands for C:\\",
    )
    group.add_argument("--user", action="append", default=[], metavar="NAME", help="only this user (repeatable)")
    group.add_argument(
        "--project",
        action="append",
        default=[],
        metavar="DIR",
        help="a project folder besides those that the clients know of; a path inside the examined root (repeatable)",
    )
    group.add_argument(
        "--client-version", metavar="X.Y.Z", help="the Claude Code version whose rules apply when none can be read"
    )
    group.add_argument(
        "--client-env",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="what the client's environment holds, for ${NAME} in rules and servers (repeatable)",
    )
    group.add_argument(
        "--client-env-complete", action="store_true", help="nothing else is set in the client's environment"
    )
    add_settings(parser)


def prepare(arguments: argparse.Namespace) -> Prepared:
    """Return what the global options of a parsed command line say, with the settings read.

    Raises:
        UsageError: a value is not what it should be.
    """
    target = _target(arguments)
    own = own_places(arguments)
    return Prepared(own.machine, own.loaded, own.paths, target)


def own_places(arguments: argparse.Namespace) -> Own:
    """Return the agent's settings and places on this machine.

    Raises:
        UsageError: the settings file that was asked for is not there.
    """
    machine, paths = places(arguments)
    loaded = load(paths.settings, os.environ)
    return Own(machine, loaded, OwnPaths(paths.settings, loaded.settings.state_folder or paths.state))


def _target(arguments: argparse.Namespace) -> Target:
    root = Path(arguments.root) if arguments.root is not None else None
    if root is not None and not root.is_dir():
        raise UsageError(f"--root {root}: there is no such folder")
    if arguments.os and root is None:
        raise UsageError("--os says what an examined root holds: give --root DIR with it")
    version = arguments.client_version
    if version is not None and not _VERSION.fullmatch(version):
        raise UsageError(f"--client-version {version}: three numbers are wanted, such as 2.1.330")
    for variable in arguments.client_env:
        if not _VARIABLE.fullmatch(variable):
            raise UsageError(f"--client-env {variable.partition('=')[0]}: NAME=VALUE is wanted")
    return Target(
        root=root.resolve() if root else None,
        os=cast("Os | None", arguments.os),
        users=tuple(arguments.user),
        projects=tuple(arguments.project),
        client_version=version,
        client_env=dict(variable.split("=", 1) for variable in arguments.client_env),
        client_env_complete=arguments.client_env_complete,
    )
