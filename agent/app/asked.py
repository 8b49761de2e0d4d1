"""A fresh look that somebody at the endpoint asked for: every source looks, and the next sign of life says that it came."""

import threading
from collections.abc import Sequence
from dataclasses import dataclass, field

from agent.ports import Clock
from agent.runtime.watcher import Watcher


@dataclass(eq=False)
class AskedLook:
    """`ask` is called by deliveries, the rest by the ticker. Times are Unix seconds.

    A request is known by its time, which is the endpoint's: it is done once, and answered with a time that is not before it,
    whichever of the two clocks is right.
    """

    clock: Clock
    watchers: Sequence[Watcher] = ()
    _wanted: float | None = field(default=None, init=False)
    _done: float = field(default=0.0, init=False)
    _since: float = field(default=0.0, init=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, init=False)

    def ask(self, at: float) -> None:
        """Have every source look; a request that was done already, or is under way, is the same one."""
        with self._lock:
            if at <= self._done or at == self._wanted:
                return
            self._wanted, self._since = at, self.clock.now()
        self.wake()

    def wake(self) -> None:
        """Have every source look soon."""
        for watcher in self.watchers:
            watcher.wake()

    def looked_at(self) -> float | None:
        """Return since when everything that is known was looked at, None before every source has looked once."""
        times = [watcher.looked_at for watcher in self.watchers]
        known = [at for at in times if at is not None]
        return max(min(known), self._done) if known and len(known) == len(times) else None

    def came(self, judged_at: float) -> bool:
        """Say whether what was asked for has come, in a judgement of `judged_at`; it is said once."""
        with self._lock:
            if self._wanted is None or judged_at < self._since:
                return False
            times = [watcher.looked_at for watcher in self.watchers]
            if any(at is None or at < self._since for at in times):
                return False
            self._done, self._wanted = self._wanted, None
            return True
