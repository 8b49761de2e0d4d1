"""The published documents: what `check --json` prints and what the daemon writes as its status.

They hold redacted values only. Names and meanings are stable under their `schema` id; fields may be added. The JSON Schema of
each is `mcp-compliance schema check|status`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, is_dataclass
from functools import cache
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import Field

from agent.core.deviation import Severity
from agent.core.observation import CoverageState
from agent.core.place import Os
from agent.core.server import ServerScope, Transport
from agent.core.verdict import Answer

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

PolicyState = Literal["effective", "none", "refused", "indeterminate"]
ManagedState = Literal[
    "intact", "modified", "missing", "unreadable", "malformed", "exposed", "misplaced", "unexpected", "unverified"
]
DeviceState = Literal["compliant", "deviating", "unknown"]


@dataclass(frozen=True, slots=True)
class DeviceRow:
    """The machine that was looked at, and by what."""

    id: Annotated[str, Field(description="stable for this installation; a random UUID kept in the agent's state")]
    hostname: str
    os: Os
    os_version: str
    agent_version: str
    examined_root: Annotated[str, Field(description="`/` unless another tree was examined with --root")]


@dataclass(frozen=True, slots=True)
class SourceRow:
    """One place that managed policy can come from."""

    kind: str
    path: str
    state: str
    selected: bool
    problems: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class RuleRow:
    """One allow or deny entry that is in force, and the file it came from."""

    entry: str
    source: str


@dataclass(frozen=True, slots=True)
class PolicyRow:
    """The organisation's policy on this device, without what users add in their own settings."""

    state: PolicyState
    sources: tuple[SourceRow, ...]
    exclusive: Annotated[bool, Field(description="managed-mcp.json is there: only its servers load")]
    locked: Annotated[bool, Field(description="allowManagedMcpServersOnly: users cannot widen the allowlist")]
    allow: Annotated[tuple[RuleRow, ...] | None, Field(description="null: no allowlist is set anywhere")]
    deny: tuple[RuleRow, ...]
    client_version: Annotated[str | None, Field(description="the Claude Code version whose rules were applied")]
    problems: tuple[str, ...] = ()
    digest: Annotated[str, Field(description="SHA-256 over the effective rules: equal digests mean equal policy")] = ""


@dataclass(frozen=True, slots=True)
class ReasonRow:
    """Why a verdict is what it is."""

    code: str
    text: str
    entry: str | None = None


@dataclass(frozen=True, slots=True)
class PlaceRow:
    """The file and the JSON pointer in it."""

    path: str
    pointer: str
    line: int | None = None


@dataclass(frozen=True, slots=True)
class ServerRow:
    """One configured server with the policy's verdict."""

    key: str
    client: str
    user: str | None
    project: str | None
    scope: ServerScope
    name: str
    source: PlaceRow
    transport: Transport
    command: tuple[str, ...] | None
    url: str | None
    verdict: Answer
    loads: Annotated[bool | None, Field(description="whether a non-interactive session would load it; null: not known")]
    reason: ReasonRow
    enforced_by_client: bool
    loads_reason: Annotated[
        str | None, Field(description="why it does or does not load, where the verdict alone does not say")
    ] = None
    artifact: dict[str, str] | None = None
    running: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class EvidenceRow:
    """One redacted fact."""

    kind: str
    text: str


@dataclass(frozen=True, slots=True)
class ProcessRow:
    """One running stdio server: the topmost process of its launcher chain."""

    pid: int
    create_time: float
    user: str | None
    client: str | None
    command: tuple[str, ...]
    matches: Annotated[str | None, Field(description="key of the configured server that this is")]
    verdict: Answer
    reason: ReasonRow
    confidence: Literal["high", "medium", "low"]
    evidence: tuple[EvidenceRow, ...] = ()
    pids: Annotated[tuple[int, ...], Field(description="every process of the launcher chain")] = ()
    artifact: Annotated[
        dict[str, str] | None, Field(description="what really runs: package, version, file, digest, who can change it")
    ] = None
    notes: Annotated[
        tuple[str, ...],
        Field(
            description="that it outlives its client or its own file, restarts in a loop, or listens on a TCP port; in sentences"
        ),
    ] = ()


