"""The objects that events are made of."""

from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field

VERSION: Final = "1.8.0"
PRODUCT = "mcp-compliance-agent"


def _as_sent(schema: dict[str, Any]) -> None:
    """Say of each field what holds on the wire: it is there, or, without a value, it is left out and never null."""
    required = []
    for name, field in schema.get("properties", {}).items():
        if field.get("default", ...) is None:
            del field["default"]
            (kind,) = [one for one in field.pop("anyOf") if one != {"type": "null"}]
            field.update(kind)
        else:
            required.append(name)
    schema["required"] = required


class OcsfObject(BaseModel):
    """What has no value is left out on the wire."""

    model_config = ConfigDict(frozen=True, json_schema_extra=_as_sent)


class Product(OcsfObject):
    """The agent that reports."""

    name: str = PRODUCT
    vendor_name: str = PRODUCT
    version: str


class Metadata(OcsfObject):
    """About the event itself."""

    version: Literal["1.8.0"] = VERSION
    profiles: tuple[Literal["host"], ...] = ("host",)
    product: Product
    sequence: Annotated[int | None, Field(description="grows by one per event of this device; a gap is a loss")] = None


class OperatingSystem(OcsfObject):
    """The system of the device."""

    name: str
    type: str
    type_id: Literal[100, 200, 300]
    version: str


class Device(OcsfObject):
    """The laptop. `uid` is stable for one installation."""

    uid: str
    hostname: str
    type_id: Literal[3] = 3
    type: Literal["Laptop"] = "Laptop"
    os: OperatingSystem


class NamedUser(OcsfObject):
    """A user or an owner."""

    name: str


class Technique(OcsfObject):
    """A technique of ATT&CK or ATLAS."""

    uid: str


class Attack(OcsfObject):
    """What an attacker gains where the control fails; `version` names the framework."""

    technique: Technique
    version: str


class Tag(OcsfObject):
    """Values under a name."""

    name: str
    values: tuple[str, ...]


class Analytic(OcsfObject):
    """The control that failed."""

    uid: str
    name: str
    type_id: Literal[1] = 1
    type: Literal["Rule"] = "Rule"


class RelatedEvent(OcsfObject):
    """The finding that an alert belongs to."""

    uid: str
    type: str
    type_uid: int
    title: str


class FindingInfo(OcsfObject):
    """One finding: `uid` is stable for (device, control, subject), also over close and reopening. Times in milliseconds."""

    uid: Annotated[str, Field(description="stable for (device, control, subject)")]
    title: str
    desc: str
    types: Annotated[tuple[str, ...], Field(description="the control's id")]
    created_time: int
    modified_time: int
    first_seen_time: int
    last_seen_time: int
    attacks: tuple[Attack, ...]
    tags: tuple[Tag, ...]
    analytic: Analytic
    data_sources: tuple[str, ...] = (PRODUCT,)
    related_events: tuple[RelatedEvent, ...] | None = None
    related_events_count: int | None = None


class Fingerprint(OcsfObject):
    """A digest of a file."""

    algorithm_id: Literal[3] = 3
    algorithm: Literal["SHA-256"] = "SHA-256"
    value: str


class File(OcsfObject):
    """A file that a finding is about."""

    name: str
    path: str
    type_id: Literal[1] = 1
    type: Literal["Regular File"] = "Regular File"
    owner: NamedUser | None = None
    hashes: tuple[Fingerprint, ...] | None = None


class Process(OcsfObject):
    """A process, by its redacted command line, its pid, or both; `created_time` in milliseconds."""

    uid: str | None = None
    pid: int | None = None
    cmd_line: str | None = None
    created_time: int | None = None
    file: File | None = None
    user: NamedUser | None = None


class Actor(OcsfObject):
    """Who did it."""

    process: Process
    user: NamedUser | None = None


class Url(OcsfObject):
    """A redacted URL."""

    url_string: str


