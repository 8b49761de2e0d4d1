"""Who gets in: people, tokens of other programs, enrolment keys of devices. Of what is secret, nothing is here."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import select

from central.asking.ask import Ask, Nothing
from central.core.access import MEANING, SCOPES, Role, in_force
from central.store import people as accounts
from central.store.schema import enrolment_keys, people, tokens


@dataclass(frozen=True, slots=True)
class PersonLine:
    """One person. `how` is by what they sign in; `ended_at` is when they were removed."""

    name: str
    role: str
    how: str
    signed_in_at: float | None
    made_at: float
    made_by: str
    ended_at: float | None


@dataclass(frozen=True, slots=True)
class TokenLine:
    """One token. `used_at` is right to the minute."""

    name: str
    scopes: tuple[str, ...]
    standing: str
    made_at: float
    made_by: str
    used_at: float | None
    expires_at: float | None
    revoked_at: float | None


@dataclass(frozen=True, slots=True)
class KeyLine:
    """One enrolment key. `used_at` is when a device showed it last, right to the minute."""

    name: str
    standing: str
    made_at: float
    made_by: str
    used_at: float | None
    expires_at: float | None
    revoked_at: float | None


@dataclass(frozen=True, slots=True)
class AccessAnswer:
    """Everybody and everything that gets in, those who may no longer last; the roles, and the scopes with their meaning."""

    people: tuple[PersonLine, ...]
    tokens: tuple[TokenLine, ...]
    keys: tuple[KeyLine, ...]
    roles: tuple[str, ...]
    scopes: dict[str, str]


def access(ask: Ask[Nothing]) -> AccessAnswer:
    """List who and what gets in."""
    connection, now = ask.connection, ask.now
    persons = connection.execute(select(people).order_by(people.c.ended_at.is_not(None), people.c.name)).all()
    programs = connection.execute(select(tokens).order_by(tokens.c.revoked_at.is_not(None), tokens.c.name)).all()
    ordered = select(enrolment_keys).order_by(enrolment_keys.c.revoked_at.is_not(None), enrolment_keys.c.name)
    return AccessAnswer(
        tuple(
            PersonLine(row.name, row.role, accounts.how(row), row.signed_in_at, row.made_at, row.made_by, row.ended_at)
            for row in persons
        ),
        tuple(TokenLine(scopes=tuple(row.scopes), **_times(row, now)) for row in programs),
        tuple(KeyLine(**_times(row, now)) for row in connection.execute(ordered)),
        tuple(Role),
        {scope.value: meaning for scope, meaning in MEANING.items() if scope in SCOPES},
    )


def _times(row: Any, now: float) -> dict[str, Any]:  # noqa: ANN401 - a row of either table
    names = ("name", "made_at", "made_by", "used_at", "expires_at", "revoked_at")
    standing = in_force(row.revoked_at, row.expires_at, now)
    return {"standing": standing, **{name: getattr(row, name) for name in names}}
