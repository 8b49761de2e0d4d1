"""The destinations that the settings name, as sinks. What cannot be used costs that destination alone."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from agent import __version__
from agent.config.settings import Endpoint, Settings
from agent.core.event_base import PRODUCT
from agent.ports import Clock, Sink
from agent.sinks.https import HttpsLimits, HttpsSink, HttpsTarget
from agent.sinks.jsonl import JsonlSink

REPORTS = "reports.jsonl"
_SECRET_MAX_BYTES = 65_536


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


def https_sink(endpoint: Endpoint, device: str, clock: Clock) -> HttpsSink:
    """Return the sink of the configured endpoint.

    Raises:
        OSError: a file with a credential cannot be read.
        ValueError: the URL is not one that may be used.
    """
    token = secret(endpoint.token_file)
    target = HttpsTarget(
        url=endpoint.url or "",
        device_id=device,
        agent=f"{PRODUCT}/{__version__}",
        token=token.decode("ascii").strip() if token else None,
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

    Raises:
        OSError: the file cannot be read.
        ValueError: it is not a regular file.
    """
    if file is None:
        return None
    if not file.is_file():
        raise ValueError(f"{file} is not there, or is no regular file")
    with file.open("rb") as stream:
        return stream.read(_SECRET_MAX_BYTES).strip()


def _why(error: OSError | ValueError) -> str:
    return error.strerror if isinstance(error, OSError) and error.strerror else str(error)
