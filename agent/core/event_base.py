"""What every event has in common, filled in: class, activity, time, severity, product, device."""

from functools import lru_cache
from typing import Any

from agent.core.deviation import Severity
from agent.core.documents import DeviceRow
from agent.core.ocsf.events import EventBase
from agent.core.ocsf.objects import PRODUCT, Device, Metadata, OperatingSystem, Product

__all__ = ["COLLECT", "LOG", "PRODUCT", "base", "ms"]

_SEVERITY = {
    Severity.CRITICAL: (5, "Critical"),
    Severity.HIGH: (4, "High"),
    Severity.MEDIUM: (3, "Medium"),
    Severity.LOW: (2, "Low"),
    Severity.INFO: (1, "Informational"),
}
_OS_TYPE = {"windows": (100, "Windows"), "linux": (200, "Linux"), "macos": (300, "macOS")}

LOG = (1, "Log")
COLLECT = (2, "Collect")


def base(
    device: DeviceRow,
    model: type[EventBase],
    activity: tuple[int, str],
    at: float,
    severity: Severity = Severity.INFO,
) -> dict[str, Any]:
    """Return the fields that an event of every class has; `at` is Unix seconds and becomes milliseconds."""
    class_uid, name = model.model_fields["class_uid"].default, model.model_fields["class_name"].default
    metadata, machine = _standing(device)
    return {
        "activity_id": activity[0],
        "activity_name": activity[1],
        "type_uid": class_uid * 100 + activity[0],
        "type_name": f"{name}: {activity[1]}",
        "time": ms(at),
        "severity_id": _SEVERITY[severity][0],
        "severity": _SEVERITY[severity][1],
        "metadata": metadata,
        "device": machine,
    }


@lru_cache(maxsize=4)
def _standing(device: DeviceRow) -> tuple[Metadata, Device]:
    """Return what is the same in every event of a run."""
    os_type, label = _OS_TYPE[device.os]
    system = OperatingSystem.model_validate(
        {"name": label, "type": label, "type_id": os_type, "version": device.os_version}
    )
    return (
        Metadata(product=Product(version=device.agent_version)),
        Device(uid=device.id, hostname=device.hostname, os=system),
    )


def ms(seconds: float) -> int:
    """Return Unix seconds as OCSF's milliseconds."""
    return round(seconds * 1000)
