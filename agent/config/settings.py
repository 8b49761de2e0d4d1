"""What may stand in the settings: one frozen model per section, every key with a default and a description.

An unknown or wrong key costs that key alone: it is reported with its file and what is allowed, and its default (or the value from
an earlier file) stays. A file that is not TOML costs that file alone. The caller decides whether to go on.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError
from pydantic_core import ErrorDetails

from agent.config.destinations import KEPT, Destination, Proxy
from agent.config.files import SettingsProblem, read_written
from agent.config.network import Network
from agent.core.baseline.sshsig import SignatureError, public_key
from agent.core.control import CONTROLS
from agent.core.deviation import Severity
from agent.host.preferences import Pushed, pushed_settings

_Seconds = Annotated[float, Field(gt=0, le=86_400)]
_Bytes = Annotated[int, Field(ge=65_536, le=1 << 34)]


def _known_control(control: str) -> str:
    if control not in CONTROLS:
        raise ValueError(f"there is no control of that name; known are {', '.join(CONTROLS)}")
    return control


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Endpoint(_Section):
    """The central endpoint. Without `url` nothing is sent: reports stay in the journal and the JSONL file."""

    url: Annotated[
        str | None, Field(description="https:// address that takes the reports", pattern=r"^https?://[^\s/]+")
    ] = None
    token_file: Annotated[
        Path | None,
        Field(description=f"file that holds the bearer token; never given on a command line; {KEPT}"),
    ] = None
    enrolment_key_file: Annotated[
        Path | None,
        Field(
            description="instead of token_file: file that holds the organisation's enrolment key, with which the device lets"
            f" itself in and makes a credential of its own; {KEPT}"
        ),
    ] = None
    ca_file: Annotated[Path | None, Field(description="PEM certificates trusted in addition to the system's store")] = (
        None
    )
    client_certificate_file: Annotated[Path | None, Field(description="PEM certificate for mutual TLS")] = None
    client_key_file: Annotated[Path | None, Field(description="PEM key for mutual TLS")] = None
    hmac_key_file: Annotated[
        Path | None, Field(description=f"file with the key that signs timestamp and body; {KEPT}")
    ] = None
    proxy: Annotated[Proxy | None, Field(description="in place of that of [network]")] = None
    connect_timeout_s: Annotated[_Seconds, Field(description="longest wait for a connection")] = 10
    read_timeout_s: Annotated[_Seconds, Field(description="longest wait between two bytes of the answer")] = 30
    total_timeout_s: Annotated[_Seconds, Field(description="longest time for one batch")] = 120


class Jsonl(_Section):
    """The local JSONL file of reports, for people and for forwarders that tail files."""

    enabled: Annotated[bool, Field(description="write every report to a local JSONL file too")] = True
    path: Annotated[Path | None, Field(description="where; default: reports.jsonl in the state folder")] = None
    max_bytes: Annotated[_Bytes, Field(description="size at which the file is rotated; one older file is kept")] = (
        10 << 20
    )


class Looks(_Section):
    """How often each part of the machine is looked at when nothing wakes the agent earlier."""

    config_interval_s: Annotated[_Seconds, Field(description="configuration of all clients and users")] = 300
    managed_interval_s: Annotated[_Seconds, Field(description="managed files")] = 60
    process_interval_s: Annotated[_Seconds, Field(description="process table")] = 5
    projects: Annotated[
        tuple[str, ...], Field(description="project folders besides those that the clients remember")
    ] = ()
    network: Annotated[
        tuple[str, ...],
        Field(
            description="network file systems that are entered (Linux): mount points such as /home, or types such as nfs4;"
            " one that does not answer within 5 s is passed over, and its coverage is timed-out"
        ),
    ] = ()
    users: Annotated[tuple[str, ...], Field(description="only these users; empty means all")] = ()
    walk: Annotated[bool, Field(description="go through the homes, slowly, for projects that no client remembers")] = (
        False
    )


def _known_key(line: str) -> str:
    try:
        public_key(line)
    except SignatureError as error:
        raise ValueError(str(error)) from None
    return line


class Baseline(_Section):
    """The signed record of what the managed files must be. Without public keys nothing proves who wrote a baseline."""

    public_keys: Annotated[
        tuple[Annotated[str, AfterValidator(_known_key)], ...],
        Field(
            description="keys that may sign baselines, each a line as in id_ed25519.pub; signed ones alone count then"
        ),
    ] = ()
    folder: Annotated[
        Path | None,
        Field(description="where baselines and their .sig files lie; default: baselines beside the settings file"),
    ] = None


class Policy(_Section):
    """How the organisation's policy is read."""

    client_version: Annotated[
        str | None,
        Field(description="Claude Code version whose rules apply when none can be read", pattern=r"^\d+\.\d+\.\d+$"),
    ] = None
    required: Annotated[
        bool, Field(description="report policy.missing where a client is installed without a policy")
    ] = True


class Journal(_Section):
    """The local database of deviations and reports that wait for delivery."""

    max_bytes: Annotated[_Bytes, Field(description="bound of the journal on the disk; alerts outlive telemetry")] = (
        50 << 20
    )


