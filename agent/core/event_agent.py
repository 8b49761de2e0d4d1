"""The agent's own life as OCSF 1.8.0 events: it started, it was stopped (6002), something in it went wrong (6008)."""

from collections.abc import Iterable, Mapping
from typing import Any

from agent.core.documents import ConditionRow, DeviceRow
from agent.core.event_base import base
from agent.core.ocsf.events import ApplicationError, ApplicationLifecycle, dumped
from agent.core.ocsf.objects import Application, ConditionFacts, LifecycleFacts, NotOwed
from agent.core.wire import ENDPOINT

JSON = dict[str, Any]
_NAMES = {ENDPOINT: "the endpoint"}
_START, _STOP = (3, "Start"), (4, "Stop")
_GENERAL_ERROR = (1, "General Error")


def started_event(
    device: DeviceRow, *, at: float, clean: bool, not_owed: Iterable[Mapping[str, Any]] | None = None
) -> JSON:
    """Return what tells that the agent started; `clean` is false where the run before it did not end in order.

    `not_owed` are rows of `NotOwed`: what destinations were never owed that the settings name again.
    """
    rows = tuple(NotOwed(**row) for row in not_owed or ())
    said = [
        f"The agent {device.agent_version} started.",
        *([] if clean else ["The run before it did not end in order."]),
        *(
            f"Its settings name {_NAMES.get(row.destination, row.destination)} again:"
            f" reports {row.first} to {row.last} were not for it."
            for row in rows
        ),
    ]
    return _lifecycle(device, _START, " ".join(said), at, LifecycleFacts(clean=clean, not_owed=rows or None))


def stopped_event(device: DeviceRow, *, at: float, why: str) -> JSON:
    """Return what tells that the agent ends."""
    return _lifecycle(device, _STOP, f"The agent ends: {why}.", at, LifecycleFacts(why=why))


def condition_events(
    device: DeviceRow,
    before: Iterable[str],
    now: Iterable[ConditionRow],
    *,
    at: float,
    counters: Mapping[str, int],
) -> tuple[JSON, ...]:
    """Return an Application Error for each health condition that holds now and did not before, with the agent's counters."""
    known = set(before)
    return tuple(
        dumped(
            ApplicationError(
                **base(device, ApplicationError, _GENERAL_ERROR, at, row.severity),
                message=row.text,
                status_code=row.code,
                unmapped=ConditionFacts(condition=row.code, since=row.since, counters=dict(counters)),
            )
        )
        for row in now
        if row.code not in known
    )


def _lifecycle(device: DeviceRow, activity: tuple[int, str], message: str, at: float, facts: LifecycleFacts) -> JSON:
    return dumped(
        ApplicationLifecycle(
            **base(device, ApplicationLifecycle, activity, at),
            message=message,
            app=Application(version=device.agent_version),
            unmapped=facts,
        )
    )
