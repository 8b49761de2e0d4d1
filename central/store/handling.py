"""What people do about alerts: acknowledge, assign, comment, suppress. Each is one transaction with its row in the audit log.

An alert group is a cause; `device` narrows it to one device. Nothing is deleted: an exception has a reason and
an end, and is ended by a person or by time.
"""

import uuid
from dataclasses import dataclass

from sqlalchemy import ColumnElement, Connection, insert, select, update

from central.store import cursors
from central.store.auditing import record
from central.store.engine import upsert
from central.store.schema import deviations, devices, exceptions, notes


@dataclass(frozen=True, slots=True)
class Group:
    """Which open deviations: all of a cause, or (with `device`) those of one device."""

    cause: str
    device: str = ""

    @property
    def where(self) -> tuple[ColumnElement[bool], ...]:
        """The condition on `deviations`."""
        chosen: list[ColumnElement[bool]] = [deviations.c.cause == self.cause, deviations.c.closed_at.is_(None)]
        return (*chosen, deviations.c.device == self.device) if self.device else tuple(chosen)

    def __str__(self) -> str:
        return f"{self.cause} on {self.device}" if self.device else self.cause


@dataclass(frozen=True, slots=True)
class Act:
    """By whom and when (Unix seconds)."""

    actor: str
    at: float


def acknowledge(connection: Connection, group: Group, act: Act) -> int:
    """Note that somebody looks after these; return how many there are that nobody had acknowledged."""
    open_ones = update(deviations).where(*group.where, deviations.c.acknowledged_by.is_(None))
    done = connection.execute(open_ones.values(acknowledged_by=act.actor, acknowledged_at=act.at)).rowcount
    _told(connection, act, "alert.acknowledge", group, done)
    return done


def assign(connection: Connection, group: Group, act: Act, assignee: str) -> int:
    """Give these to `assignee` (empty: to nobody); return how many there are."""
    done = connection.execute(update(deviations).where(*group.where).values(assignee=assignee or None)).rowcount
    _told(connection, act, "alert.assign", group, done, assignee=assignee)
    return done


def comment(connection: Connection, group: Group, act: Act, text: str) -> int:
    """Write a comment on each; return how many there are."""
    places = connection.execute(
        select(deviations.c.device, deviations.c.uid, deviations.c.opened_at).where(*group.where)
    ).all()
    rows = [
        {
            "device": row.device,
            "uid": row.uid,
            "opened_at": row.opened_at,
            "id": uuid.uuid4().hex,
            "at": act.at,
            "author": act.actor,
            "text": text,
        }
        for row in places
    ]
    upsert(connection, notes, rows)
    _told(connection, act, "alert.comment", group, len(rows), text=text)
    return len(rows)


def suppress(connection: Connection, group: Group, act: Act, reason: str, expires_at: float) -> str | None:
    """Make an exception for the group, in place of one in force for the same; return its id, None where nothing is open."""
    named = connection.execute(select(deviations.c.control, deviations.c.label).where(*group.where).limit(1)).first()
    if named is None:
        return None
    same = (exceptions.c.cause == group.cause, exceptions.c.device == group.device, exceptions.c.ended_at.is_(None))
    connection.execute(update(exceptions).where(*same).values(ended_at=act.at, ended_by=act.actor))
    row = {
        "id": uuid.uuid4().hex,
        "device": group.device,
        "cause": group.cause,
        "control": named.control,
        "label": named.label,
        "reason": reason,
        "made_by": act.actor,
        "made_at": act.at,
        "expires_at": expires_at,
        "ended_by": "",
    }
    connection.execute(insert(exceptions), row)
    detail = {"reason": reason, "expires_at": expires_at, "control": named.control, "label": named.label}
    record(connection, act.actor, "exception.make", str(group), act.at, {"id": row["id"], **detail})
    return str(row["id"])


def end_exception(connection: Connection, key: str, act: Act) -> bool:
    """End an exception before its time; return whether there was one in force."""
    ended = update(exceptions).where(exceptions.c.id == key, exceptions.c.ended_at.is_(None))
    done = connection.execute(ended.values(ended_at=act.at, ended_by=act.actor)).rowcount > 0
    if done:
        record(connection, act.actor, "exception.end", key, act.at)
    return done


def want_look(connection: Connection, device: str, act: Act) -> bool:
    """Ask the agent of `device` for a fresh look at its next contact; return whether there is such a device."""
    wanted = update(devices).where(devices.c.device == device).values(look_wanted_at=act.at)
    done = connection.execute(wanted).rowcount > 0
    if done:
        record(connection, act.actor, "device.look", device, act.at)
    return done


def send_again(connection: Connection, destination: str, act: Act) -> int | None:
    """Have what was set aside for a destination sent again; return how many alerts that are, None where there are none."""
    alerts = cursors.send_again(connection, destination)
    if alerts:
        record(connection, act.actor, "destination.send-again", destination, act.at, {"alerts": alerts})
    return alerts or None


def _told(connection: Connection, act: Act, action: str, group: Group, done: int, **detail: str) -> None:
    if done:
        record(connection, act.actor, action, str(group), act.at, {"deviations": done, **detail})
