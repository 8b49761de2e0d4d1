"""What is known here and on no device: the controls of the central endpoint, with severity, title and remedy, in one table.

They are `agent.core.control.Control`s and live like any deviation: opened once, updated, closed once.
"""

from agent.core.control import Control
from agent.core.deviation import Severity

_CRITICAL, _HIGH, _MEDIUM, _LOW, _INFO = Severity

_TABLE = (
    Control(
        "device.silent",
        _HIGH,
        "A device stopped reporting",
        "Find out whether the device is in use; if it is, look at the agent there: `mcp-compliance status` and `doctor` say why.",
        attack=("T1562.001",),
    ),
    Control(
        "device.cloned",
        _CRITICAL,
        "Two machines report as one device",
        "Find both machines; on the copy, stop the agent, remove its state folder, and let it enrol anew.",
        attack=("T1078",),
    ),
    Control(
        "device.clock-off",
        _LOW,
        "A device's clock is wrong",
        "Set the device's clock by the organisation's time servers; times in its reports are off by as much.",
    ),
    Control(
        "report.gap",
        _HIGH,
        "Reports of a device are missing",
        "Read the device's journal: `mcp-compliance export` there tells what the reports said.",
        attack=("T1070",),
    ),
    Control(
        "report.elsewhere",
        _LOW,
        "A device did not report here for a while",
        "Unless it was moved on purpose, find out who changed the agent's settings; what opened and closed meanwhile is among its"
        " deviations.",
        attack=("T1562.001",),
    ),
    Control(
        "report.chain-broken",
        _HIGH,
        "Reports of a device do not continue those before",
        "Find out whether the device was put back from a copy; if not, treat its journal as altered.",
        attack=("T1070", "T1565"),
    ),
    Control(
        "agent.outdated",
        _MEDIUM,
        "The agent is outdated",
        "Deploy the current agent to the device from the MDM.",
    ),
    Control(
        "policy.drift",
        _HIGH,
        "A device's policy is another than the fleet's",
        "Push the managed files to the device again from the MDM, or record its policy as expected.",
        attack=("T1562.001",),
    ),
    Control(
        "server.first-seen",
        _LOW,
        "A server that no device had before",
        "Have the server reviewed; allow or deny it in the policy.",
        owasp=("MCP09:2025",),
    ),
    Control(
        "server.spreading",
        _HIGH,
        "A server that is not approved is spreading",
        "Find out where it comes from; deny it in the policy, or have it reviewed and allow it.",
        owasp=("MCP09:2025",),
    ),
)

CONTROLS = {control.id: control for control in _TABLE}
