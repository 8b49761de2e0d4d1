"""How this system tells of processes as they start; where it doesn't, the sweep of the table has to do."""

import sys
from collections.abc import Collection

from agent.ports import NoEvents, ProcessEvents


def process_events(marks: Collection[str] = (), beside: int | None = None) -> ProcessEvents | NoEvents:
    """Subscribe to this system's events.

    `marks` are the names of environment variables that are looked for, where the events tell of them. On Linux a wait for
    events ends, too, when `beside` can be read.
    """
    if sys.platform == "linux":
        from agent.host.process_events_linux import ProcConnector  # noqa: PLC0415 - exists on Linux only

        try:
            return ProcConnector(beside)
        except PermissionError:
            return NoEvents("the kernel's process connector needs root (CAP_NET_ADMIN)")
        except OSError as error:
            return NoEvents(f"the kernel's process connector is not to be had here: {error.strerror}")
    elif sys.platform == "darwin":
        from agent.host.process_events_macos import EsLogger  # noqa: PLC0415 - needed on macOS only

        try:
            return EsLogger(marks)
        except OSError as error:
            remedy = "run the agent as root and grant it Full Disk Access (a PPPC profile of the MDM does)"
            return NoEvents(f"{error.strerror or error}; {remedy}")
    else:
        return NoEvents("this agent does not use the process events of this system yet")
