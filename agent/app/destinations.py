"""The destinations that the settings name, as sinks. What cannot be used costs that destination alone."""

from collections.abc import Iterator
from dataclasses import dataclass

from agent.app.sender import Sender
from agent.config import destinations as wanted
from agent.config.network import Network
from agent.config.settings import Settings
from agent.core.wire import ENDPOINT
from agent.ports import Clock, Sink
from agent.sinks.jsonl import JsonlSink
from agent.sinks.system_log import SystemLogSink, system_log

REPORTS = "reports.jsonl"


@dataclass(frozen=True, slots=True)
class Unusable:
    """A destination of the settings that cannot be used; the text says why and names no secret.

    Reports for `name` wait until it can be; None where another one has that name.
    """

    name: str | None
    text: str


@dataclass(frozen=True, slots=True)
class Destination:
    """A sink, and whether it is far: what is far is not asked by all devices at once after a start."""

    sink: Sink
    far: bool


def destinations(settings: Settings, sender: Sender, clock: Clock) -> Iterator[Destination | Unusable]:
    """Yield what the settings name, in their order."""
    if settings.jsonl.enabled:
        path = settings.jsonl.path or sender.state / REPORTS
        yield Destination(JsonlSink(path, settings.jsonl.max_bytes), far=False)
    if settings.endpoint.url is not None:
        from agent.app.far import central_sink  # noqa: PLC0415 - see there

        try:
            yield Destination(central_sink(settings, sender, clock), far=not _plain(settings.endpoint.url))
        except (OSError, ValueError) as error:
            yield Unusable(ENDPOINT, f"[endpoint]: {_why(error)}")

    names = {"jsonl", ENDPOINT}
    for item in settings.destination:
        name = item.name or item.kind
        if name in names:
            yield Unusable(
                None, f"[[destination]] {name}: there is another one of that name; give it a name of its own"
            )
            continue
        names.add(name)
        try:
            yield _built(item, name, clock, settings.network)
        except (OSError, ValueError) as error:
            yield Unusable(name, f"[[destination]] {name}: {_why(error)}")


def _built(item: wanted.Destination, name: str, clock: Clock, network: Network) -> Destination:
    if isinstance(item, wanted.SystemLog):
        return Destination(SystemLogSink(system_log(), name), far=False)
    if isinstance(item, wanted.JsonlFile):
        return Destination(JsonlSink(item.path, item.max_bytes, name=name), far=False)
    from agent.app.far import far_sink  # noqa: PLC0415 - see there

    near = isinstance(item, wanted.Http) and _plain(item.url)
    return Destination(far_sink(item, name, clock, network), far=not near)


def _plain(url: str) -> bool:
    return url.startswith("http:")  # which sinks take to this very machine only


def _why(error: OSError | ValueError) -> str:
    return error.strerror if isinstance(error, OSError) and error.strerror else str(error)
