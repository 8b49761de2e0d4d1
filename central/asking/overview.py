"""The fleet at a glance: how many devices stand how, now and over time; what is open; what is new."""

from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import Field
from sqlalchemy import case, func, select

from central.asking.alerts import AlertSearch, CauseLine, alerts
from central.asking.ask import Ask, Params
from central.asking.devices import silent
from central.store.schema import devices, known_servers, tallies

STATES = ("compliant", "deviating", "unknown")
_SPANS = {"day": 86_400.0, "week": 7 * 86_400.0, "month": 30 * 86_400.0, "quarter": 91 * 86_400.0}
_MOST_POINTS = 240
_TOP = 5


class Span(Params):
    """Over which time."""

    span: Annotated[Literal["day", "week", "month", "quarter"], Field(description="how far back")] = "week"


@dataclass(frozen=True, slots=True)
class Tally:
    """How many devices stood how at a time."""

    at: float
    compliant: int
    deviating: int
    unknown: int


@dataclass(frozen=True, slots=True)
class Shares:
    """Devices by some property, the most common first."""

    value: str
    devices: int


@dataclass(frozen=True, slots=True)
class NewServer:
    """A server that no device had before."""

    identity: str
    what: str
    device: str
    first_seen: float


@dataclass(frozen=True, slots=True)
class Overview:
    """The fleet. `history` ends with `now`; `lately` counts devices that were heard of within the hour."""

    span: str
    now: Tally
    devices: int
    lately: int
    history: tuple[Tally, ...]
    open_by_severity: dict[str, int]
    worst: tuple[CauseLine, ...]
    agents: tuple[Shares, ...]
    systems: tuple[Shares, ...]
    policies: tuple[Shares, ...]
    new_servers: tuple[NewServer, ...]


def overview(ask: Ask[Span]) -> Overview:
    """Answer for the fleet."""
    counts = _counts(ask)
    now = Tally(ask.now, *(counts[state] for state in STATES))
    listed = alerts(Ask(ask.connection, ask.asker, AlertSearch(most=_TOP), ask.now, ask.terms))
    return Overview(
        ask.params.span,
        now,
        sum(counts.values()),
        _lately(ask),
        (*_history(ask), now),
        listed.open_by_severity,
        listed.causes,
        _shares(ask, "agent_version"),
        _shares(ask, "os"),
        _shares(ask, "policy_digest"),
        _new(ask),
    )


def _counts(ask: Ask[Any]) -> dict[str, int]:
    state = case((silent(ask.terms, ask.now), "unknown"), else_=devices.c.state)
    found = dict.fromkeys(STATES, 0)
    for name, number in ask.connection.execute(select(state, func.count()).group_by(state)):
        found[name] = found.get(name, 0) + number
    return found


def _lately(ask: Ask[Any]) -> int:
    heard = select(func.count()).where(devices.c.contact_at > ask.now - 3_600)
    return ask.connection.execute(heard).scalar() or 0


def _history(ask: Ask[Span]) -> tuple[Tally, ...]:
    since = ask.now - _SPANS[ask.params.span]
    rows = ask.connection.execute(select(tallies).where(tallies.c.at >= since).order_by(tallies.c.at)).all()
    step = -(-len(rows) // _MOST_POINTS) or 1
    return tuple(Tally(row.at, *(int(row.states.get(state, 0)) for state in STATES)) for row in rows[::step])


def _shares(ask: Ask[Any], name: str) -> tuple[Shares, ...]:
    column = devices.c[name]
    number = func.count().label("number")
    query = select(column, number).where(column != "").group_by(column).order_by(number.desc(), column).limit(_TOP)
    return tuple(Shares(value, devices_with) for value, devices_with in ask.connection.execute(query))


def _new(ask: Ask[Any]) -> tuple[NewServer, ...]:
    query = select(known_servers).order_by(known_servers.c.first_seen.desc(), known_servers.c.identity).limit(_TOP)
    return tuple(NewServer(row.identity, row.what, row.device, row.first_seen) for row in ask.connection.execute(query))
