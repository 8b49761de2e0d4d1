"""Health conditions as data: what is wrong with the agent itself, each with a code, a severity, a sentence and since when."""

import threading
from dataclasses import dataclass
from types import MappingProxyType

from agent.core.deviation import Severity
from agent.core.documents import ConditionRow
from agent.ports import Clock

CONDITIONS = MappingProxyType(
    {
        "settings.invalid": (Severity.MEDIUM, "A setting is wrong; its default is in force"),
        "endpoint.none": (Severity.INFO, "No endpoint is configured; reports stay on this device"),
        "delivery.failing": (Severity.MEDIUM, "Reports do not get through"),
        "delivery.refused": (Severity.MEDIUM, "The endpoint refused reports for good; they are set aside"),
        "delivery.dropped": (Severity.MEDIUM, "Reports were dropped because the journal is full"),
        "journal.failing": (Severity.HIGH, "The journal cannot be written"),
        "journal.replaced": (Severity.HIGH, "The journal was damaged; it was set aside and a new one started"),
        "worker.restarted": (Severity.MEDIUM, "A part of the agent crashed and was started again"),
        "watch.limited": (Severity.LOW, "Change notifications are not available everywhere; the timed look covers it"),
        "status.unwritable": (Severity.HIGH, "The status document cannot be written"),
    }
)
"""Every condition that exists: its code, severity and title."""


@dataclass(frozen=True, slots=True)
class _Held:
    text: str
    since: float


class Health:
    """The conditions that hold now. Any thread may set or clear; `rows` is a snapshot in the table's order."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._held: dict[str, _Held] = {}

    def set(self, code: str, detail: str) -> None:
        """State that condition `code` holds, with what is known about it; since when is kept from the first time."""
        title = CONDITIONS[code][1]
        with self._lock:
            since = self._held[code].since if code in self._held else self._clock.now()
            self._held[code] = _Held(f"{title}: {detail}" if detail else f"{title}.", since)

    def clear(self, code: str) -> None:
        """State that condition `code` holds no more."""
        with self._lock:
            self._held.pop(code, None)

    def rows(self) -> tuple[ConditionRow, ...]:
        """Return what holds now."""
        with self._lock:
            held = dict(self._held)
        return tuple(
            ConditionRow(code, severity, held[code].text, held[code].since)
            for code, (severity, _) in CONDITIONS.items()
            if code in held
        )
