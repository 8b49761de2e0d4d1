"""What is true of the fleet as a whole, and the limits by which a device is judged against it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

_HOUR_S, _DAY_S = 3_600.0, 86_400.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """When something is told, times in seconds. `agent_version` is the oldest that counts as current; empty: what most have."""

    silent_after_s: float = 3 * _DAY_S
    unknown_after_s: float = 3 * _HOUR_S
    clock_off_s: float = 300.0
    evidence_kept_s: float = 7 * _DAY_S
    agent_version: str = ""
    spread_devices: int = 10
    spread_within_s: float = _DAY_S
    learning_s: float = _DAY_S


@dataclass(frozen=True, slots=True, kw_only=True)
class Spread:
    """A server that is not approved and is on many devices: what it is, where it was first, on how many, since when."""

    what: str
    device: str
    devices: int
    since: float


@dataclass(frozen=True, slots=True, kw_only=True)
class FirstSeen:
    """A server that no device had before this one got it at `at` (our clock)."""

    identity: str
    what: str
    at: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Fleet:
    """What a device is compared with. An empty digest or version: there is nothing to compare with yet.

    `accepted` are digests that people recorded as expected besides. `learned_at` is when a server seen for the first time begins
    to be news: until then the fleet is being learned. `spreading` are the servers that spread, by identity; `firsts` are those
    that were seen first on the device with that id.
    """

    policy_digest: str = ""
    policy_by: str = "most devices"
    agent_version: str = ""
    accepted: frozenset[str] = frozenset()
    policies: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    learned_at: float | None = None
    spreading: Mapping[str, Spread] = field(default_factory=dict)
    firsts: Mapping[str, tuple[FirstSeen, ...]] = field(default_factory=dict)


_MAJORITY = 0.6
_ENOUGH = 5
_COMMON = 0.1


def usual_policy(digests: Mapping[str, int]) -> str:
    """Return the digest that most devices have, empty where too few report or no policy is that common."""
    total = sum(digests.values())
    digest, most = max(digests.items(), key=lambda row: row[1], default=("", 0))
    return digest if total >= _ENOUGH and most >= _MAJORITY * total else ""


def usual_version(versions: Mapping[str, int]) -> str:
    """Return the newest version that at least a tenth of the devices run, empty where too few report."""
    total = sum(versions.values())
    common = [version for version, number in versions.items() if version and number >= _COMMON * total]
    return max(common, key=ordered, default="") if total >= _ENOUGH else ""


def ordered(version: str) -> tuple[int, ...]:
    """Return a version as numbers that compare; what is no number counts as 0."""
    return tuple(int(part) if part.isdigit() else 0 for part in version.split("."))


def differences(expected: Mapping[str, Any], found: Mapping[str, Any]) -> tuple[str, ...]:
    """Say what `found` is other than `expected`, both as an agent tells its policy: a sentence per difference."""
    said = [
        f"{name} is {_word(found.get(name))} and should be {_word(expected.get(name))}"
        for name in ("state", "locked", "exclusive")
        if found.get(name) != expected.get(name)
    ]
    for name, more, less in (
        ("allow", "it also allows {}", "it does not allow {}"),
        ("deny", "it also denies {}", "it does not deny {}"),
    ):
        want, have = _entries(expected.get(name)), _entries(found.get(name))
        said += [more.format(entry) for entry in sorted(have - want)]
        said += [less.format(entry) for entry in sorted(want - have)]
    return tuple(said)


def _entries(value: object) -> set[str]:
    return {str(entry) for entry in value} if isinstance(value, Iterable) and not isinstance(value, str) else set()


def _word(value: object) -> str:
    return (
        {True: "on", False: "off", None: "not set"}.get(value, str(value))
        if isinstance(value, bool | None)
        else str(value)
    )
