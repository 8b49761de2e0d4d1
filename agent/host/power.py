"""Whether the machine runs on its battery. A machine that has none, or cannot tell, runs on mains."""

import sys
import time
from collections.abc import Callable

if sys.platform == "linux":
    from agent.host.power_linux import on_battery
else:
    import psutil

    def on_battery() -> bool:
        """Ask the system."""
        battery = psutil.sensors_battery()
        return battery is not None and battery.power_plugged is False  # None: the system does not know


ASK_S = 20.0
"""How long an answer counts: asking takes a dozen reads."""


class Power:
    """Asks now and then, and answers in between from memory. Any thread may ask."""

    def __init__(self, ask: Callable[[], bool] = on_battery, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._ask, self._monotonic = ask, monotonic
        self._known, self._due = False, float("-inf")

    def on_battery(self) -> bool:
        """Say whether the machine runs on its battery."""
        now = self._monotonic()
        if now >= self._due:
            self._due = now + ASK_S
            self._known = self._ask()
        return self._known