@dataclass(frozen=True, slots=True)
class ManagedFileRow:
    """One managed file and whether it can be relied on."""

    path: str
    role: str
    state: ManagedState
    sha256: str | None
    owner: str | None
    mode: str | None
    problems: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class IdsRow:
    """Framework identifiers of the control."""

    atlas: tuple[str, ...] = ()
    owasp: tuple[str, ...] = ()
    attack: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class DeviationRow:
    """One failing control."""

    control: str
    severity: Severity
    subject: str
    title: str
    text: str
    remediation: str
    evidence: tuple[EvidenceRow, ...]
    ids: IdsRow
    uid: Annotated[str, Field(description="stable for (device, control, subject)")] = ""
    user: str | None = None
    since: Annotated[
        float | None, Field(description="Unix time at which the daemon opened it; null in a single check")
    ] = None
    client: str | None = None


@dataclass(frozen=True, slots=True)
class CoverageRow:
    """What could and could not be looked at."""

    scope: str
    user: str | None
    client: str | None
    state: CoverageState
    problem: str | None = None


@dataclass(frozen=True, slots=True)
class SummaryRow:
    """How the device stands, and why, in one sentence."""

    state: DeviceState
    counts: dict[str, int]
    why: str


@dataclass(frozen=True, slots=True)
class CheckDocument:
    """One complete look at the machine."""

    device: DeviceRow
    policy: PolicyRow
    servers: tuple[ServerRow, ...]
    processes: tuple[ProcessRow, ...]
    managed_files: tuple[ManagedFileRow, ...]
    deviations: tuple[DeviationRow, ...]
    coverage: tuple[CoverageRow, ...]
    summary: SummaryRow
    schema: Literal["mcp-compliance/check/1"] = "mcp-compliance/check/1"


@dataclass(frozen=True, slots=True)
class ConditionRow:
    """One health condition of the agent that holds now."""

    code: str
    severity: Severity
    text: str
    since: float


@dataclass(frozen=True, slots=True)
class DeliveryRow:
    """One destination: what waits for it and when it last took something."""

    sink: str
    pending: int
    last_accepted_at: float | None
    problem: str | None


@dataclass(frozen=True, slots=True)
class StatusDocument:
    """The daemon's last word. Older than `stale_after_s` it says nothing: the reader must answer "unknown"."""

    written_at: float
    stale_after_s: float
    started_at: float
    pid: int
    check: CheckDocument
    health: tuple[ConditionRow, ...] = ()
    delivery: tuple[DeliveryRow, ...] = ()
    counters: dict[str, int] = field(default_factory=dict)
    process_events: Annotated[
        str, Field(description="what tells of processes as they start; empty where the table is only swept")
    ] = ""
    on_battery: Annotated[
        bool, Field(description="the machine runs on its battery: what can wait waits longer, events and alerts do not")
    ] = False
    state_since: Annotated[
        float | None, Field(description="Unix time since which the summary's state is what it is; null: not known")
    ] = None
    ended_at: Annotated[
        float | None,
        Field(description="Unix time at which the agent was told to end: since then it says nothing; null: it runs"),
    ] = None
    schema: Literal["mcp-compliance/status/1"] = "mcp-compliance/status/1"


def plain(document: "DataclassInstance") -> dict[str, Any]:
    """Return a published document as the JSON value that it is (words of an enumeration are texts, tuples become lists)."""
    value: dict[str, Any] = _plain(document)
    return value


def _plain(value: Any) -> Any:  # noqa: ANN401 - any part of a document
    """Do what `dataclasses.asdict` does, which copies every single text."""
    kind = value.__class__
    if kind in _SINGLE:
        return value
    names = _names(kind)
    if names is not None:
        return {name: one if (one := getattr(value, name)).__class__ in _SINGLE else _plain(one) for name in names}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    return value


_SINGLE = frozenset({str, int, float, bool, type(None), Severity, CoverageState, ServerScope, Transport, Answer})


@cache
def _names(kind: type) -> tuple[str, ...] | None:
    return tuple(one.name for one in fields(kind)) if is_dataclass(kind) else None
