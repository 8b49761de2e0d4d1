"""Watch this machine and report deviations: the daemon, in the foreground. Service managers start this.

Prints what it finds first (one line per deviation, and one sentence that says how the device stands and why), then each
deviation as it opens and closes. Reports go to the endpoint of the settings, to the local journal and to a JSONL file in the
state folder. Ends in order on SIGTERM or Ctrl-C.

Exit status: 0 when told to stop, 2 when it could not start, 70 when a part of it could not be kept alive.
"""

import argparse
import logging
import sys
from collections.abc import Sequence

from agent.app.audience import Audience, ServiceManager
from agent.app.daemon import run_daemon
from agent.app.destinations import REPORTS
from agent.cli.options import Prepared, add_global, prepare
from agent.cli.places import UsageError
from agent.cli.text import check_lines, moment, one_line
from agent.core.documents import StatusDocument, plain
from agent.core.ledger import Change
from agent.service.systemd import notifier
from agent.store.journal import JOURNAL


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the verb's own options."""
    add_global(parser)
    parser.add_argument(
        "--quiet", action="store_true", help="print nothing on standard output; the log goes to standard error"
    )


def run(arguments: argparse.Namespace) -> int:
    """Run until told to stop."""
    return daemon(arguments, notifier(), quiet=arguments.quiet)


def daemon(arguments: argparse.Namespace, manager: ServiceManager, *, quiet: bool) -> int:
    """Run under a service manager until told to stop; quiet, only the log is written."""
    prepared = prepare(arguments)
    if prepared.target.root is not None:
        raise UsageError("run watches this very machine; --root goes with check and explain")
    if arguments.json:
        raise UsageError("run goes on and prints no document; --json goes with check, status and history")
    logging.basicConfig(format="%(levelname)s %(name)s: %(message)s", stream=sys.stderr, level=logging.WARNING)
    for problem in prepared.loaded.problems:
        print(f"settings: {problem}", file=sys.stderr)
    if not quiet:
        _tell_reports(prepared)
    audience = Audience(_quiet_first, _quiet_changes) if quiet else Audience(_tell_first, _tell_changes)
    return run_daemon(prepared.target, prepared.loaded, prepared.machine, prepared.paths, audience, manager)


def _tell_reports(prepared: Prepared) -> None:
    settings, state = prepared.loaded.settings, prepared.paths.state
    kept = [str(state / JOURNAL)]
    if settings.jsonl.enabled:
        kept.append(str(settings.jsonl.path or state / REPORTS))
    sent = [settings.endpoint.url] if settings.endpoint.url is not None else []
    sent += [item.name or item.kind for item in settings.destination]
    if sent:
        _say(f"Reports go to {', '.join(sent)} and are kept in {' and '.join(kept)}.")
    else:
        _say(f"No endpoint is configured: reports stay on this device, in {' and '.join(kept)}.")


def _tell_first(document: StatusDocument) -> None:
    for line in check_lines(plain(document.check)):
        _say(line)
    _say("Watching. Each deviation is printed as it opens and closes; Ctrl-C ends the agent.")


def _tell_changes(changes: Sequence[Change], document: StatusDocument | None) -> None:
    for change in changes:
        item = change.deviation
        text = f"{change.kind.value:<7}  {item.severity.value:<8}  {item.key.control}  {item.label}: {item.text}"
        _say(f"{moment(change.at)}  {one_line(text)}")
    if document is not None:
        _say(document.check.summary.why)


def _say(line: str) -> None:
    print(line, flush=True)


def _quiet_first(_document: StatusDocument) -> None:
    """Say nothing."""


def _quiet_changes(_changes: Sequence[Change], _document: StatusDocument | None) -> None:
    """Say nothing."""
