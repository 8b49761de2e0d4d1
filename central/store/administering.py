"""What administrators change: people, tokens, enrolment keys and what devices write by. Each change is one row of the audit log.

The pages and the command line both do it here. Secrets are returned once; only their hashes are kept.
"""

from collections.abc import Collection

from sqlalchemy import Connection, select, update

from central.core.access import SCOPES, Permission, Role
from central.store import enrolling, people, tokens
from central.store.auditing import record
from central.store.engine import alone
from central.store.handling import Act
from central.store.schema import enrolment_keys
from central.store.schema import people as people_table
from central.store.schema import tokens as tokens_table

_LOCK = 0x4D435041
_LONGEST_NAME = 200


class NotPossibleError(ValueError):
    """Why a change is not made, in a sentence."""


def add_person(connection: Connection, act: Act, name: str, role: Role, password: str | None = None) -> None:
    """Let somebody sign in, by `password` or by links alone.

    Raises:
        NotPossibleError: the name is none, or taken.
    """
    _check_name(name)
    if connection.execute(select(people_table.c.name).where(people_table.c.name == name)).first() is not None:
        raise NotPossibleError(f"there is, or was, somebody called {name}")
    people.add(connection, name, role, act.actor, act.at, password=password)
    record(connection, act.actor, "person.add", name, act.at, {"role": role.value})


def set_password(connection: Connection, act: Act, name: str, password: str) -> bool:
    """Give somebody another password, and sign them out; return whether there is such a local account."""
    done = people.set_password(connection, name, password)
    return _told(connection, act, "person.password", name, done)


def set_role(connection: Connection, act: Act, name: str, role: Role) -> bool:
    """Give somebody another role, which counts from their next request on; return whether there is such a person."""
    before = connection.execute(select(people_table.c.role).where(people_table.c.name == name)).scalar()
    done = people.set_role(connection, name, role)
    if done:
        record(connection, act.actor, "person.role", name, act.at, {"role": role.value, "before": before})
    return done


def link(connection: Connection, act: Act, name: str, expires_at: float) -> str | None:
    """Return a text that signs somebody in once until `expires_at`; None where nobody of this name may sign in."""
    found = select(people_table.c.name).where(people_table.c.name == name, people_table.c.ended_at.is_(None))
    if connection.execute(found).first() is None:
        return None
    record(connection, act.actor, "person.link", name, act.at)
    return people.link(connection, name, expires_at)


def reset(connection: Connection, act: Act, name: str, expires_at: float) -> str | None:
    """Take somebody's password away, sign them out, and return a text that signs them in once, to set another one."""
    local = update(people_table).where(people_table.c.name == name, people_table.c.subject.is_(None))
    if not connection.execute(local.values(password=None)).rowcount:
        return None
    people.end_sessions(connection, name)
    return link(connection, act, name, expires_at)


def remove_person(connection: Connection, act: Act, name: str) -> bool:
    """Let somebody sign in no more; return whether there was one who could."""
    return _told(connection, act, "person.remove", name, people.end(connection, name, act.at))


def readmit_person(connection: Connection, act: Act, name: str) -> bool:
    """Let somebody who was removed sign in again, as before; return whether there was one."""
    back = update(people_table).where(people_table.c.name == name, people_table.c.ended_at.is_not(None))
    done = connection.execute(back.values(ended_at=None)).rowcount > 0
    return _told(connection, act, "person.readmit", name, done)


def provided(connection: Connection, name: str) -> bool:
    """Say whether somebody comes from the identity provider, which says the role at each sign-in."""
    subject = select(people_table.c.subject).where(people_table.c.name == name)
    return connection.execute(subject).scalar() is not None


def keep_an_administrator(connection: Connection, name: str) -> None:
    """See to it that somebody can still administer without `name`, until the transaction ends.

    Raises:
        NotPossibleError: nobody else could sign in again as administrator, by a password or the identity provider.
    """
    alone(connection, _LOCK)
    query = select(people_table).where(people_table.c.role == Role.ADMIN.value, people_table.c.ended_at.is_(None))
    able = {row.name: bool(row.password or row.subject) for row in connection.execute(query)}
    others = {one: can for one, can in able.items() if one != name}
    if name in able and not any(others.values()) and (able[name] or not others):
        raise NotPossibleError(
            f"{name} is the only administrator who can sign in again: first give another one a password"
        )


def make_token(
    connection: Connection, act: Act, name: str, scopes: Collection[Permission], expires_at: float | None
) -> str:
    """Make a token and return it.

    Raises:
        NotPossibleError: the name is none, or taken; a scope is for people alone, or there is none.
    """
    _check_name(name)
    if not scopes or not SCOPES.issuperset(scopes):
        raise NotPossibleError("a token has at least one scope, and none that is for people alone")
    if connection.execute(select(tokens_table.c.name).where(tokens_table.c.name == name)).first() is not None:
        raise NotPossibleError(f"there is, or was, a token called {name}")
    token = tokens.make(connection, name, scopes, act.actor, act.at, expires_at)
    record(connection, act.actor, "token.make", name, act.at, {"scopes": sorted(scopes), "expires_at": expires_at})
    return token


def revoke_token(connection: Connection, act: Act, name: str) -> bool:
    """End a token; return whether there was one in force."""
    return _told(connection, act, "token.revoke", name, tokens.revoke(connection, name, act.at))


def make_key(connection: Connection, act: Act, name: str, expires_at: float | None) -> str:
    """Make an enrolment key and return it.

    Raises:
        NotPossibleError: the name is none, or taken.
    """
    _check_name(name)
    if connection.execute(select(enrolment_keys.c.name).where(enrolment_keys.c.name == name)).first() is not None:
        raise NotPossibleError(f"there is a key called {name} already")
    key = enrolling.new_key(connection, name, act.actor, act.at, expires_at)
    record(connection, act.actor, "enrolment-key.make", name, act.at, {"expires_at": expires_at})
    return key


def revoke_key(connection: Connection, act: Act, name: str) -> bool:
    """Let nobody else in with a key; return whether there was one in force."""
    ended = update(enrolment_keys).where(enrolment_keys.c.name == name, enrolment_keys.c.revoked_at.is_(None))
    done = connection.execute(ended.values(revoked_at=act.at)).rowcount > 0
    return _told(connection, act, "enrolment-key.revoke", name, done)


def revoke_device(connection: Connection, act: Act, device: str) -> bool:
    """End what a device writes by; return whether there is such a device."""
    return _told(connection, act, "device.revoke", device, enrolling.revoke(connection, device, act.actor, act.at))


def readmit_device(connection: Connection, act: Act, device: str) -> bool:
    """Let a device enrol anew; return whether there is such a device."""
    return _told(connection, act, "device.readmit", device, enrolling.readmit(connection, device))


def _told(connection: Connection, act: Act, action: str, subject: str, done: bool) -> bool:  # noqa: FBT001 - what was done
    if done:
        record(connection, act.actor, action, subject, act.at)
    return done


def _check_name(name: str) -> None:
    if not name or name != name.strip() or not name.isprintable() or len(name) > _LONGEST_NAME:
        raise NotPossibleError("a name is printable text without blanks at its ends")
