"""How this system tells of processes as they start, chosen once; where it doesn't, the sweep of the table has to do."""

import sys
from dataclasses import dataclass

from agent.ports import ProcessEvents


@dataclass(frozen=True, slots=True)
class NoEvents:
    """The system tells nothing to this process; `reason` is a sentence."""

    reason: str


def process_events() -> ProcessEvents | NoEvents:
    """Subscribe to this system's events."""
    if sys.platform != "linux":
        return NoEvents("this agent does not use the process events of this system yet")
    from agent.host.process_events_linux import ProcConnector  # noqa: PLC0415 - exists on Linux only

    try:
        return ProcConnector()
    except PermissionError:
        return NoEvents("the kernel's process connector needs root (CAP_NET_ADMIN)")
    except OSError as error:
        return NoEvents(f"the kernel's process connector is not to be had here: {error.strerror}")
