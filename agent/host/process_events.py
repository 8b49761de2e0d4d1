"""How this system tells of processes as they start, chosen once; where it doesn't, the sweep of the table has to do."""

import sys

from agent.ports import NoEvents, ProcessEvents


def process_events(beside: int | None = None) -> ProcessEvents | NoEvents:
    """Subscribe to this system's events; on Linux a wait for them ends, too, when `beside` can be read."""
    if sys.platform != "linux":
        return NoEvents("this agent does not use the process events of this system yet")
    from agent.host.process_events_linux import ProcConnector  # noqa: PLC0415 - exists on Linux only

    try:
        return ProcConnector(beside)
    except PermissionError:
        return NoEvents("the kernel's process connector needs root (CAP_NET_ADMIN)")
    except OSError as error:
        return NoEvents(f"the kernel's process connector is not to be had here: {error.strerror}")
