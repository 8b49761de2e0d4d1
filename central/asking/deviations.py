"""A deviation of a device as people see it: what the device told, and who handles it, with which exception and comments."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, select

from central.asking.ask import Row
from central.asking.exceptions import Excepted, ExceptionRow
from central.store.schema import notes


@dataclass(frozen=True, slots=True)
class Note:
    """A comment on a deviation."""

    at: float
    author: str
    text: str


@dataclass(frozen=True, slots=True)
class DeviationLine:
    """A deviation of a device, with how people handle it. `exception` is what covers it now."""

    device: str
    uid: str
    opened_at: float
    closed_at: float | None
    last_seen: float
    source: str
    control: str
    severity: str
    cause: str
    label: str
    title: str
    text: str
    remediation: str
    user: str | None
    client: str | None
    evidence: tuple[dict[str, str], ...]
    alert: bool
    assignee: str | None
    acknowledged_by: str | None
    acknowledged_at: float | None
    exception: ExceptionRow | None
    notes: tuple[Note, ...]


def line_of(row: Row, excepted: Excepted, notes_of: Mapping[tuple[str, str, float], Any]) -> DeviationLine:
    """Return a row of `deviations` with the exception that covers it and its comments."""
    own = {"evidence", "exception", "notes"}
    values = {name: row[name] for name in DeviationLine.__dataclass_fields__ if name not in own}
    return DeviationLine(
        **values,
        evidence=tuple(_evidence(item) for item in row["evidence"]),
        exception=excepted.of(row["cause"], row["device"]) if row["closed_at"] is None else None,
        notes=tuple(notes_of.get((row["device"], row["uid"], row["opened_at"]), ())),
    )


def notes_by_place(connection: Connection, ids: Sequence[str]) -> dict[tuple[str, str, float], list[Note]]:
    """Return the comments on deviations of devices, oldest first, by (device, uid, opened_at)."""
    found: dict[tuple[str, str, float], list[Note]] = {}
    for row in connection.execute(select(notes).where(notes.c.device.in_(ids)).order_by(notes.c.at)):
        found.setdefault((row.device, row.uid, row.opened_at), []).append(Note(row.at, row.author, row.text))
    return found


def _evidence(item: Mapping[str, Any]) -> dict[str, str]:
    data = item.get("data") or {}
    user = (item.get("user") or {}).get("name")
    text = data.get("text") or user or ", ".join(str(value) for value in data.values())
    return {"kind": str(item.get("name", "")), "text": str(text)}
