"""How this system tells of processes as they start; where it doesn't, the sweep of the table has to do."""

import sys
from collections.abc import Collection

from agent.ports import NoEvents, ProcessEvents

if sys.platform == "linux":
    from agent.host.process_events_linux import ProcConnector

    def process_events(marks: Collection[str] = (), beside: int | None = None) -> ProcessEvents | NoEvents:
        """Subscribe to the kernel's events; a wait for them ends, too, when `beside` can be read."""
        del marks  # the events tell of no environment
        try:
            return ProcConnector(beside)
        except PermissionError:
            return NoEvents("the kernel's process connector needs root (CAP_NET_ADMIN)")
        except OSError as error:
            return NoEvents(f"the kernel's process connector is not to be had here: {error.strerror}")

elif sys.platform == "darwin":
    from agent.host.process_events_macos import EsLogger

    def process_events(marks: Collection[str] = ()) -> ProcessEvents | NoEvents:
        """Subscribe to the system's events; `marks` are the names of environment variables that are looked for."""
        try:
            return EsLogger(marks)
        except OSError as error:
            remedy = "run the agent as root and grant it Full Disk Access (a PPPC profile of the MDM does)"
            return NoEvents(f"{error.strerror or error}; {remedy}")

else:
    from agent.host.process_events_windows import KernelTrace

    def process_events(marks: Collection[str] = ()) -> ProcessEvents | NoEvents:
        """Subscribe to the kernel's trace."""
        del marks  # it tells of no environment
        try:
            return KernelTrace()
        except OSError as error:
            return NoEvents(f"Windows gives no process trace here ({error.strerror}); run the agent as a service")
