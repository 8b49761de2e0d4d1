"""The classes of events that this agent sends, one model each; `Event` is any of them.

`dumped` gives what is stored and sent.
"""

from typing import Annotated, Any, Literal

from pydantic import Field

from agent.core.ocsf.objects import (
    Application,
    Compliance,
    ConditionFacts,
    Device,
    Evidence,
    FindingFacts,
    FindingInfo,
    LifecycleFacts,
    Metadata,
    OcsfObject,
    Package,
    PolicyChange,
    Remediation,
    Resource,
    SecurityState,
    ServerChange,
    SignOfLife,
)


class EventBase(OcsfObject):
    """What every class has."""

    activity_id: int
    activity_name: str
    type_uid: Annotated[int, Field(description="class_uid * 100 + activity_id")]
    type_name: str
    time: Annotated[int, Field(description="milliseconds since 1970")]
    severity_id: Annotated[int, Field(ge=1, le=5)]
    severity: Literal["Informational", "Low", "Medium", "High", "Critical"]
    message: str
    metadata: Metadata
    device: Device


class _Finding(EventBase):
    category_uid: Literal[2] = 2
    category_name: Literal["Findings"] = "Findings"
    status_id: Literal[1, 2, 4]
    status: Literal["New", "In Progress", "Resolved"]
    finding_info: FindingInfo
    evidences: tuple[Evidence, ...]
    resources: tuple[Resource, ...]
    remediation: Remediation
    unmapped: FindingFacts


class ComplianceFinding(_Finding):
    """A deviation: create when it opens, update when its content changes, close when it is gone."""

    class_uid: Literal[2003] = 2003
    class_name: Literal["Compliance Finding"] = "Compliance Finding"
    compliance: Compliance


class DetectionFinding(_Finding):
    """An alert: what demands action now. It is related to its Compliance Finding."""

    class_uid: Literal[2004] = 2004
    class_name: Literal["Detection Finding"] = "Detection Finding"
    is_alert: Literal[True] = True


class DeviceInventoryInfo(EventBase):
    """The sign of life."""

    class_uid: Literal[5001] = 5001
    class_name: Literal["Device Inventory Info"] = "Device Inventory Info"
    category_uid: Literal[5] = 5
    category_name: Literal["Discovery"] = "Discovery"
    unmapped: SignOfLife


class DeviceConfigStateChange(EventBase):
    """The effective policy changed."""

    class_uid: Literal[5019] = 5019
    class_name: Literal["Device Config State Change"] = "Device Config State Change"
    category_uid: Literal[5] = 5
    category_name: Literal["Discovery"] = "Discovery"
    state_id: Annotated[Literal[1, 2], Field(description="2: a policy is in force; 1: none is")]
    prev_security_states: tuple[SecurityState, ...]
    security_states: tuple[SecurityState, ...]
    unmapped: PolicyChange


class SoftwareInventoryInfo(EventBase):
    """A server is new, changed or gone."""

    class_uid: Literal[5020] = 5020
    class_name: Literal["Software Inventory Info"] = "Software Inventory Info"
    category_uid: Literal[5] = 5
    category_name: Literal["Discovery"] = "Discovery"
    package: Package
    unmapped: ServerChange


class ApplicationLifecycle(EventBase):
    """The agent started, or ends."""

    class_uid: Literal[6002] = 6002
    class_name: Literal["Application Lifecycle"] = "Application Lifecycle"
    category_uid: Literal[6] = 6
    category_name: Literal["Application Activity"] = "Application Activity"
    status_id: Literal[1] = 1
    status: Literal["Success"] = "Success"
    app: Application
    unmapped: LifecycleFacts


class ApplicationError(EventBase):
    """Something in the agent went wrong."""

    class_uid: Literal[6008] = 6008
    class_name: Literal["Application Error"] = "Application Error"
    category_uid: Literal[6] = 6
    category_name: Literal["Application Activity"] = "Application Activity"
    status_id: Literal[2] = 2
    status: Literal["Failure"] = "Failure"
    status_code: Annotated[str, Field(description="the health condition")]
    unmapped: ConditionFacts


Event = Annotated[
    ComplianceFinding
    | DetectionFinding
    | DeviceInventoryInfo
    | DeviceConfigStateChange
    | SoftwareInventoryInfo
    | ApplicationLifecycle
    | ApplicationError,
    Field(discriminator="class_uid"),
]
"""Any of them, told apart by `class_uid`."""


def dumped(event: EventBase) -> dict[str, Any]:
    """Return `event` as the JSON value that is stored and sent, without what has no value."""
    return event.model_dump(mode="json", exclude_none=True)
