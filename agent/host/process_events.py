"""How this system tells of processes as they start; where it doesn't, the sweep of the table has to do."""

import sys

from agent.host.environment import Keeping
from agent.ports import NoEvents, ProcessEvents

if sys.platform == "linux":
    from agent.host.process_events_linux import ProcConnector

    def process_events(keeping: Keeping | None = None, beside: int | None = None) -> ProcessEvents | NoEvents:
        """Subscribe to the kernel's events; a wait for them ends, too, when `beside` can be read."""
        del keeping  # the events tell of no environment
        try:
            return ProcConnector(beside)
        except PermissionError:
            return NoEvents("the kernel's process connector needs root (CAP_NET_ADMIN)")
        except OSError as error:
            return NoEvents(f"the kernel's process connector is not to be had here: {error.strerror}")

elif sys.platform == "darwin":
    from agent.host.process_events_macos import EsLogger

    def process_events(keeping: Keeping | None = None) -> ProcessEvents | NoEvents:
        """Subscribe to the system's events; `keeping` says what is kept of an environment."""
        try:
            return EsLogger(keeping)
        except OSError as error:
            remedy = "run the agent as root and grant it Full Disk Access (a PPPC profile of the MDM does)"
            return NoEvents(f"{error.strerror or error}; {remedy}")

else:
    from agent.host.process_events_windows import KernelTrace

    def process_events(keeping: Keeping | None = None) -> ProcessEvents | NoEvents:
        """Subscribe to the kernel's trace."""
        del keeping  # it tells of no environment
        try:
            return KernelTrace()
        except OSError as error:
            return NoEvents(f"Windows gives no process trace here ({error.strerror}); run the agent as a service")
