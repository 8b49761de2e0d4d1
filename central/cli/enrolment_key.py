"""The organisation's enrolment keys. Only a hash of each is kept: `make` prints the key once."""

import argparse
import time

from sqlalchemy import Engine, select

from agent.core.refusal import CannotStart
from central.cli.stored import BY, lasting, opened
from central.config import load
from central.core.times import moment
from central.store import administering
from central.store.engine import reading, writing
from central.store.handling import Act
from central.store.schema import enrolment_keys

_DAY_S = 86_400


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the verb's own options."""
    actions = parser.add_subparsers(metavar="ACTION", dest="action", required=True)
    make = actions.add_parser("make", help="make a key and print it")
    make.add_argument("name", help="what it is called in the list")
    make.add_argument("--days", type=int, metavar="N", help="how long it lets devices in; default: until it is revoked")
    actions.add_parser("list", help="list the keys")
    revoke = actions.add_parser("revoke", help="let nobody else in with a key; devices that are in stay in")
    revoke.add_argument("name")


def run(arguments: argparse.Namespace) -> int:
    """Carry out the action."""
    with opened(load(arguments.settings)) as engine:
        return _ACTIONS[arguments.action](engine, arguments, time.time())


def _make(engine: Engine, arguments: argparse.Namespace, now: float) -> int:
    until = now + arguments.days * _DAY_S if arguments.days else None
    try:
        with writing(engine) as connection:
            print(administering.make_key(connection, Act(BY, now), arguments.name, until))
    except administering.NotPossibleError as error:
        raise CannotStart(str(error)) from None
    return 0


def _revoke(engine: Engine, arguments: argparse.Namespace, now: float) -> int:
    with writing(engine) as connection:
        found = administering.revoke_key(connection, Act(BY, now), arguments.name)
    return 0 if found else 1


def _list(engine: Engine, _arguments: argparse.Namespace, now: float) -> int:
    with reading(engine) as connection:
        for row in connection.execute(select(enrolment_keys).order_by(enrolment_keys.c.made_at)):
            print(f"{row.name}\tmade {moment(row.made_at)}\t{lasting(row.revoked_at, row.expires_at, now)}")
    return 0


_ACTIONS = {"make": _make, "revoke": _revoke, "list": _list}
