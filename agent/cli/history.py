"""What happened on this device: every deviation that was open since a moment, with when it opened and closed.

It reads the agent's journal, which keeps 90 days, and needs the rights of an administrator.

Exit status: 0 printed, 2 the journal cannot be read.
"""

import argparse
import json
import re
import sys
import time
from collections.abc import Iterator
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

from agent.cli.places import UsageError, add_settings, places
from agent.cli.terminal import Table, show
from agent.core.deviation import Deviation
from agent.core.ledger import Record
from agent.core.moment import moment
from agent.ports import CannotStart, StoreError
from agent.status.helpdesk import span
from agent.status.word import state_folders
from agent.store.journal import JOURNAL
from agent.store.reading import read_history

DEFAULT = "7d"
_NOTHING = "Nothing deviated."
_UNITS = {"m": 60.0, "h": 3_600.0, "d": 86_400.0, "w": 604_800.0}
_SPAN = re.compile(r"(\d{1,6})([mhdw])")


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the verb's own options."""
    add_settings(parser)
    add_since(parser)


def add_since(parser: argparse.ArgumentParser) -> None:
    """Add the option that says since when."""
    parser.add_argument(
        "--since",
        metavar="WHEN",
        default=DEFAULT,
        help=f"since when: 90m, 12h, 7d, 4w, or a date like 2026-11-30 (default: {DEFAULT})",
    )


def run(arguments: argparse.Namespace) -> int:
    """Print what happened."""
    records = recorded(arguments)
    if arguments.json:
        json.dump({"schema": "mcp-compliance/history/1", "deviations": [row(record) for record in records]}, sys.stdout)
        sys.stdout.write("\n")
        return 0
    show(_lines(records), _parts(records))
    return 0


def recorded(arguments: argparse.Namespace) -> tuple[Record, ...]:
    """Return what the journal holds since the moment that the options say.

    Raises:
        CannotStart: the journal cannot be read.
        UsageError: the moment makes no sense.
    """
    since = parse_since(arguments.since, time.time())
    machine, paths = places(arguments)
    journal = paths.state / JOURNAL
    service, *own = state_folders(machine, paths.state)
    if own and service.exists() and not journal.exists():
        raise CannotStart(
            "the history stands in the agent's journal. Only administrators may read it: ask with their rights"
        )
    try:
        return read_history(journal, since)
    except StoreError as error:
        raise CannotStart(f"{error}. Only administrators may read it, once the agent has run") from None


def parse_since(text: str, now: float) -> float:
    """Return the Unix time that `text` means: a span before `now`, or a date (UTC).

    Raises:
        UsageError: it is neither.
    """
    match = _SPAN.fullmatch(text)
    if match:
        return now - int(match[1]) * _UNITS[match[2]]
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        raise UsageError(f"--since {text}: a span like 90m, 12h, 7d, 4w or a date like 2026-11-30 is wanted") from None
    return (at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp()


def row(record: Record) -> dict[str, Any]:
    """Return one deviation as it is exported; times in Unix seconds."""
    item = record.deviation
    return {
        "control": item.key.control,
        "subject": item.key.subject,
        "label": item.label,
        "severity": item.severity.value,
        "title": item.title,
        "text": item.text,
        "remediation": item.remediation,
        "user": item.user,
        "client": item.client,
        "evidence": [asdict(fact) for fact in item.evidence],
        "first_seen": record.first_seen,
        "last_seen": record.last_seen,
        "closed_at": record.closed_at,
        "again": record.again,
    }


def _lines(records: tuple[Record, ...]) -> Iterator[str]:
    for at, what, record in _told(records):
        item = record.deviation
        yield f"{moment(at)}  {what}  {item.severity.value:<8}  {item.key.control}  {_about(what, item)}"
    if not records:
        yield _NOTHING


def _parts(records: tuple[Record, ...]) -> Iterator[str | Table]:
    rows = [(at, what, record.deviation) for at, what, record in _told(records)]
    yield Table(
        ("when", "what", "severity", "control", "whose, and why"),
        tuple((moment(at), what, item.severity.value, item.key.control, _about(what, item)) for at, what, item in rows),
    )
    if not rows:
        yield _NOTHING


def _about(what: str, item: Deviation) -> str:
    """Return whose it is, and, where it opens, why: what closes was told when it opened."""
    return item.label if what.startswith("closed") else f"{item.label}: {item.text}"


def _told(records: tuple[Record, ...]) -> Iterator[tuple[float, str, Record]]:
    """Yield each opening and closing in the order of time."""
    told = [(record.first_seen, "opened", record) for record in records]
    told += [(record.closed_at, "closed", record) for record in records if record.closed_at is not None]
    for at, what, record in sorted(told, key=lambda item: (item[0], item[1])):
        after = f" after {span(at - record.first_seen)}" if what == "closed" else (" again" if record.again else "")
        yield at, f"{what}{after}", record
