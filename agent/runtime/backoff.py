"""How long to wait before the next try: full jitter, so that a fleet that fails together does not come back together."""

from dataclasses import dataclass
from random import Random


@dataclass(frozen=True)
class Backoff:
    """Delays in seconds: uniform between 0 and `base_s` doubled with each failure, never above `cap_s`."""

    random: Random
    base_s: float
    cap_s: float

    def delay(self, failures: int, after_s: float | None = None) -> float:
        """Return the delay after `failures` (1, 2, 3 …) in a row.

        `after_s` is the other side's own wish (Retry-After). It is honoured up to the cap; the jitter comes on top of it,
        as everybody was told the same.
        """
        jitter = self.random.uniform(0.0, min(self.cap_s, self.base_s * 2.0 ** min(failures, 62)))
        if after_s is None:
            return jitter
        return min(self.cap_s, max(after_s, 0.0) + min(jitter, max(after_s, 0.0) + self.base_s))
