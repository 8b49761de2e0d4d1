"""On what terms a world is judged: what is known of the clients besides what was seen, and what the organisation settled."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from agent.core.deviation import Severity
from agent.core.place import Os
from agent.core.policy.expansion import NOTHING_KNOWN, Environment
from agent.core.recognition import ClientMarks


@dataclass(frozen=True, slots=True)
class Means:
    """What is known of the clients: their system, environment and version where the machine does not tell it."""

    os: Os = "linux"
    environment: Environment = NOTHING_KNOWN
    client_version: str | None = None


@dataclass(frozen=True, slots=True)
class Terms:
    """What judging needs besides the world: the clients, what is known of them, and the organisation's own severities."""

    means: Means = field(default_factory=Means)
    enforcing: frozenset[str] = frozenset()
    marks: tuple[ClientMarks, ...] = ()
    severities: Mapping[str, Severity] = field(default_factory=dict)
    policy_required: bool = True
    baseline_keys: tuple[str, ...] = ()