class Reporting(_Section):
    """What is reported, and when the agent calls itself blind or stale."""

    blind_after_s: Annotated[
        _Seconds, Field(description="time after which a scope that cannot be read is a deviation")
    ] = 900
    heartbeat_interval_s: Annotated[_Seconds, Field(description="time between two heartbeats to the endpoint")] = 3600
    status_stale_after_s: Annotated[
        _Seconds, Field(description="age at which the status document says nothing any more")
    ] = 300


class Metrics(_Section):
    """Figures for Prometheus, in a file that node_exporter's textfile collector reads."""

    textfile: Annotated[
        Path | None,
        Field(description="where, ending in .prom, such as /var/lib/node_exporter/textfile/mcp_compliance.prom"),
    ] = None


class Osquery(_Section):
    """The status as tables for osquery, without its extension."""

    database: Annotated[
        bool,
        Field(description="write tables.db into the state folder, which osquery reads by automatic table construction"),
    ] = False


class Settings(_Section):
    """Every setting of the agent. All have a default that is right for a laptop."""

    endpoint: Annotated[Endpoint, Field(description="central endpoint")] = Endpoint()
    destination: Annotated[
        tuple[Destination, ...],
        Field(
            description="further destinations, one [[destination]] each; every one has what is reported, at its own pace"
        ),
    ] = ()
    network: Annotated[Network, Field(description="way to the destinations")] = Network()
    jsonl: Annotated[Jsonl, Field(description="local JSONL file of reports")] = Jsonl()
    looks: Annotated[Looks, Field(description="what is looked at, and how often")] = Looks()
    policy: Annotated[Policy, Field(description="how the policy is read")] = Policy()
    baseline: Annotated[Baseline, Field(description="signed record of the managed files")] = Baseline()
    journal: Annotated[Journal, Field(description="local journal")] = Journal()
    reporting: Annotated[Reporting, Field(description="reports")] = Reporting()
    metrics: Annotated[Metrics, Field(description="figures for Prometheus")] = Metrics()
    osquery: Annotated[Osquery, Field(description="tables for osquery")] = Osquery()
    severity: Annotated[
        dict[Annotated[str, AfterValidator(_known_control)], Severity],
        Field(description="severity per control id, in place of the default"),
    ] = Field(default_factory=dict)
    state_folder: Annotated[
        Path | None, Field(description="where journal and status live; default: the system's place")
    ] = None


@dataclass(frozen=True, slots=True)
class Loaded:
    """The settings in force, the files they came from, and what was wrong on the way."""

    settings: Settings
    files: tuple[Path, ...] = ()
    problems: tuple[SettingsProblem, ...] = ()


def load(file: Path, environment: Mapping[str, str], pushed: Callable[[], Pushed | None] = pushed_settings) -> Loaded:
    """Read and validate what `agent.config.files` finds for `file`, `environment` and the device management's store."""
    written = read_written(file, environment, pushed)
    problems = list(written.problems)
    settings = Settings()
    merged: dict[str, Any] = {}
    for origin, document in written.documents:
        candidate = _merge(merged, document)
        while True:
            try:
                settings = Settings.model_validate(candidate)
                break
            except ValidationError as error:
                detail = error.errors()[0]  # one at a time: dropping a list's member moves the ones behind it
                problems.append(_problem(origin, detail))
                candidate = _without(candidate, merged, detail["loc"])
        merged = candidate
    return Loaded(settings, written.files, tuple(problems))


def _merge(base: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    merged = dict(base)
    for key, value in over.items():
        below = merged.get(key)
        merged[key] = _merge(below, value) if isinstance(below, Mapping) and isinstance(value, Mapping) else value
    return merged


def _without(document: Mapping[str, Any], earlier: object, where: tuple[int | str, ...]) -> dict[str, Any]:
    """Return `document` with the wrong value at `where` put back to what `earlier` had there, or left out."""
    head, *rest = where
    before = earlier.get(head) if isinstance(earlier, Mapping) else None
    copy = dict(document)
    below = copy.get(str(head))
    if rest and isinstance(below, list) and isinstance(rest[0], int):
        copy[str(head)] = below[: rest[0]] + below[rest[0] + 1 :]
    elif rest and isinstance(below, Mapping):
        copy[str(head)] = _without(below, before, tuple(rest))
    elif before is None:
        copy.pop(str(head), None)
    else:
        copy[str(head)] = before
    return copy


def _problem(origin: str, detail: ErrorDetails) -> SettingsProblem:
    where = ".".join(str(part) for part in detail["loc"] if not isinstance(part, int))
    if detail["type"] == "extra_forbidden":
        return SettingsProblem(
            origin, where, f"there is no such setting; known here: {', '.join(_siblings(detail['loc']))}"
        )
    return SettingsProblem(origin, where, f"{detail['msg']}; the setting keeps its earlier value or default")


def _siblings(where: tuple[int | str, ...]) -> list[str]:
    model: Any = Settings
    for part in where[:-1]:
        model = type(getattr(model(), str(part), None))
    return sorted(model.model_fields) if isinstance(model, type) and issubclass(model, BaseModel) else []
