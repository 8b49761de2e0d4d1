"""People: local accounts with a password (Argon2), those whom an identity provider knows, one-time links, and sessions.

What a browser holds and what a link shows are long random texts; only their SHA-256 is kept. An unknown name costs as much
time as a wrong password, so that nobody learns which names there are.
"""

import functools
import secrets
from dataclasses import dataclass
from typing import Any

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from sqlalchemy import Connection, delete, insert, select, update

from central.core.access import PERMISSIONS, Asker, Role
from central.core.envelope import hashed
from central.store.auditing import record
from central.store.engine import upsert
from central.store.schema import facts, links, people, sessions

SHORTEST_PASSWORD = 12
LONGEST_PASSWORD = 1_024
_COOKIE_KEY, _PROVIDER = "cookie-key", "identity provider"
_HASHER = PasswordHasher()


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionTerms:
    """How long a session lasts: without being used, and in all."""

    idle_s: float = 8 * 3_600.0
    longest_s: float = 24 * 3_600.0


def add(  # noqa: PLR0913 - a row of the table
    connection: Connection,
    name: str,
    role: Role,
    by: str,
    now: float,
    *,
    password: str | None = None,
    subject: str | None = None,
) -> None:
    """Let `name` sign in: by `password`, as `subject` of an identity provider, or (neither) by a one-time link alone.

    Raises:
        IntegrityError: there is a person of this name or subject.
    """
    row = {"name": name, "role": role.value, "made_at": now, "made_by": by, "subject": subject}
    connection.execute(insert(people), {**row, "password": None if password is None else _HASHER.hash(password)})


def set_password(connection: Connection, name: str, password: str) -> bool:
    """Give a person another password and end the sessions; return whether there is one with a local account."""
    changed = update(people).where(people.c.name == name, people.c.subject.is_(None))
    found = connection.execute(changed.values(password=_HASHER.hash(password))).rowcount > 0
    if found:
        end_sessions(connection, name)
    return found


def set_role(connection: Connection, name: str, role: Role) -> bool:
    """Give a person another role, which counts from the next request on; return whether there is one."""
    return connection.execute(update(people).where(people.c.name == name).values(role=role.value)).rowcount > 0


def end(connection: Connection, name: str, now: float) -> bool:
    """Let a person sign in no more; return whether there was one who could."""
    ended = update(people).where(people.c.name == name, people.c.ended_at.is_(None)).values(ended_at=now)
    end_sessions(connection, name)
    connection.execute(delete(links).where(links.c.person == name))
    return connection.execute(ended).rowcount > 0


def end_sessions(connection: Connection, name: str) -> None:
    """Sign a person out everywhere."""
    connection.execute(delete(sessions).where(sessions.c.person == name))


def proved(connection: Connection, name: str, password: str) -> bool:
    """Say whether `password` is that of `name`, in the same time whether or not there is such a person."""
    row = connection.execute(select(people).where(people.c.name == name, people.c.ended_at.is_(None))).first()
    stored = row.password if row is not None and row.password is not None else None
    nobody = _nobody()  # also for those who are there: the first attempt takes as long for either
    try:
        _HASHER.verify(stored or nobody, password[:LONGEST_PASSWORD])
    except (VerificationError, InvalidHashError):
        return False
    return stored is not None


@functools.cache
def _nobody() -> str:
    """Return the hash that an unknown name's password is held to: made once it is needed, as it takes its time."""
    return _HASHER.hash(secrets.token_urlsafe(16))


def known_subject(connection: Connection, subject: str, name: str, role: Role, now: float) -> str | None:
    """Return whom an identity provider calls `subject`, with `role` from now on; one who is new is called `name`.

    Returns None where the person was ended, or another one has that name already: a name at the provider proves nothing here.
    """
    row = connection.execute(select(people).where(people.c.subject == subject)).first()
    if row is not None:
        if row.ended_at is not None:
            return None
        if row.role != role.value:
            set_role(connection, row.name, role)
            changed = {"role": role.value, "before": row.role}
            record(connection, _PROVIDER, "person.role", row.name, now, changed)
        return str(row.name)
    if connection.execute(select(people.c.name).where(people.c.name == name)).first() is not None:
        return None
    add(connection, name, role, _PROVIDER, now, subject=subject)
    return name


