"""Who changed what: the audit log, the newest first."""

from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import Field
from sqlalchemy import select, tuple_

from central.asking.ask import Ask, Paged
from central.store.schema import audit


class AuditSearch(Paged):
    """Which changes."""

    actor: Annotated[str, Field(max_length=200, description="only by this person or token")] = ""
    subject: Annotated[str, Field(max_length=200, description="only of this device, cause or exception")] = ""


@dataclass(frozen=True, slots=True)
class AuditLine:
    """One change."""

    id: str
    at: float
    actor: str
    action: str
    subject: str
    detail: dict[str, Any]


@dataclass(frozen=True, slots=True)
class AuditList:
    """The changes, the newest first. `next` is empty where there are no more."""

    actor: str
    subject: str
    changes: tuple[AuditLine, ...]
    next: str


def changes(ask: Ask[AuditSearch]) -> AuditList:
    """List changes."""
    params = ask.params
    query = select(audit)
    if params.actor:
        query = query.where(audit.c.actor == params.actor)
    if params.subject:
        query = query.where(audit.c.subject == params.subject)
    if params.after:
        last = select(audit.c.at).where(audit.c.id == params.after).scalar_subquery()
        query = query.where(tuple_(audit.c.at, audit.c.id) < tuple_(last, params.after))
    query = query.order_by(audit.c.at.desc(), audit.c.id.desc()).limit(params.most + 1)
    rows = ask.connection.execute(query).all()
    lines = tuple(
        AuditLine(row.id, row.at, row.actor, row.action, row.subject, row.detail) for row in rows[: params.most]
    )
    return AuditList(params.actor, params.subject, lines, lines[-1].id if len(rows) > params.most else "")
