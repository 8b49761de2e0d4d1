"""Health conditions as data: what is wrong with the agent itself, each with a code, a severity, a sentence and since when.

A condition is shown once it has held for a while (a laptop is offline every night), and not while its cause is shown: one
trouble is told once.
"""

import threading
from dataclasses import dataclass

from agent.core.documents import ConditionRow
from agent.ports import Clock
from agent.status.conditions import CONDITIONS


@dataclass(frozen=True, slots=True)
class _Held:
    text: str
    since: float  # wall clock, for people
    began: float  # monotonic


class Health:
    """The conditions that hold now. Any thread may set or clear; `rows` is a snapshot in the table's order."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._held: dict[str, _Held] = {}

    def set(self, code: str, detail: str) -> None:
        """State that condition `code` holds, with what is known about it; since when is kept from the first time."""
        title = CONDITIONS[code].title
        with self._lock:
            before = self._held.get(code)
            since = before.since if before else self._clock.now()
            began = before.began if before else self._clock.monotonic()
            self._held[code] = _Held(f"{title}: {detail}" if detail else f"{title}.", since, began)

    def clear(self, code: str) -> None:
        """State that condition `code` holds no more."""
        with self._lock:
            self._held.pop(code, None)

    def hold(self, code: str, detail: str | None) -> None:
        """State that condition `code` holds with this detail, or, with None, that it does not."""
        if detail is None:
            self.clear(code)
        else:
            self.set(code, detail)

    def rows(self) -> tuple[ConditionRow, ...]:
        """Return what holds now and is to be shown."""
        now = self._clock.monotonic()
        with self._lock:
            held = dict(self._held)
        ripe = {code for code, item in held.items() if now - item.began >= CONDITIONS[code].visible_after_s}
        return tuple(
            ConditionRow(code, condition.severity, held[code].text, held[code].since)
            for code, condition in CONDITIONS.items()
            if code in ripe and not ripe.intersection(condition.causes)
        )
