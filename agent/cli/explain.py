"""Why one configured or running server is allowed or blocked, rule by rule, and what would change it.

SERVER is the name of a configured server, its key as `check --json` shows it, or the pid of a running one. Where several servers
have that name, each is explained. Commands and URLs are shown without their secrets.

Exit status: 0 allowed, 1 blocked, 2 undetermined or no such server. Of several answers the worst counts: blocked, then
undetermined.
"""

import argparse
import json
import sys
from collections.abc import Iterator
from typing import Any

from agent.app.looking import explain
from agent.app.remembering import known_before
from agent.cli.options import add_global, prepare
from agent.cli.places import UsageError
from agent.cli.text import one_line
from agent.core.assess.configured import shown
from agent.core.policy.explain import Explanation
from agent.core.policy.remedy import Remedy
from agent.core.redaction import redact_name
from agent.core.verdict import Answer
from agent.host.machine import device_id

_STATUS = ((Answer.BLOCKED, 1), (Answer.UNDETERMINED, 2), (Answer.ALLOWED, 0))


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the verb's own options."""
    parser.add_argument("server", metavar="SERVER", help="a configured server's name or key, or a running one's pid")
    add_global(parser)


def run(arguments: argparse.Namespace) -> int:
    """Explain the server."""
    prepared = prepare(arguments)
    device = device_id(prepared.paths.state, create=False)
    found, known = explain(
        prepared.target,
        prepared.loaded.settings,
        prepared.machine,
        device,
        arguments.server,
        known_before(prepared.paths.state),
    )
    if not found:
        there = f"; there are {', '.join(one_line(name) for name in known)}" if known else ""
        raise UsageError(f"no configured or running server is called {arguments.server!r}{there}")
    if arguments.json:
        document = {"schema": "mcp-compliance/explain/1", "servers": [_document(item) for item in found]}
        print(redact_name(json.dumps(document)))
    else:
        for line in (line for item in found for line in _lines(item)):
            sys.stdout.write(redact_name(one_line(line)) + "\n")
    answers = {item.verdict.answer for item in found}
    return next(status for answer, status in _STATUS if answer in answers)


def _lines(item: Explanation) -> Iterator[str]:
    server = item.server
    where = f", in {server.project}" if server.project else ""
    whose = f"{server.client or 'no known client'}, {server.user or 'every user'}{where}"
    yield f"{server.name or 'running server'} ({whose}): {item.verdict.answer.upper()}"
    yield f"  it is {shown(server)}"
    yield f"  it stands in {server.place}"
    for number, step in enumerate(item.steps, 1):
        yield f"  {number}. {step.rule}: {step.text}" + (f" [{step.source}]" if step.source else "")
    for miss in item.near:
        yield f"  nearly: {miss.text}"
    for title, remedy in (("to allow it", item.allow), ("to block it", item.block)):
        if remedy is not None:
            yield f"  {title}: {remedy.text}" + (f" {remedy.json}" if remedy.json else "")
    if item.loads is not None:
        yield f"  a session of the client {'loads it' if item.loads else 'does not load it'}"


def _document(item: Explanation) -> dict[str, Any]:
    server = item.server
    return {
        "key": server.key,
        "name": server.name,
        "client": server.client,
        "user": server.user,
        "project": server.project,
        "source": {"path": server.place.path, "pointer": server.place.pointer},
        "verdict": item.verdict.answer,
        "loads": item.loads,
        "steps": [
            {"rule": step.rule, "text": step.text, "result": step.result, "entry": step.entry, "source": step.source}
            for step in item.steps
        ],
        "near_misses": [miss.text for miss in item.near],
        "allow": _remedy(item.allow),
        "block": _remedy(item.block),
    }


def _remedy(remedy: Remedy | None) -> dict[str, Any] | None:
    if remedy is None:
        return None
    return {"text": remedy.text, "key": remedy.key, "entry": remedy.entry, "incomplete": remedy.incomplete}
