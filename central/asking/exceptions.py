"""Exceptions in force: what is suppressed, on which device or on all, why, by whom and until when."""

from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import Connection, or_, select

from central.asking.ask import Row
from central.store.schema import exceptions


@dataclass(frozen=True, slots=True)
class ExceptionRow:
    """One exception; an empty `device` means all. `ended_at` and `ended_by` where a person ended it before its time."""

    id: str
    device: str
    cause: str
    control: str
    label: str
    reason: str
    made_by: str
    made_at: float
    expires_at: float
    ended_at: float | None
    ended_by: str


@dataclass(frozen=True, slots=True)
class Excepted:
    """The exceptions in force at one time, by (cause, device)."""

    by_place: Mapping[tuple[str, str], ExceptionRow]

    def of(self, cause: str, device: str) -> ExceptionRow | None:
        """Return the exception that covers a cause on a device."""
        return self.by_place.get((cause, device)) or self.by_place.get((cause, ""))


def in_force(connection: Connection, now: float, device: str | None = None) -> Excepted:
    """Return the exceptions in force, of `device` and of all, or (None) every one."""
    query = select(exceptions).where(exceptions.c.ended_at.is_(None), exceptions.c.expires_at > now)
    if device is not None:
        query = query.where(or_(exceptions.c.device == device, exceptions.c.device == ""))
    rows = [row_of(row) for row in connection.execute(query.order_by(exceptions.c.made_at)).mappings()]
    return Excepted({(row.cause, row.device): row for row in rows})


def listed(connection: Connection, most: int = 200) -> tuple[ExceptionRow, ...]:
    """Return the newest exceptions, those that ended too."""
    query = select(exceptions).order_by(exceptions.c.made_at.desc(), exceptions.c.id).limit(most)
    return tuple(row_of(row) for row in connection.execute(query).mappings())


def row_of(row: Row) -> ExceptionRow:
    """Return a row of the table."""
    return ExceptionRow(**{name: row[name] for name in ExceptionRow.__dataclass_fields__})
