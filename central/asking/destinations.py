"""Where alerts are pushed to: how far each destination is, what hinders it, and what was set aside."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, select

from central.asking.ask import Ask, Nothing, Row
from central.core.pushing import Destination, Pushing, standing
from central.store import feeding
from central.store.schema import cursors, set_asides

_SHOWN = 50


@dataclass(frozen=True, slots=True)
class DestinationLine:
    """One destination. Positions are those of the feed; times are Unix seconds.

    `waiting` counts the alerts that are not pushed yet, stored since `oldest`. `set_aside` counts those that it was sent on
    without, ever.
    """

    name: str
    kind: str
    where: str
    state: str
    why: str
    position: int
    waiting: int
    oldest: float | None
    accepted_at: float | None
    problem: str
    problem_at: float | None
    set_aside: int


@dataclass(frozen=True, slots=True)
class SetAside:
    """Alerts that a destination went on without: `first` to `last` of the feed; `again`: they are to be sent again."""

    destination: str
    first: int
    last: int
    alerts: int
    at: float
    reason: str
    again: bool


@dataclass(frozen=True, slots=True)
class DestinationList:
    """The destinations, and what was set aside, the newest first; `head` is where the feed ends now."""

    head: int
    destinations: tuple[DestinationLine, ...]
    set_asides: tuple[SetAside, ...]


def destinations(ask: Ask[Nothing]) -> DestinationList:
    """List the destinations of the settings, and those that still have a place in the feed."""
    query = select(set_asides).order_by(set_asides.c.at.desc(), set_asides.c.destination, set_asides.c.first.desc())
    rows = ask.connection.execute(query.limit(_SHOWN)).mappings()
    left = tuple(SetAside(**{name: row[name] for name in SetAside.__dataclass_fields__}) for row in rows)
    found = lines(ask.connection, ask.destinations, ask.now)
    return DestinationList(feeding.head(ask.connection), found, left)


def lines(connection: Connection, configured: Sequence[Destination], now: float) -> tuple[DestinationLine, ...]:
    """Return how each destination stands, those of the settings first."""
    head = feeding.head(connection)
    rows = {row["destination"]: row for row in connection.execute(select(cursors)).mappings()}
    named = {each.name: each for each in configured}
    gone = [Destination(name=name, kind="", where="") for name in sorted(rows) if name not in named]
    known = [each for each in (*named.values(), *gone) if each.name in rows]
    return tuple(_line(connection, each, rows[each.name], (head, now)) for each in known)


def stuck(ask: Ask[Any]) -> tuple[DestinationLine, ...]:
    """Return the destinations that do not get their alerts."""
    if not ask.destinations:
        return ()
    return tuple(line for line in lines(ask.connection, ask.destinations, ask.now) if line.state == "stuck")


def _line(connection: Connection, each: Destination, row: Row, at: tuple[int, float]) -> DestinationLine:
    head, now = at
    first = feeding.oldest(connection, row["position"]) if row["position"] < head else None
    pushing = Pushing(
        waiting=head - row["position"],
        oldest_at=None if first is None else first[1],
        accepted_at=row["accepted_at"],
        problem=row["problem"],
        problem_at=row["problem_at"],
        carried=row["held_until"] > now,
        configured=bool(each.kind),
    )
    state, why = standing(pushing, now)
    return DestinationLine(
        each.name,
        each.kind,
        each.where,
        state,
        why,
        row["position"],
        pushing.waiting,
        pushing.oldest_at,
        pushing.accepted_at,
        pushing.problem,
        pushing.problem_at,
        row["set_aside"],
    )
