"""What changes here in deviations as OCSF events: Detection Findings with the life and the words of the agent's own.

The product is the central endpoint. `number` gives such an event its place in the feed where it is read, so that a receiver
tells it from every other as it does with the agent's: by journal and sequence.
"""

from collections.abc import Mapping
from typing import Any

from agent.core import control as agents
from agent.core.deviation import Deviation
from agent.core.documents import DeviceRow
from agent.core.event import Circumstances, alert_event
from agent.core.ledger import Change
from central.core.control import CONTROLS
from central.core.device import Device

PRODUCT = "mcp-compliance-central"
FEED = "central"
_OS = {"Windows": "windows", "macOS": "macos"}


def event_of(device: Device, change: Change, version: str) -> dict[str, Any]:
    """Return what tells `change` of a deviation of `device`; `version` is this program's."""
    row = DeviceRow(
        id=device.id,
        hostname=device.hostname,
        os=_OS.get(device.os, "linux"),  # type: ignore[arg-type]  # one of the three words
        os_version=device.os_version,
        agent_version=device.agent_version,
        examined_root="/",
    )
    event = alert_event(row, change, Circumstances(device.policy_digest), _control(change.deviation))
    product = {"name": PRODUCT, "vendor_name": PRODUCT, "version": version}
    return {**event, "metadata": {**event["metadata"], "product": product}}


def _control(deviation: Deviation) -> agents.Control:
    """Return the control of `deviation`: one of ours, one of the agents', or what a newer agent told of one."""
    name = deviation.key.control
    known = CONTROLS.get(name) or agents.CONTROLS.get(name)
    return known or agents.Control(name, deviation.severity, deviation.title, deviation.remediation)


def numbered(event: Mapping[str, Any], position: int) -> dict[str, Any]:
    """Return an event of the feed with its `position` where it has no sequence of a device's journal."""
    metadata, unmapped = event.get("metadata", {}), event.get("unmapped", {})
    if "chain" in unmapped:
        return dict(event)
    return {
        **event,
        "metadata": {**metadata, "sequence": position},
        "unmapped": {**unmapped, "chain": {"journal": FEED}},
    }
