"""The destinations that the settings name, as sinks. What cannot be used costs that destination alone."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from agent import __version__
from agent.config import destinations as wanted
from agent.config.settings import Endpoint, Settings
from agent.core.event_base import PRODUCT
from agent.ports import Clock, Sink
from agent.sinks.channel import HttpLimits, HttpTarget
from agent.sinks.elastic import ElasticSink
from agent.sinks.https import HttpsLimits, HttpsSink, HttpsTarget
from agent.sinks.jsonl import JsonlSink
from agent.sinks.otlp import OtlpSink
from agent.sinks.splunk_hec import SplunkHecSink, SplunkOptions
from agent.sinks.syslog import SyslogSink, SyslogTarget
from agent.sinks.system_log import SystemLogSink, system_log

REPORTS = "reports.jsonl"
_CREDENTIALS = "CREDENTIALS_DIRECTORY"
_SECRET_MAX_BYTES = 65_536
_BULK_ANSWER_BYTES = 4 << 20


@dataclass(frozen=True, slots=True)
class Unusable:
    """A destination of the settings that cannot be used; the text says why and names no secret."""

    text: str


@dataclass(frozen=True, slots=True)
class Destination:
    """A sink, and whether it is far: what is far is not asked by all devices at once after a start."""

    sink: Sink
    far: bool


def destinations(settings: Settings, state: Path, device: str, clock: Clock) -> Iterator[Destination | Unusable]:
    """Yield what the settings name, in their order."""
    if settings.jsonl.enabled:
        path = settings.jsonl.path or state / REPORTS
        yield Destination(JsonlSink(path, settings.jsonl.max_bytes), far=False)
    if settings.endpoint.url is not None:
        try:
            yield Destination(https_sink(settings.endpoint, device, clock), far=True)
        except (OSError, ValueError) as error:
            yield Unusable(f"[endpoint]: {_why(error)}")

    names = {"jsonl", "https"}
    for item in settings.destination:
        name = item.name or item.kind
        if name in names:
            yield Unusable(f"[[destination]] {name}: there is another one of that name; give it a name of its own")
            continue
        names.add(name)
        try:
            yield _built(item, name, clock)
        except (OSError, ValueError) as error:
            yield Unusable(f"[[destination]] {name}: {_why(error)}")


def _built(item: wanted.Destination, name: str, clock: Clock) -> Destination:
    if isinstance(item, wanted.SystemLog):
        return Destination(SystemLogSink(system_log(), name), far=False)
    if isinstance(item, wanted.JsonlFile):
        return Destination(JsonlSink(item.path, item.max_bytes, name=name), far=False)
    return Destination(_far(item, name, clock), far=True)


def _far(item: wanted.SplunkHec | wanted.Otlp | wanted.Elastic | wanted.Syslog, name: str, clock: Clock) -> Sink:
    match item:
        case wanted.SplunkHec():
            options = SplunkOptions(index=item.index, indexer_ack=item.indexer_ack)
            return SplunkHecSink(_http(item, "Splunk"), clock, options, _limits(item), name)
        case wanted.Otlp():
            return OtlpSink(_http(item, "Bearer"), clock, _limits(item), name)
        case wanted.Elastic():
            limits = HttpLimits(total_s=item.total_timeout_s, response_bytes=_BULK_ANSWER_BYTES)
            return ElasticSink(_http(item, "ApiKey"), clock, item.data_stream, limits, name)
        case wanted.Syslog():
            target = SyslogTarget(
                host=item.host,
                port=item.port,
                ca_file=item.ca_file,
                cert_file=item.client_certificate_file,
                key_file=item.client_key_file,
                total_s=item.total_timeout_s,
            )
            return SyslogSink(target, name=name)


def _http(item: wanted.SplunkHec | wanted.Otlp | wanted.Elastic, scheme: str) -> HttpTarget:
    return HttpTarget(
        url=item.url,
        agent=f"{PRODUCT}/{__version__}",
        scheme=scheme,
        token=_token(item.token_file),
        ca_file=item.ca_file,
        cert_file=item.client_certificate_file,
        key_file=item.client_key_file,
    )


def _limits(item: wanted.SplunkHec | wanted.Otlp) -> HttpLimits:
    return HttpLimits(total_s=item.total_timeout_s)


def _token(file: Path | None) -> str | None:
    raw = secret(file)
    return raw.decode("ascii", "replace").strip() if raw else None


def https_sink(endpoint: Endpoint, device: str, clock: Clock) -> HttpsSink:
    """Return the sink of the configured endpoint.

    Raises:
        OSError: a file with a credential cannot be read.
        ValueError: the URL is not one that may be used.
    """
    target = HttpsTarget(
        url=endpoint.url or "",
        device_id=device,
        agent=f"{PRODUCT}/{__version__}",
        token=_token(endpoint.token_file),
        hmac_key=secret(endpoint.hmac_key_file),
        ca_file=endpoint.ca_file,
        cert_file=endpoint.client_certificate_file,
        key_file=endpoint.client_key_file,
    )
    limits = HttpsLimits(
        connect_s=endpoint.connect_timeout_s, read_s=endpoint.read_timeout_s, total_s=endpoint.total_timeout_s
    )
    return HttpsSink(target, clock, limits)


def secret(file: Path | None) -> bytes | None:
    """Return what a file with a credential holds, without the blanks around it; None where no file is named.

    A bare name is a credential that systemd hands to the service, encrypted on the disk if the administrator wants it so
    (https://systemd.io/CREDENTIALS/).

    Raises:
        OSError: the file cannot be read.
        ValueError: it is not a regular file, or a credential that the service was not given.
    """
    if file is None:
        return None
    if file == Path(file.name):
        folder = os.environ.get(_CREDENTIALS)
        if folder is None:
            raise ValueError(
                f"{file} names a credential, and systemd gave this service none: give a path, or LoadCredential="
            )
        file = Path(folder, file)
    if not file.is_file():
        raise ValueError(f"{file} is not there, or is no regular file")
    with file.open("rb") as stream:
        return stream.read(_SECRET_MAX_BYTES).strip()


def _why(error: OSError | ValueError) -> str:
    return error.strerror if isinstance(error, OSError) and error.strerror else str(error)
