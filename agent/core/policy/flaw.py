"""What is wrong with one entry of a policy, and the controls that such an entry fails."""

from dataclasses import dataclass
from typing import Any

BROAD, INERT, EVADABLE, ENVIRONMENT, NAMES = (
    "policy.broad-pattern",
    "policy.inert-entry",
    "policy.evadable-denial",
    "policy.environment-dependent",
    "policy.name-only",
)


@dataclass(frozen=True, slots=True)
class Flaw:
    """One thing wrong with an entry: the control it fails, the trap, what it does, the remedy, and the entry corrected."""

    control: str
    code: str
    text: str
    remedy: str
    corrected: dict[str, Any] | None = None
