"""Tokens by which other programs ask. Only a hash of each is kept: `make` prints the token once."""

import argparse
import time

from sqlalchemy import Engine, select

from agent.core.refusal import CannotStart
from central.cli.stored import BY, lasting, opened
from central.config import load
from central.core.access import SCOPES, Permission
from central.core.times import moment
from central.store import administering
from central.store.engine import reading, writing
from central.store.handling import Act
from central.store.schema import tokens as table

_DAY_S = 86_400


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the verb's own options."""
    actions = parser.add_subparsers(metavar="ACTION", dest="action", required=True)
    make = actions.add_parser("make", help="make a token and print it")
    make.add_argument("name", help="what it is called in lists and in the audit log")
    scopes = sorted(permission.value for permission in SCOPES)
    make.add_argument(
        "--scope", action="append", choices=scopes, required=True, help="what it may do; may be given more than once"
    )
    make.add_argument("--days", type=int, metavar="N", help="how long it is good; default: until it is revoked")
    actions.add_parser("list", help="list the tokens")
    revoke = actions.add_parser("revoke", help="end a token")
    revoke.add_argument("name")


def run(arguments: argparse.Namespace) -> int:
    """Carry out the action."""
    with opened(load(arguments.settings)) as engine:
        return _ACTIONS[arguments.action](engine, arguments, time.time())


def _make(engine: Engine, arguments: argparse.Namespace, now: float) -> int:
    until = now + arguments.days * _DAY_S if arguments.days else None
    scopes = sorted({Permission(scope) for scope in arguments.scope})
    try:
        with writing(engine) as connection:
            token = administering.make_token(connection, Act(BY, now), arguments.name, scopes, until)
    except administering.NotPossibleError as error:
        raise CannotStart(str(error)) from None
    print(token)
    return 0


def _revoke(engine: Engine, arguments: argparse.Namespace, now: float) -> int:
    with writing(engine) as connection:
        done = administering.revoke_token(connection, Act(BY, now), arguments.name)
    return 0 if done else 1


def _list(engine: Engine, _arguments: argparse.Namespace, now: float) -> int:
    with reading(engine) as connection:
        for row in connection.execute(select(table).order_by(table.c.made_at)):
            stands = lasting(row.revoked_at, row.expires_at, now)
            print(f"{row.name}\t{', '.join(row.scopes)}\tmade {moment(row.made_at)}\t{stands}")
    return 0


_ACTIONS = {"make": _make, "revoke": _revoke, "list": _list}
