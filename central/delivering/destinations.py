"""The destinations of the settings as sinks. One that cannot be used keeps the program from starting: alerts would go nowhere."""

from collections.abc import Iterator, Sequence
from dataclasses import fields
from urllib.parse import urlsplit

from agent.app.far import far_sink, http_limits, http_target
from agent.config.destinations import Syslog
from agent.config.network import Network
from agent.core.refusal import CannotStart
from agent.host.credentials import credential
from agent.ports import Clock, Sink
from agent.sinks.channel import HttpTarget
from agent.sinks.https import HttpsSink, HttpsTarget
from central.core.pushing import Destination
from central.delivering.written import Pushed, Webhook

WHO = "mcp-compliance-central"
"""What stands in `X-Device-Id` of what is pushed to a webhook."""


def sinks(items: Sequence[Pushed], network: Network, clock: Clock) -> Iterator[tuple[Pushed, Sink]]:
    """Yield the sinks of the settings, in their order.

    Raises:
        CannotStart: two have one name, or one cannot be used; the message names it.
    """
    names: set[str] = set()
    for item in items:
        name = item.name or item.kind
        if name in names:
            raise CannotStart(f"[[destination]] {name}: there is another one of that name; give it a name of its own")
        names.add(name)
        try:
            yield (
                item,
                _webhook(item, name, clock, network)
                if isinstance(item, Webhook)
                else far_sink(item, name, clock, network),
            )
        except (OSError, ValueError) as error:
            why = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
            raise CannotStart(f"[[destination]] {name}: {why}") from None


def named(items: Sequence[Pushed]) -> tuple[Destination, ...]:
    """Return what people are shown of the settings."""
    return tuple(Destination(name=item.name or item.kind, kind=item.kind, where=_where(item)) for item in items)


def _where(item: Pushed) -> str:
    return f"{item.host}:{item.port}" if isinstance(item, Syslog) else urlsplit(item.url).netloc.rpartition("@")[2]


def _webhook(item: Webhook, name: str, clock: Clock, network: Network) -> Sink:
    plain = http_target(item, "Bearer", network)
    common = {each.name: getattr(plain, each.name) for each in fields(HttpTarget)}
    target = HttpsTarget(**common, device_id=WHO, hmac_key=credential(item.hmac_key_file))
    return HttpsSink(target, clock, http_limits(item), name=name)
