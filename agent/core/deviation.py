"""Deviations: one (control, subject) that fails on this device, and what a look says about one that is open.

A deviation depends on scopes. It is gone only when every scope it depends on was looked at conclusively and it was not seen
again. What could not be looked at, or could not be decided, changes nothing.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from agent.core.observation import Scope


class Severity(StrEnum):
    """The five severities, worst first."""

    CRITICAL = "critical"
    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"
    INFO = "info"

    @property
    def rank(self) -> int:
        """0 is the worst."""
        return _RANKS[self]

    @property
    def counts(self) -> bool:
        """True where an open deviation makes the device deviating (medium and above)."""
        return self.rank <= Severity.MEDIUM.rank


_RANKS = {severity: rank for rank, severity in enumerate(Severity)}


@dataclass(frozen=True, slots=True, order=True)
class Key:
    """Identifies a deviation on one device. At most one deviation per key is open."""

    control: str
    subject: str


@dataclass(frozen=True, slots=True)
class Evidence:
    """One redacted fact: `kind` names it (`command`, `entry`, `file`, `process` …), `text` is for people.

    The rest is for programs, where it is known: the file that it is about (`path`, `sha256`, `owner`), the process and since when
    that runs (Unix seconds). A process that was started anew is no other fact.
    """

    kind: str
    text: str
    path: str | None = None
    sha256: str | None = None
    owner: str | None = None
    pid: int | None = field(default=None, compare=False)
    started_at: float | None = field(default=None, compare=False)


DETAILS = frozenset({"program", "sha256", "purl", "superseded"})
"""Kinds of facts that are found out some time after the rest: that one has become known is no news, that it is another one is."""
SIGNS = frozenset(
    {
        *("configured", "client", "wire", "mark", "launcher", "declared", "sdk", "name"),
        *("no-wire", "editor", "shell", "terminal"),
    }
)
"""Kinds of facts by which a process was recognised: they come, change and go as it starts and ends, which is no news."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Deviation:
    """A failing control. All texts are redacted already. `label` names the subject for people."""

    key: Key
    severity: Severity
    label: str
    title: str
    text: str
    remediation: str
    evidence: tuple[Evidence, ...] = ()
    user: str | None = None
    client: str | None = None
    depends: tuple[Scope, ...] = ()


class Sighting(StrEnum):
    """What the present look says about one deviation."""

    PRESENT = "present"
    GONE = "gone"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Findings:
    """The result of judging everything that was seen.

    `looked` are the kinds of scope of which at least one whole look arrived; `inconclusive` the scopes (as text) that could
    not be looked at, each standing for everything below it; `undecided` keys about which the policy could not answer.
    """

    present: Mapping[Key, Deviation] = field(default_factory=dict)
    looked: frozenset[str] = frozenset()
    inconclusive: frozenset[str] = frozenset()
    undecided: frozenset[Key] = frozenset()

    def sighting(self, key: Key, depends: tuple[str, ...]) -> Sighting:
        """Say whether the deviation `key`, which depends on the scopes `depends` (as text), is still there."""
        if key in self.present:
            return Sighting.PRESENT
        if key in self.undecided or not all(self._conclusive(scope) for scope in depends):
            return Sighting.UNKNOWN
        return Sighting.GONE

    def _conclusive(self, scope: str) -> bool:
        if scope.partition("/")[0] not in self.looked:
            return False
        return self.inconclusive.isdisjoint(_around(scope))


def _around(scope: str) -> Iterator[str]:
    """Yield the scope and every one that it is part of; a path in it may be Windows', whose folders end at backslashes."""
    yield scope
    for place, character in enumerate(scope):
        if character in "/\\":
            yield scope[:place]
            yield scope[: place + 1]
