"""The conditions that can ail the agent itself, as data. It needs no pydantic: `status` starts fast."""

from dataclasses import dataclass
from types import MappingProxyType

from agent.core.deviation import Severity

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
