"""Windows: what the installer and the service control manager start, and people need not. `service run|setup|teardown`.

  run       the daemon as a Windows service; the service control manager starts it
  setup     folders that only administrators write, the settings that the installer was given, restarts after a failure
  teardown  wait until the daemon has ended; with --purge 1 remove settings and state

Exit status: 0 done, or told to stop; 1 a step of it failed; 2 it could not start.
"""

import argparse
import logging
import sys
from logging.handlers import RotatingFileHandler
from pathlib import Path

from agent.cli.options import add_global
from agent.cli.places import UsageError

log = logging.getLogger(__name__)

_LOG, _LOG_BYTES = "agent.log", 1 << 20


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the verb's own options."""
    parser.add_argument("action", choices=("run", "setup", "teardown"), metavar="run|setup|teardown")
    parser.add_argument("--endpoint", metavar="URL", default="", help="setup: address that takes the reports")
    parser.add_argument(
        "--token", metavar="T", default="", help="setup: its bearer token; kept where no user can read it"
    )
    parser.add_argument("--purge", metavar="1", default="", help="teardown: remove settings and state too")
    add_global(parser)


def run(arguments: argparse.Namespace) -> int:
    """Do what the action says."""
    if sys.platform == "win32":
        return _on_windows(arguments)
    raise UsageError("Windows has this verb alone; systemd and launchd start `mcp-compliance run --quiet`")


if sys.platform == "win32":
    from agent.cli.places import places
    from agent.cli.run import daemon
    from agent.core.own_places import NAME
    from agent.core.refusal import CannotStart
    from agent.runtime.supervisor import EXIT_FAILED
    from agent.service.manager_windows import ServiceControl
    from agent.service.setup_windows import (
        SetupError,
        be_a_good_guest,
        hold_folders,
        hold_recovery,
        tear_down,
        write_settings,
    )

    def _on_windows(arguments: argparse.Namespace) -> int:
        _machine, paths = places(arguments)
        try:
            if arguments.action == "teardown":
                tear_down(paths.settings, paths.state, purge=bool(arguments.purge))
                return 0
            hold_folders(paths.settings, paths.state)
            if arguments.action == "run":
                return _serve(arguments, paths.state / _LOG)
            write_settings(paths.settings, arguments.endpoint, arguments.token)
            hold_recovery(NAME)
        except SetupError as error:
            print(f"mcp-compliance service {arguments.action}: {error}", file=sys.stderr)
            return 1
        return 0

    def _serve(arguments: argparse.Namespace, file: Path) -> int:
        """Serve, with everything that would go to standard error, which a service has not, in a file."""
        handler = RotatingFileHandler(file, maxBytes=_LOG_BYTES, backupCount=1, encoding="utf-8", delay=True)
        logging.basicConfig(
            format="%(asctime)s %(levelname)s %(name)s: %(message)s", level="WARNING", handlers=[handler]
        )
        be_a_good_guest()
        control = ServiceControl(NAME)
        try:
            return control.serve(lambda: daemon(arguments, control, quiet=True))
        except CannotStart as error:
            log.critical("%s", error)
            raise
        except Exception:
            log.exception("the service ends")
            return EXIT_FAILED
