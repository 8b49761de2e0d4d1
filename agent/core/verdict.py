"""The answer of a policy about one server: allowed, blocked or undetermined, always with the rule or the reason."""

from dataclasses import dataclass
from enum import StrEnum


class Answer(StrEnum):
    """What the policy says. `UNDETERMINED` is an answer too: it is never read as allowed."""

    ALLOWED = "allowed"
    BLOCKED = "blocked"
    UNDETERMINED = "undetermined"


@dataclass(frozen=True, slots=True)
class Reason:
    """Why: a stable code, one sentence fit for the help desk, and the entry that decided, as text, if one did.

    `source` names the file and pointer of that entry (`/etc/claude-code/managed-settings.json at /allowedMcpServers/3`).
    """

    code: str
    text: str
    entry: str | None = None
    source: str | None = None


@dataclass(frozen=True, slots=True)
class Verdict:
    """`evaluate(policy, server)` is total: it returns one of these and never raises."""

    answer: Answer
    reason: Reason

    @property
    def blocked(self) -> bool:
        """True where the policy says no; undetermined is neither blocked nor allowed."""
        return self.answer is Answer.BLOCKED
