"""The public part of the status: what anybody on the device may know, and what each user may know besides.

Anybody may know how the device stands, since when, and what to do; not who else uses it, nor what the others run. A user may know
the own servers and deviations. Both have the shape of the status document with parts left out.
"""

from dataclasses import dataclass, replace
from typing import Annotated, Literal

from pydantic import Field

from agent.core.advice import UNNAMED
from agent.core.control import CONTROLS, within
from agent.core.deviation import Severity
from agent.core.documents import (
    DeliveryRow,
    DeviationRow,
    DeviceState,
    IdsRow,
    ServerRow,
    StatusDocument,
    SummaryRow,
)


@dataclass(frozen=True, slots=True)
class PublicDevice:
    """The machine, without what identifies it in reports."""

    hostname: str
    os: str
    os_version: str
    agent_version: str


@dataclass(frozen=True, slots=True)
class PublicPolicy:
    """Whether a policy is in force; not what is in it."""

    state: str
    digest: str


@dataclass(frozen=True, slots=True)
class PublicCheck:
    """The public part of the check. A deviation shows its control's own words, and nothing of its subject."""

    device: PublicDevice
    policy: PublicPolicy
    deviations: tuple[DeviationRow, ...]
    summary: SummaryRow


@dataclass(frozen=True, slots=True)
class PublicCondition:
    """A health condition without its details."""

    code: str
    severity: Severity
    since: float


@dataclass(frozen=True, slots=True)
class PublicDocument:
    """How the device stands, for everybody on it."""

    written_at: float
    stale_after_s: float
    started_at: float
    check: PublicCheck
    health: tuple[PublicCondition, ...]
    delivery: tuple[DeliveryRow, ...]
    state_since: float | None = None
    ended_at: float | None = None
    schema: Literal["mcp-compliance/public/1"] = "mcp-compliance/public/1"


@dataclass(frozen=True, slots=True)
class UserDocument:
    """What one user may know besides: the own servers and deviations, whole."""

    written_at: float
    user: str
    servers: Annotated[
        tuple[ServerRow, ...], Field(description="servers of this user, and those that hold for the device")
    ]
    deviations: tuple[DeviationRow, ...]
    schema: Literal["mcp-compliance/user/1"] = "mcp-compliance/user/1"


def public_document(status: StatusDocument) -> PublicDocument:
    """Return the part of `status` that everybody on the device may read."""
    check = status.check
    return PublicDocument(
        written_at=status.written_at,
        stale_after_s=status.stale_after_s,
        started_at=status.started_at,
        check=PublicCheck(
            PublicDevice(check.device.hostname, check.device.os, check.device.os_version, check.device.agent_version),
            PublicPolicy(check.policy.state, check.policy.digest),
            tuple(_unnamed(row) for row in check.deviations),
            replace(check.summary, why=_why(check.summary.state, check.deviations)),
        ),
        health=tuple(PublicCondition(row.code, row.severity, row.since) for row in status.health),
        delivery=tuple(
            replace(row, problem="reports do not get through" if row.problem else None) for row in status.delivery
        ),
        state_since=status.state_since,
        ended_at=status.ended_at,
    )


def user_document(status: StatusDocument, user: str) -> UserDocument:
    """Return what `user` may know besides."""
    return UserDocument(
        written_at=status.written_at,
        user=user,
        servers=tuple(row for row in status.check.servers if row.user in (user, None)),
        deviations=tuple(row for row in status.check.deviations if row.user == user),
    )


def _unnamed(row: DeviationRow) -> DeviationRow:
    control = CONTROLS[row.control]
    return DeviationRow(
        control=row.control,
        severity=row.severity,
        subject=UNNAMED,
        title=control.title,
        text=f"{control.title}.",
        remediation=control.remedy,
        evidence=(),
        ids=IdsRow(),
        uid=row.uid,
        since=row.since,
    )


def _why(state: DeviceState, deviations: tuple[DeviationRow, ...]) -> str:
    counting = [row for row in deviations if row.severity.counts]
    if state == "compliant":
        return "Nothing deviates on this device."
    if state == "unknown" or not counting:
        return "It is not known how this device stands: a part of it could not be looked at."
    worst = min(counting, key=lambda row: row.severity.rank)
    number = "one open deviation" if len(counting) == 1 else f"{len(counting)} open deviations, the worst"
    return f"This device deviates: {number} is {worst.severity.value}, {within(CONTROLS[worst.control].title)}."
