"""The running agent's last word: how this device stands, why, since when, what to tell its user, and what IT must do.

It reads the status that the agent writes and never scans. A status that is missing, broken or too old is an answer of its own:
unknown. Administrators see everything; anybody else sees how the device stands, and the own servers and deviations.

--format text is ten lines for the help desk, --details adds every deviation; json is the document whose schema is `mcp-compliance
schema status` (or `public`); exit prints nothing. jamf, intune, kandji, wsone and munki print what each of these wants.
--since 7d tells what happened on the device since then (administrators only), as `mcp-compliance history` does.

Exit status: 0 compliant, 1 at least one open deviation of severity medium or above, 2 unknown. jamf, intune and wsone always
end with 0, as they want it; munki with 0 where the agent is silent and has to be installed anew, else 1.
"""

import argparse
import importlib
import json
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

from agent.cli.places import add_settings, places
from agent.cli.terminal import Table, show
from agent.core.moment import moment
from agent.status.conditions import CONDITIONS
from agent.status.formats import FORMATS
from agent.status.helpdesk import answers, lines, one_line
from agent.status.word import Word, asking_uid, last_word, state_folders


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the verb's own options."""
    add_settings(parser)
    parser.add_argument(
        "--format", choices=("text", "json", *FORMATS), default="text", help="how to print it (default: text)"
    )
    parser.add_argument("--details", action="store_true", help="every deviation, server and health condition too")
    parser.add_argument("--since", metavar="WHEN", help="what happened since: 90m, 12h, 7d, or a date like 2026-11-30")


def run(arguments: argparse.Namespace) -> int:
    """Print the last word."""
    if arguments.since is not None:
        status: int = importlib.import_module("agent.cli.history").run(arguments)
        return status
    now = time.time()
    word = last_word(_folders(arguments), now, asking_uid())
    chosen = "json" if arguments.json else arguments.format
    if chosen == "json":
        silent = {"schema": "mcp-compliance/status/1", "state": "unknown", "why": word.why}
        json.dump(word.document or silent, sys.stdout)
        sys.stdout.write("\n")
        return word.exit_status
    if chosen == "text":
        plain = [*lines(word, now), *(_details(word) if arguments.details else ())]
        show(plain, (Table((), tuple(answers(word, now))), *(_tables(word) if arguments.details else ())))
        return word.exit_status
    text, given = FORMATS[chosen](word)
    if text:
        print(one_line(text))
    return given


def _folders(arguments: argparse.Namespace) -> tuple[Path, ...]:
    machine, paths = places(arguments)
    return state_folders(machine, paths.state)


def _tables(word: Word) -> Iterator[str | Table]:
    yield Table(
        ("severity", "control", "since", "what, and what to do"),
        tuple(
            (row["severity"], row["control"], moment(row["since"]) if row["since"] else "", _told(row))
            for row in word.deviations
        ),
    )
    yield Table(
        ("verdict", "client", "server", "why"),
        tuple(
            (row["verdict"], row["client"], row["name"], row["reason"]["text"])
            for row in word.check.get("servers") or ()
        ),
    )
    yield Table(
        ("severity", "condition of the agent", "what it is"),
        tuple((row["severity"], row["code"], _of_condition(row)) for row in word.document.get("health") or ()),
    )
    yield from (line for line in _details(word) if line.startswith(("note", "processes", "runs on")))


def _told(row: Mapping[str, str]) -> str:
    return f"{row['subject']}: {row['text']} {row['remediation']}"


def _details(word: Word) -> Iterator[str]:
    for row in word.deviations:
        since = f" (since {moment(row['since'])})" if row["since"] else ""
        yield one_line(f"{row['severity']:<8}  {row['control']}  {row['subject']}: {row['text']}{since}")
        yield one_line(f"          what to do: {row['remediation']}")
    for server in word.check.get("servers") or ():
        yield one_line(
            f"server    {server['client']} {server['name']!r}: {server['verdict']}. {server['reason']['text']}"
        )
    for process in word.check.get("processes") or ():
        for note in process.get("notes") or ():
            yield one_line(f"note      {process['client'] or 'process'} {process['pid']}: {note}")
    if word.document and not word.public:
        yield f"processes noticed by: {word.document.get('process_events') or 'the timed sweep alone'}"
        if word.document.get("on_battery"):
            yield "runs on battery: looks by the clock and reports that are no alerts wait longer"
    for condition in word.document.get("health") or ():
        yield one_line(f"agent     {condition['code']}  {_of_condition(condition)}")


def _of_condition(condition: Mapping[str, str]) -> str:
    """Return what a condition says; to those who may not know its details, its title."""
    return condition.get("text") or (
        f"{CONDITIONS[condition['code']].title}." if condition["code"] in CONDITIONS else ""
    )
