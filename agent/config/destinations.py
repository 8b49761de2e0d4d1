"""Settings of the destinations besides the endpoint: one frozen model per kind, told apart by `kind`."""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

_Seconds = Annotated[float, Field(gt=0, le=86_400)]
_Url = Annotated[str, Field(pattern=r"^https?://[^\s/]+", description="https:// address of the receiver")]


class _Destination(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    name: Annotated[
        str | None,
        Field(pattern=r"^[a-z0-9_-]{1,32}$", description="how it is called in the status; default: its kind"),
    ] = None


class _Tls(_Destination):
    ca_file: Annotated[Path | None, Field(description="PEM certificates trusted in addition to the system's store")] = (
        None
    )
    client_certificate_file: Annotated[Path | None, Field(description="PEM certificate for mutual TLS")] = None
    client_key_file: Annotated[Path | None, Field(description="PEM key for mutual TLS")] = None
    total_timeout_s: Annotated[_Seconds, Field(description="longest time for one batch")] = 60


Proxy = Annotated[
    str,
    Field(
        pattern=r"^(system|none|https?://[^\s/@]+/?)$",
        description="system: what the environment or the system prescribes; none: straight; or http://proxy.example.com:3128",
    ),
]
"""By which way a destination is reached."""

KEPT = "a bare name is one of the system's key store: systemd credentials, System keychain, Credential Manager"


class Http(_Tls):
    """What every destination over HTTP has."""

    url: _Url
    token_file: Annotated[
        Path | None, Field(description=f"file that holds the token; never given on a command line; {KEPT}")
    ] = None
    proxy: Annotated[Proxy | None, Field(description="in place of that of [network]")] = None


class SplunkHec(Http):
    """Splunk's HTTP Event Collector. `url` is the collector's host, without a path."""

    kind: Annotated[Literal["splunk_hec"], Field(description="which kind of destination this is")]
    index: Annotated[str | None, Field(description="index; default: the token's own")] = None
    indexer_ack: Annotated[
        bool, Field(description="count a batch only when an indexer has it (Splunk Enterprise, per token)")
    ] = False


class Otlp(Http):
    """An OpenTelemetry collector, OTLP/HTTP in JSON. `url` is the whole address of its logs, such as https://host:4318/v1/logs."""

    kind: Annotated[Literal["otlp"], Field(description="which kind of destination this is")]


class Elastic(Http):
    """Elasticsearch. `url` is the cluster's host; the token is an API key that may create documents in the data stream."""

    kind: Annotated[Literal["elastic"], Field(description="which kind of destination this is")]
    data_stream: Annotated[
        str, Field(pattern=r"^[a-z0-9][a-z0-9_.-]{0,200}$", description="data stream that takes the documents")
    ] = "logs-mcp_compliance-default"


class Syslog(_Tls):
    """A syslog receiver, RFC 5424 over TLS."""

    kind: Annotated[Literal["syslog"], Field(description="which kind of destination this is")]
    host: Annotated[str, Field(min_length=1, description="its host name, which its certificate must hold")]
    port: Annotated[int, Field(ge=1, le=65_535, description="its port")] = 6514


class SystemLog(_Destination):
    """The log of this machine, for alerts alone: journald, the Event Log, the unified log."""

    kind: Annotated[Literal["system_log"], Field(description="which kind of destination this is")]


class JsonlFile(_Destination):
    """One more JSONL file, for a forwarder that tails it."""

    kind: Annotated[Literal["file"], Field(description="which kind of destination this is")]
    path: Annotated[Path, Field(description="where; its folder must belong to administrators alone")]
    max_bytes: Annotated[int, Field(ge=65_536, le=1 << 34, description="size at which the file is rotated")] = 10 << 20


Destination = Annotated[
    SplunkHec | Otlp | Elastic | Syslog | SystemLog | JsonlFile,
    Field(discriminator="kind"),
]
"""Any one of them."""
