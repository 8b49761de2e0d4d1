"""Who may sign in. Passwords are asked for, or read from standard input with --password-stdin; only Argon2 hashes are kept."""

import argparse
import getpass
import sys
import time

from sqlalchemy import Connection, Engine

from agent.core.refusal import CannotStart
from central.cli.stored import BY, opened
from central.config import Settings, load
from central.core.access import Role
from central.store import administering, people
from central.store.engine import reading, writing
from central.store.handling import Act

_LINK_S = 3_600.0


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the verb's own options."""
    actions = parser.add_subparsers(metavar="ACTION", dest="action", required=True)
    roles = [role.value for role in Role]
    add = actions.add_parser("add", help="let somebody sign in with a password")
    password = actions.add_parser("password", help="give somebody another password, and sign them out")
    role = actions.add_parser("role", help="give somebody another role")
    link = actions.add_parser("link", help="print a link that signs somebody in once, within the hour")
    remove = actions.add_parser("remove", help="let somebody sign in no more; the name stays taken, for the audit log")
    readmit = actions.add_parser("readmit", help="let somebody who was removed sign in again")
    actions.add_parser("list", help="list people")
    for each in (add, password, role, link, remove, readmit):
        each.add_argument("name")
    for each in (add, password):
        each.add_argument("--password-stdin", action="store_true", help="read the password from standard input")
    for each in (add, role):
        each.add_argument("--role", choices=roles, required=True)


def run(arguments: argparse.Namespace) -> int:
    """Carry out the action."""
    settings = load(arguments.settings)
    with opened(settings) as engine:
        if arguments.action != "list":
            return _changed(engine, arguments, settings)
        with reading(engine) as connection:
            for name, role, how, active in people.names(connection):
                print(f"{name}\t{role}\tby {how}\t{'may sign in' if active else 'removed'}")
    return 0


def _changed(engine: Engine, arguments: argparse.Namespace, settings: Settings) -> int:
    password = _password(arguments) if arguments.action in ("add", "password") else ""
    try:
        with writing(engine) as connection:
            done = _done(connection, arguments, password, settings)
    except administering.NotPossibleError as error:
        raise CannotStart(str(error)) from None
    if not done:
        print(f"there is no local account called {arguments.name}", file=sys.stderr)
    return 0 if done else 1


def _done(connection: Connection, arguments: argparse.Namespace, password: str, settings: Settings) -> bool:
    name, act = arguments.name, Act(BY, time.time())
    match arguments.action:
        case "add":
            administering.add_person(connection, act, name, Role(arguments.role), password)
            return True
        case "password":
            return administering.set_password(connection, act, name, password)
        case "role":
            return administering.set_role(connection, act, name, Role(arguments.role))
        case "link":
            text = administering.link(connection, act, name, act.at + _LINK_S)
            if text is not None:
                print(f"{settings.url}/sign-in/link/{text}")
            return text is not None
        case "readmit":
            return administering.readmit_person(connection, act, name)
        case _:
            return administering.remove_person(connection, act, name)


def _password(arguments: argparse.Namespace) -> str:
    given = sys.stdin.readline().rstrip("\r\n") if arguments.password_stdin else getpass.getpass("Password: ")
    if not people.SHORTEST_PASSWORD <= len(given) <= people.LONGEST_PASSWORD:
        raise CannotStart(f"a password has at least {people.SHORTEST_PASSWORD} characters")
    if not arguments.password_stdin and getpass.getpass("Again: ") != given:
        raise CannotStart("the two passwords are not the same")
    return given
