"""OCSF 1.8.0 events: how a change of a deviation, and the agent's own sign of life, look on the wire.

A deviation is a Compliance Finding (class 2003): create when it opens, update when its content changes, close when it is gone.
`finding_info.uid` is stable for (device, control, subject). A heartbeat is a Device Inventory Info (class 5001).
Published schema: https://schema.ocsf.io/1.8.0/classes/compliance_finding and …/inventory_info.

Everything that comes in is redacted already; this module only puts it in place.
"""

import hashlib
import json
from collections import Counter
from typing import Any

from agent.core.control import CONTROLS
from agent.core.deviation import Deviation, Key, Severity
from agent.core.documents import DeviceRow, StatusDocument
from agent.core.ledger import ChangeKind

OCSF_VERSION = "1.8.0"
PRODUCT = "mcp-compliance-agent"

_ACTIVITY = {ChangeKind.OPENED: (1, "Create"), ChangeKind.UPDATED: (2, "Update"), ChangeKind.CLOSED: (3, "Close")}
_STATUS = {ChangeKind.OPENED: (1, "New"), ChangeKind.UPDATED: (2, "In Progress"), ChangeKind.CLOSED: (4, "Resolved")}
_SEVERITY = {
    Severity.CRITICAL: (5, "Critical"),
    Severity.HIGH: (4, "High"),
    Severity.MEDIUM: (3, "Medium"),
    Severity.LOW: (2, "Low"),
    Severity.INFO: (1, "Informational"),
}
_OS_TYPE = {"windows": (100, "Windows"), "linux": (200, "Linux"), "macos": (300, "macOS")}
_DEVICE_TYPE = (3, "Laptop")


def finding_uid(device: str, key: Key) -> str:
    """Return the id that every report about this deviation on this device carries, for all time."""
    return hashlib.sha256(json.dumps([device, key.control, key.subject]).encode()).hexdigest()


def finding_event(
    device: DeviceRow, deviation: Deviation, kind: ChangeKind, *, at: float, first_seen: float, last_seen: float
) -> dict[str, Any]:
    """Return the Compliance Finding for one change; times are Unix seconds and become milliseconds."""
    control = CONTROLS[deviation.key.control]
    failing = kind is not ChangeKind.CLOSED
    uid = finding_uid(device.id, deviation.key)
    return {
        **_base(device, 2003, _ACTIVITY[kind], at),
        "severity_id": _SEVERITY[deviation.severity][0],
        "severity": _SEVERITY[deviation.severity][1],
        "status_id": _STATUS[kind][0],
        "status": _STATUS[kind][1],
        "message": deviation.text,
        "finding_info": {
            "uid": uid,
            "title": deviation.title,
            "desc": deviation.text,
            "types": [control.id],
            "created_time": _ms(first_seen),
            "first_seen_time": _ms(first_seen),
            "last_seen_time": _ms(last_seen),
            "attacks": [{"technique": {"uid": technique}} for technique in (*control.attack, *control.atlas)],
            "analytic": {"uid": control.id, "name": control.title, "type_id": 1, "type": "Rule"},
        },
        "compliance": {
            "control": control.id,
            "standards": ["organisation MCP policy", *(f"OWASP MCP Top 10 {item}" for item in control.owasp)],
            "status_id": 3 if failing else 1,
            "status": "Fail" if failing else "Pass",
            "status_details": [deviation.text],
        },
        "evidences": [{"name": item.kind, "data": {"text": item.text}} for item in deviation.evidence],
        "remediation": {"desc": deviation.remediation},
        "resources": [
            {"name": deviation.label, "uid": deviation.key.subject}
            | ({"owner": {"name": deviation.user}} if deviation.user else {})
        ],
    }


def heartbeat_event(status: StatusDocument, *, at: float) -> dict[str, Any]:
    """Return the sign of life: how the device stands, what could not be looked at, and how the agent itself does."""
    check = status.check
    return {
        **_base(check.device, 5001, (2, "Collect"), at),
        "severity_id": 1,
        "severity": "Informational",
        "message": check.summary.why,
        "unmapped": {
            "state": check.summary.state,
            "counts": check.summary.counts,
            "coverage": dict(Counter(row.state.value for row in check.coverage)),
            "policy_digest": check.policy.digest,
            "health": [{"code": row.code, "severity": row.severity.value, "text": row.text} for row in status.health],
        },
    }


def _base(device: DeviceRow, class_uid: int, activity: tuple[int, str], at: float) -> dict[str, Any]:
    name = {2003: "Compliance Finding", 5001: "Device Inventory Info"}[class_uid]
    category = {2: "Findings", 5: "Discovery"}[class_uid // 1000]
    os_type, os_label = _OS_TYPE[device.os]
    return {
        "class_uid": class_uid,
        "class_name": name,
        "category_uid": class_uid // 1000,
        "category_name": category,
        "activity_id": activity[0],
        "activity_name": activity[1],
        "type_uid": class_uid * 100 + activity[0],
        "type_name": f"{name}: {activity[1]}",
        "time": _ms(at),
        "metadata": {
            "version": OCSF_VERSION,
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


def _ms(seconds: float) -> int:
    return round(seconds * 1000)
