"""How a device stands, in a terminal: what its page says, in a dozen lines.

NAME begins a hostname, serial number, user or id. Exit status: 0 compliant, 1 deviating or not found,
2 unknown, or more than one device.
"""

import argparse
import json
import sys
import time
from collections.abc import Iterator

from agent.core.documents import plain
from central.asking.ask import Ask, Nothing
from central.asking.device import DeviceAnswer, device
from central.asking.devices import DeviceSearch, search
from central.cli.stored import BY, opened
from central.config import load
from central.core.access import PERMISSIONS, Asker, Role
from central.core.times import moment, span
from central.store.engine import reading

_STATUS = {"compliant": 0, "deviating": 1}
_OPEN = 5
_LISTED = 20


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the verb's own options."""
    parser.add_argument("name", help="the beginning of a hostname, serial number, user or id")
    parser.add_argument("--json", action="store_true", help="print everything that is known as one JSON document")


def run(arguments: argparse.Namespace) -> int:
    """Print how the device stands."""
    settings = load(arguments.settings)
    terms, now = settings.terms, time.time()
    asker = Asker(BY, "person", PERMISSIONS[Role.ADMIN])
    with opened(settings) as engine, reading(engine) as connection:
        params = DeviceSearch(q=arguments.name, most=_LISTED)
        found = search(Ask(connection, asker, params, now, terms)).devices
        named = [one for one in found if arguments.name in (one.hostname, one.id, one.serial)] or found
        alone = [Ask(connection, asker, Nothing(), now, terms, {"device": one.id}) for one in named if len(named) == 1]
        answers = [device(ask) for ask in alone]
    if not named:
        print(f"no device has a hostname, serial number, user or id that begins with {arguments.name}", file=sys.stderr)
        return 1
    if len(named) > 1:
        print(f"{arguments.name} may be any of these:", file=sys.stderr)
        for one in named:
            print(f"{one.id}\t{_line(one.hostname)}\t{one.state}", file=sys.stderr)
        return 2
    (answer,) = answers
    print(json.dumps(plain(answer), indent=2) if arguments.json else "\n".join(_lines(answer, now)))
    return _STATUS.get(answer.state, 2)


def _lines(answer: DeviceAnswer, now: float) -> Iterator[str]:
    facts, policy = answer.device, answer.policy
    named = f"{facts.hostname or facts.id} ({facts.os_version or facts.os or 'system not told'}), agent"
    rows = {
        "Device": f"{named} {facts.agent_version or 'not told'}",
        "Stands": answer.state.upper(),
        "Why": answer.why,
        "Since": _when(answer.since, now),
        "Tell user": answer.tell_user,
        "IT must": answer.it_must,
        "Open": "; ".join(f"{one.control} ({one.severity}): {one.label}" for one in answer.open[:_OPEN]) or "nothing",
        "Servers": f"{len(answer.servers)}, of which {sum(one.verdict == 'blocked' for one in answer.servers)} blocked",
        "Policy": f"{policy.state}, from {', '.join(policy.sources) or 'no source'}" if policy.known else "not told",
        "Heard": _when(facts.heard_at, now),
        "Id": facts.id,
    }
    for label, text in rows.items():
        yield f"{label:<10}{_line(text)}"


def _when(at: float | None, now: float) -> str:
    return "never" if at is None else f"{moment(at)} ({span(max(now - at, 0))} ago)"


def _line(text: str) -> str:
    """Return `text` without what could forge a line or a colour in a terminal."""
    return "".join(character if character.isprintable() else "\N{REPLACEMENT CHARACTER}" for character in text)
