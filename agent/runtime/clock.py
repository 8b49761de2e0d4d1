"""The system's clocks."""

import time


class SystemClock:
    """Wall time for people, monotonic time for waiting; see `agent.ports.Clock`."""

    def now(self) -> float:
        """Return Unix time in seconds."""
        return time.time()

    def monotonic(self) -> float:
        """Return seconds that never jump."""
        return time.monotonic()
