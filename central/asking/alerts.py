"""Open alerts, one line per cause: how bad, how old, on how many devices; and one cause with every device that it is on."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import Field
from sqlalchemy import ColumnElement, and_, case, func, not_, or_, select

from central.asking.ask import Ask, NotThereError, Paged, Params, Row
from central.asking.deviations import DeviationLine, line_of, notes_by_place
from central.asking.exceptions import ExceptionRow, in_force, listed
from central.store.schema import deviations, devices, exceptions

Order = Literal["severity", "age", "spread"]
Handled = Literal["open", "suppressed", "all"]
Severity = Literal["", "critical", "high", "medium", "low", "info"]
_MOST_DEVICES = 500


class AlertSearch(Paged):
    """Which alerts, in which order."""

    order: Annotated[Order, Field(description="the worst, the oldest or the most widespread first")] = "severity"
    show: Annotated[Handled, Field(description="open ones, suppressed ones, or both")] = "open"
    severity: Annotated[Severity, Field(description="only this one")] = ""
    assignee: Annotated[str, Field(max_length=200, description="only those of this person")] = ""
    q: Annotated[str, Field(max_length=200, description="text in the title, or in what it is about")] = ""
    findings: Annotated[bool, Field(description="deviations too that the agents do not alert about")] = False


@dataclass(frozen=True, slots=True)
class CauseLine:
    """One cause. `oldest` and `newest` are when it opened first and last; `acknowledged` and `suppressed` count devices' rows.

    `label` is that of the worst and oldest, of so many different `labels`.
    """

    cause: str
    control: str
    severity: str
    title: str
    label: str
    text: str
    remediation: str
    devices: int
    deviations: int
    labels: int
    oldest: float
    newest: float
    acknowledged: int
    suppressed: int
    assignees: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class AlertList:
    """The causes in the wanted order. `next` is empty where there are no more."""

    order: str
    show: str
    severity: str
    assignee: str
    q: str
    findings: bool
    causes: tuple[CauseLine, ...]
    open_by_severity: dict[str, int]
    next: str


@dataclass(frozen=True, slots=True)
class CauseAnswer:
    """One cause and where it is open. `truncated` says that there are more devices than are listed."""

    cause: CauseLine
    deviations: tuple[DeviationLine, ...]
    hostnames: dict[str, str]
    exceptions: tuple[ExceptionRow, ...]
    truncated: bool


@dataclass(frozen=True, slots=True)
class ExceptionList:
    """Exceptions, the newest first; `now` tells which are in force."""

    now: float
    exceptions: tuple[ExceptionRow, ...]


def alerts(ask: Ask[AlertSearch]) -> AlertList:
    """List open alerts by cause."""
    params = ask.params
    skip = int(params.after) if params.after.isascii() and params.after.isdigit() else 0
    rows = _causes(ask, _chosen(params), params.order, params.most + 1, skip)
    more = len(rows) > params.most
    causes = tuple(_line(ask, row) for row in rows[: params.most])
    return AlertList(
        params.order,
        params.show,
        params.severity,
        params.assignee,
        params.q,
        params.findings,
        causes,
        _by_severity(ask),
        str(skip + params.most) if more else "",
    )


def cause(ask: Ask[Params]) -> CauseAnswer:
    """Answer for the cause of the path.

    Raises:
        NotThereError: it is open nowhere.
    """
    key = ask.place["cause"]
    rows = _causes(ask, [deviations.c.cause == key], "severity", 1, 0)
    if not rows:
        raise NotThereError(f"nothing is open of the cause {key}")
    query = select(deviations).where(deviations.c.cause == key, deviations.c.closed_at.is_(None))
    query = query.order_by(deviations.c.opened_at, deviations.c.device).limit(_MOST_DEVICES + 1)
    found = ask.connection.execute(query).mappings().all()
    ids = sorted({row["device"] for row in found})
    said = notes_by_place(ask.connection, ids)
    excepted = in_force(ask.connection, ask.now)
    named = ask.connection.execute(select(devices.c.device, devices.c.hostname).where(devices.c.device.in_(ids)))
    own = tuple(row for row in excepted.by_place.values() if row.cause == key)
    lines = tuple(line_of(row, excepted, said) for row in found[:_MOST_DEVICES])
    hostnames = {row.device: row.hostname for row in named}
    return CauseAnswer(_line(ask, rows[0]), lines, hostnames, own, truncated=len(found) > _MOST_DEVICES)


def exceptions_made(ask: Ask[Params]) -> ExceptionList:
    """List exceptions."""
    return ExceptionList(ask.now, listed(ask.connection))


def covered(now: float) -> ColumnElement[bool]:
    """Return the condition that an exception covers a row of `deviations`."""
    fits = and_(
        exceptions.c.cause == deviations.c.cause,
        or_(exceptions.c.device == deviations.c.device, exceptions.c.device == ""),
        exceptions.c.ended_at.is_(None),
        exceptions.c.expires_at > now,
    )
    return select(exceptions.c.id).where(fits).exists()


def _chosen(params: AlertSearch) -> list[ColumnElement[bool]]:
    chosen: list[ColumnElement[bool]] = []
    if not params.findings:
        chosen.append(deviations.c.alert.is_(True))
    if params.severity:
        chosen.append(deviations.c.severity == params.severity)
    if params.assignee:
        chosen.append(deviations.c.assignee == params.assignee)
    if params.q:
        low = params.q.lower()
        texts = (deviations.c.title, deviations.c.label, deviations.c.text, deviations.c.control)
        chosen.append(or_(*(func.lower(column).contains(low, autoescape=True) for column in texts)))
    return chosen


def _causes(ask: Ask[Any], chosen: Sequence[ColumnElement[bool]], order: Order, most: int, skip: int) -> Sequence[Row]:
    suppressed = covered(ask.now)
    show = getattr(ask.params, "show", "all")
    if show != "all":
        chosen = [*chosen, suppressed if show == "suppressed" else not_(suppressed)]
    number, oldest, rank = (
        func.count(deviations.c.device.distinct()).label("devices"),
        func.min(deviations.c.opened_at).label("oldest"),
        func.min(deviations.c.rank).label("rank"),
    )
    query = (
        select(
            deviations.c.cause,
            number,
            oldest,
            rank,
            func.count().label("deviations"),
            func.count(deviations.c.label.distinct()).label("labels"),
            func.max(deviations.c.opened_at).label("newest"),
            func.sum(case((deviations.c.acknowledged_by.is_not(None), 1), else_=0)).label("acknowledged"),
            func.sum(case((suppressed, 1), else_=0)).label("suppressed"),
        )
        .where(deviations.c.closed_at.is_(None), *chosen)
        .group_by(deviations.c.cause)
    )
    by = {"severity": (rank, number.desc()), "age": (oldest,), "spread": (number.desc(), rank)}[order]
    return ask.connection.execute(query.order_by(*by, deviations.c.cause).limit(most).offset(skip)).mappings().all()


def _line(ask: Ask[Any], row: Row) -> CauseLine:
    """Return the line of a cause, in the words of its worst and oldest deviation."""
    of_cause = (deviations.c.cause == row["cause"], deviations.c.closed_at.is_(None))
    first = select(deviations).where(*of_cause).order_by(deviations.c.rank, deviations.c.opened_at).limit(1)
    words = ask.connection.execute(first).mappings().one()
    given = select(deviations.c.assignee).distinct().where(*of_cause, deviations.c.assignee.is_not(None))
    names = ("control", "severity", "title", "label", "text", "remediation")
    numbers = ("devices", "deviations", "labels", "oldest", "newest", "acknowledged", "suppressed")
    return CauseLine(
        cause=row["cause"],
        **{name: words[name] for name in names},
        **{name: row[name] for name in numbers},
        assignees=tuple(ask.connection.execute(given.order_by(deviations.c.assignee)).scalars()),
    )


def _by_severity(ask: Ask[Any]) -> dict[str, int]:
    query = select(deviations.c.severity, func.count(deviations.c.cause.distinct()).label("number"))
    query = query.where(deviations.c.closed_at.is_(None), deviations.c.alert.is_(True), not_(covered(ask.now)))
    query = query.group_by(deviations.c.severity, deviations.c.rank).order_by(deviations.c.rank)
    return {row.severity: row.number for row in ask.connection.execute(query)}