def anybody(connection: Connection) -> bool:
    """Say whether anybody has a password or came from an identity provider."""
    query = select(people.c.name).where(people.c.ended_at.is_(None))
    query = query.where(people.c.password.is_not(None) | people.c.subject.is_not(None))
    return connection.execute(query.limit(1)).first() is not None


def link(connection: Connection, name: str, expires_at: float) -> str:
    """Return a text that signs `name` in once until `expires_at`."""
    text = secrets.token_urlsafe(32)
    connection.execute(insert(links), {"hash": hashed(text), "person": name, "expires_at": expires_at})
    return text


def use_link(connection: Connection, text: str, now: float) -> str | None:
    """Return whom the link signs in, and end it; None where it is none, or too old."""
    used = delete(links).where(links.c.hash == hashed(text)).returning(links.c.person, links.c.expires_at)
    row = connection.execute(used).first()
    connection.execute(delete(links).where(links.c.expires_at <= now))
    return None if row is None or row.expires_at <= now else str(row.person)


def begin(connection: Connection, name: str, now: float) -> str:
    """Sign a person in and return what the browser is to hold."""
    text = secrets.token_urlsafe(32)
    connection.execute(insert(sessions), {"hash": hashed(text), "person": name, "made_at": now, "seen_at": now})
    connection.execute(update(people).where(people.c.name == name).values(signed_in_at=now))
    return text


def sign_out(connection: Connection, text: str) -> None:
    """End one session."""
    connection.execute(delete(sessions).where(sessions.c.hash == hashed(text)))


def asker(connection: Connection, text: str, terms: SessionTerms, now: float) -> tuple[Asker, float] | None:
    """Return who is signed in with what a browser holds and when that was used last; None where nobody is."""
    found = select(sessions.c.made_at, sessions.c.seen_at, people.c.name, people.c.role)
    found = found.join(people, people.c.name == sessions.c.person)
    row = connection.execute(found.where(sessions.c.hash == hashed(text), people.c.ended_at.is_(None))).first()
    if row is None or now - row.seen_at > terms.idle_s or now - row.made_at > terms.longest_s:
        return None
    role = Role(row.role)
    return Asker(row.name, "person", PERMISSIONS[role], role.value), row.seen_at


def seen(connection: Connection, text: str, now: float) -> None:
    """Note that a session is used."""
    connection.execute(update(sessions).where(sessions.c.hash == hashed(text)).values(seen_at=now))


def sweep(connection: Connection, terms: SessionTerms, now: float) -> None:
    """Remove sessions that ended by themselves."""
    old = (sessions.c.seen_at < now - terms.idle_s) | (sessions.c.made_at < now - terms.longest_s)
    connection.execute(delete(sessions).where(old))


def names(connection: Connection) -> list[tuple[str, str, str, bool]]:
    """Return (name, role, how they sign in, whether they still may), by name."""
    rows = connection.execute(select(people).order_by(people.c.name))
    return [(row.name, row.role, how(row), row.ended_at is None) for row in rows]


def how(row: Any) -> str:  # noqa: ANN401 - a row of the table
    """Return by what a person signs in."""
    return _PROVIDER if row.subject else "password" if row.password else "one-time link"


def has_password(connection: Connection, name: str) -> bool | None:
    """Say whether somebody has a password, None for those whom the identity provider knows."""
    row = connection.execute(select(people).where(people.c.name == name)).first()
    return None if row is None or row.subject is not None else row.password is not None


def first(connection: Connection, name: str, now: float) -> None:
    """Make sure that there is an administrator called `name`."""
    row = {
        "name": name,
        "role": Role.ADMIN.value,
        "made_at": now,
        "made_by": "serve",
        "password": None,
        "subject": None,
    }
    upsert(connection, people, [row])


def cookie_key(connection: Connection, now: float) -> str:
    """Return the key by which browsers' sessions are signed, the same for all copies of the program; the first makes it."""
    row = {"name": _COOKIE_KEY, "value": secrets.token_urlsafe(32), "at": now}
    upsert(connection, facts, [row])
    return str(connection.execute(select(facts.c.value).where(facts.c.name == _COOKIE_KEY)).scalar_one())
