"""Health conditions as data: what is wrong with the agent itself, each with a code, a severity, a sentence and since when.

A condition is shown once it has held for a while (a laptop is offline every night), and not while its cause is shown: one
trouble is told once.
"""

import threading
from dataclasses import dataclass
from types import MappingProxyType

from agent.core.deviation import Severity
from agent.core.documents import ConditionRow
from agent.ports import Clock

_HIGH, _MEDIUM, _LOW, _INFO = Severity.HIGH, Severity.MEDIUM, Severity.LOW, Severity.INFO
_DAY_S = 86_400.0


@dataclass(frozen=True, slots=True)
class Condition:
    """One condition that can hold. It is visible after `visible_after_s`, and hidden while one of `causes` is visible."""

    severity: Severity
    title: str
    causes: tuple[str, ...] = ()
    visible_after_s: float = 0.0


CONDITIONS = MappingProxyType(
    {
        "settings.invalid": Condition(_MEDIUM, "A setting is wrong; its default is in force"),
        "endpoint.none": Condition(_INFO, "No endpoint is configured; reports stay on this device"),
        "endpoint.unusable": Condition(_HIGH, "A destination's settings cannot be used; nothing is sent there"),
        "journal.failing": Condition(_HIGH, "The journal cannot be written"),
        "journal.replaced": Condition(_HIGH, "The journal was damaged; it was set aside and a new one started"),
        "journal.tampered": Condition(_HIGH, "The journal was changed by something else than the agent"),
        "state.exposed": Condition(_MEDIUM, "Others had rights to the agent's state folder, which it has taken away"),
        "memory.lost": Condition(
            _HIGH, "What the managed files were before cannot be kept or was changed from outside"
        ),
        "delivery.failing": Condition(
            _MEDIUM, "Reports have not been getting through for a day", ("journal.failing",), _DAY_S
        ),
        "delivery.refused": Condition(_MEDIUM, "A destination refused reports for good; they are set aside"),
        "delivery.dropped": Condition(_MEDIUM, "Reports were dropped because the journal is full"),
        "worker.restarted": Condition(_MEDIUM, "A part of the agent crashed and was started again"),
        "watch.limited": Condition(_LOW, "Change notifications are not available everywhere; the timed look covers it"),
        "launches.unnoticed": Condition(
            _LOW, "The system does not tell of starting processes; the timed sweep finds what lives long enough"
        ),
        "launches.hindered": Condition(
            _LOW, "What listens for starting programs has no priority; on a busy machine it misses the shortest-lived"
        ),
        "launches.lost": Condition(
            _LOW, "Programs started faster than they could be taken in; a sweep answered", ("launches.unnoticed",)
        ),
        "launches.missed": Condition(
            _LOW,
            "Programs that may have been a client's servers ended before they could be read",
            ("launches.unnoticed", "launches.hindered"),
        ),
        "writers.unnoticed": Condition(
            _INFO, "The system does not tell which process writes a managed file; that it changed is found all the same"
        ),
        "status.unwritable": Condition(_HIGH, "The status document cannot be written", ("journal.failing",)),
    }
)
"""Every condition that exists, by its code, in the order in which they are shown."""


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
