"""What every event has in common: class, activity, product, device. The words of OCSF 1.8.0 stand here once.

Published schema: https://schema.ocsf.io/1.8.0/. The tests hold every kind of event to it.
"""

from typing import Any

from agent.core.deviation import Severity
from agent.core.documents import DeviceRow

OCSF_VERSION = "1.8.0"
PRODUCT = "mcp-compliance-agent"

_CLASS = {
    2003: "Compliance Finding",
    2004: "Detection Finding",
    5001: "Device Inventory Info",
    5019: "Device Config State Change",
    5020: "Software Inventory Info",
    6002: "Application Lifecycle",
    6008: "Application Error",
}
CLASSES = tuple(_CLASS)
"""Every class of event that this agent sends."""

_CATEGORY = {2: "Findings", 5: "Discovery", 6: "Application Activity"}
_SEVERITY = {
    Severity.CRITICAL: (5, "Critical"),
    Severity.HIGH: (4, "High"),
    Severity.MEDIUM: (3, "Medium"),
    Severity.LOW: (2, "Low"),
    Severity.INFO: (1, "Informational"),
}
_OS_TYPE = {"windows": (100, "Windows"), "linux": (200, "Linux"), "macos": (300, "macOS")}
_DEVICE_TYPE = (3, "Laptop")

LOG = (1, "Log")
COLLECT = (2, "Collect")


def base(
    device: DeviceRow, class_uid: int, activity: tuple[int, str], at: float, severity: Severity = Severity.INFO
) -> dict[str, Any]:
    """Return the part that every event has; `at` is Unix seconds and becomes milliseconds."""
    name, category = _CLASS[class_uid], class_uid // 1000
    os_type, os_label = _OS_TYPE[device.os]
    return {
        "class_uid": class_uid,
        "class_name": name,
        "category_uid": category,
        "category_name": _CATEGORY[category],
        "activity_id": activity[0],
        "activity_name": activity[1],
        "type_uid": class_uid * 100 + activity[0],
        "type_name": f"{name}: {activity[1]}",
        "time": ms(at),
        "severity_id": _SEVERITY[severity][0],
        "severity": _SEVERITY[severity][1],
        "metadata": {
            "version": OCSF_VERSION,
            "profiles": ["host"],
            "product": {"name": PRODUCT, "vendor_name": PRODUCT, "version": device.agent_version},
        },
        "device": {
            "uid": device.id,
            "hostname": device.hostname,
            "type_id": _DEVICE_TYPE[0],
            "type": _DEVICE_TYPE[1],
            "os": {"name": os_label, "type": os_label, "type_id": os_type, "version": device.os_version},
        },
    }


def ms(seconds: float) -> int:
    """Return Unix seconds as OCSF's milliseconds."""
    return round(seconds * 1000)
