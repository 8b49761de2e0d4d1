"""What administrators may change: who gets in, and what devices write by. For people alone: no token holds that permission."""

from collections.abc import Callable
from typing import Annotated, Any

from pydantic import Field, field_validator

from central.asking.ask import Ask, Nothing, Params
from central.core.access import Permission, Role
from central.store import administering
from central.store.administering import NotPossibleError
from central.store.handling import Act
from central.web.questions import Deed

_DAY_S = 86_400.0
LINK_S = _DAY_S
_Name = Annotated[str, Field(min_length=1, max_length=200, description="the name")]
_Days = Annotated[
    int | None, Field(ge=1, le=3_660, description="for how many days it is good; default: until it is revoked")
]


class Named(Params):
    """Whom or what."""

    name: _Name


class WithRole(Named):
    """Whom, and as what."""

    role: Annotated[Role, Field(description="viewer, help-desk, soc or admin")]


class NewKey(Named):
    """What it is called, and for how long it is good."""

    days: _Days = None


class NewToken(NewKey):
    """What it is called, what it may do, and for how long it is good."""

    scopes: Annotated[tuple[Permission, ...], Field(min_length=1, description="what it may do")]

    @field_validator("scopes", mode="before")
    @classmethod
    def _alone(cls, value: object) -> object:
        return (value,) if isinstance(value, str) else value


def _act(ask: Ask[Any]) -> Act:
    return Act(ask.asker.name, ask.now)


def _until(ask: Ask[Any]) -> float | None:
    return None if ask.params.days is None else ask.now + ask.params.days * _DAY_S


def _linked(text: str | None) -> str | None:
    return None if text is None else f"/sign-in/link/{text}?next=/password"


def _add(ask: Ask[WithRole]) -> str | None:
    administering.add_person(ask.connection, _act(ask), ask.params.name, ask.params.role)
    return _linked(administering.link(ask.connection, _act(ask), ask.params.name, ask.now + LINK_S))


def _link(ask: Ask[Named]) -> str | None:
    name = ask.params.name
    if administering.provided(ask.connection, name):
        raise NotPossibleError(f"{name} signs in by the identity provider, and has no password here")
    if name == ask.asker.name:
        raise NotPossibleError("you change your own password by yourself: click on your name")
    administering.keep_an_administrator(ask.connection, name)
    return _linked(administering.reset(ask.connection, _act(ask), name, ask.now + LINK_S))


def _role(ask: Ask[WithRole]) -> bool | None:
    name, role = ask.params.name, ask.params.role
    if administering.provided(ask.connection, name):
        raise NotPossibleError(f"the identity provider says the role of {name} at each sign-in: change it there")
    if role is not Role.ADMIN:
        administering.keep_an_administrator(ask.connection, name)
    return administering.set_role(ask.connection, _act(ask), name, role) or None


def _remove(ask: Ask[Named]) -> bool | None:
    administering.keep_an_administrator(ask.connection, ask.params.name)
    return administering.remove_person(ask.connection, _act(ask), ask.params.name) or None


def _deed(
    path: str,
    do: Callable[[Ask[Any]], int | str | bool | None],
    summary: str,
    params: type[Params] = Named,
    shown: str = "",
) -> Deed:
    return Deed(path=path, permission=Permission.ADMINISTER, params=params, do=do, summary=summary, shown=shown)


GRANTS = (
    _deed("/people", _add, "Let somebody sign in, first by a link that is good for a day", WithRole, "link"),
    _deed(
        "/people/link", _link, "Take a password away and make a link that signs in once, within the day", shown="link"
    ),
    _deed("/people/role", _role, "Give somebody another role", WithRole),
    _deed("/people/remove", _remove, "Let somebody sign in no more"),
    _deed(
        "/people/readmit",
        lambda ask: administering.readmit_person(ask.connection, _act(ask), ask.params.name) or None,
        "Let somebody who was removed sign in again",
    ),
    _deed(
        "/tokens",
        lambda ask: administering.make_token(
            ask.connection, _act(ask), ask.params.name, ask.params.scopes, _until(ask)
        ),
        "Make a token for another program, shown once",
        NewToken,
        "token",
    ),
    _deed(
        "/tokens/revoke",
        lambda ask: administering.revoke_token(ask.connection, _act(ask), ask.params.name) or None,
        "End a token",
    ),
    _deed(
        "/enrolment-keys",
        lambda ask: administering.make_key(ask.connection, _act(ask), ask.params.name, _until(ask)),
        "Make a key that lets devices in, shown once",
        NewKey,
        "enrolment key",
    ),
    _deed(
        "/enrolment-keys/revoke",
        lambda ask: administering.revoke_key(ask.connection, _act(ask), ask.params.name) or None,
        "Let nobody else in with a key; devices that are in stay in",
    ),
    _deed(
        "/devices/{device}/revoke",
        lambda ask: administering.revoke_device(ask.connection, _act(ask), ask.place["device"]) or None,
        "End what a device writes by: its reports are refused, and counted",
        Nothing,
    ),
    _deed(
        "/devices/{device}/readmit",
        lambda ask: administering.readmit_device(ask.connection, _act(ask), ask.place["device"]) or None,
        "Let a device enrol anew, with a new credential",
        Nothing,
    ),
)
