"""The credential that this device made for itself, in one small file of the state folder that root alone reads.

`next` is one that the endpoint was told, or is about to be told, and that takes the place of `current` once that is certain.
"""

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path

from agent.host.replacing import replace_durably

NAME = "endpoint-credential.json"


@dataclass(frozen=True, slots=True)
class Admission:
    """`current` is None for a device that was not let in yet."""

    current: str | None = field(default=None, repr=False)
    next: str | None = field(default=None, repr=False)


def load(state: Path) -> Admission:
    """Return what is kept; what cannot be understood is as none, and the device is let in anew."""
    try:
        held = json.loads((state / NAME).read_bytes())
        known = {name: held.get(name) for name in ("current", "next")}
    except (OSError, ValueError, AttributeError, RecursionError):
        return Admission()
    return Admission(**{name: text if isinstance(text, str) and text else None for name, text in known.items()})


def save(state: Path, admission: Admission) -> None:
    """Write `admission` durably, for its owner alone.

    Raises:
        OSError: the state folder cannot be written.
    """
    replace_durably(state / NAME, json.dumps(asdict(admission)).encode())


class KeptAdmission:
    """The credentials of this device, as they stand in the state folder."""

    def __init__(self, state: Path) -> None:
        self._state, self._held = state, load(state)

    @property
    def current(self) -> str | None:
        """The credential in use, None before the device was let in."""
        return self._held.current

    @property
    def next(self) -> str | None:
        """The one that follows."""
        return self._held.next

    def keep(self, current: str | None, following: str | None) -> None:
        """Remember both durably.

        Raises:
            OSError: the state folder cannot be written.
        """
        held = Admission(current, following)
        save(self._state, held)
        self._held = held