class Evidence(OcsfObject):
    """One redacted fact; `name` says of what kind."""

    name: str
    data: dict[str, str] | None = None
    file: File | None = None
    process: Process | None = None
    actor: Actor | None = None
    url: Url | None = None
    user: NamedUser | None = None


class Resource(OcsfObject):
    """What deviates."""

    name: str
    uid: str
    owner: NamedUser | None = None


class Compliance(OcsfObject):
    """How the control stands."""

    control: str
    standards: tuple[str, ...]
    status_id: Literal[1, 3]
    status: Literal["Pass", "Fail"]
    status_details: tuple[str, ...]


class Remediation(OcsfObject):
    """What IT must do."""

    desc: str


class SecurityState(OcsfObject):
    """The state of the policy, in this agent's own word."""

    state: str
    state_id: Literal[99] = 99


class Package(OcsfObject):
    """The program behind a server."""

    name: str
    version: str
    uid: str
    purl: str | None = None


class Application(OcsfObject):
    """The agent as an application."""

    name: str = PRODUCT
    vendor_name: str = PRODUCT
    version: str


class Chain(OcsfObject):
    """The link to the event before."""

    journal: Annotated[str, Field(description="changes when a fresh journal is started, and the sequence with it")]
    previous: Annotated[str, Field(description="SHA-256 of the canonical JSON of the event before, in hex")]


class Unmapped(OcsfObject):
    """What is this agent's own in every event; `chain` is added as the event is queued."""

    chain: Chain | None = None


class FindingFacts(Unmapped):
    """What held when a finding changed."""

    policy_digest: str
    client: str | None = None
    client_version: str | None = None


class HealthFact(OcsfObject):
    """One health condition."""

    code: str
    severity: str
    text: str


class Whole(OcsfObject):
    """All that holds on the device at this place among its events: what is not in it holds no more."""

    asked: Annotated[float, Field(description="the time by which the endpoint asked for it")]
    open: Annotated[
        tuple[tuple[str, int], ...],
        Field(description="every open deviation as [finding_info.uid, finding_info.created_time] of its finding"),
    ]
    servers: Annotated[tuple[str, ...], Field(description="the key of every configured server")]


class SignOfLife(Unmapped):
    """How the device and the agent do."""

    state: Literal["compliant", "deviating", "unknown"]
    counts: dict[str, int]
    coverage: Annotated[dict[str, int], Field(description="places looked at, by what came of it")]
    not_looked_at: tuple[str, ...]
    policy_digest: str
    health: tuple[HealthFact, ...]
    dropped: Annotated[dict[str, int], Field(description="events given up so far, by reason")]
    folded: Annotated[
        tuple[tuple[int, int], ...],
        Field(description="sequences [first, last] of earlier signs of life that this one stands for, so no loss"),
    ]
    looked_at: Annotated[
        float | None,
        Field(description="Unix time since which everything was looked at; left out before the first look"),
    ] = None
    whole: Annotated[Whole | None, Field(description="left out where the endpoint did not ask for it")] = None


class PolicyChange(Unmapped):
    """A policy before and now, and in words what changed."""

    before: Annotated[dict[str, Any] | None, Field(description="left out where it is the first that was read")] = None
    now: dict[str, Any]
    changes: tuple[str, ...]


class ServerChange(Unmapped):
    """One server of the inventory; `change` in it is new, changed or gone."""

    server: dict[str, Any]


class NotOwed(OcsfObject):
    """What one destination was never owed, as no setting named it then: no loss. What held was told anew."""

    destination: str
    first: Annotated[int, Field(description="the first sequence")]
    last: Annotated[int, Field(description="the last sequence")]
    since: Annotated[float, Field(description="Unix time since which events were not for it")]


class LifecycleFacts(Unmapped):
    """How the agent started or why it ends."""

    clean: bool | None = None
    not_owed: tuple[NotOwed, ...] | None = None
    why: str | None = None


class ConditionFacts(Unmapped):
    """A health condition, and what the agent has counted."""

    condition: str
    since: float
    counters: dict[str, int]
