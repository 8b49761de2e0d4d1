"""The destinations that are reached over the network. What speaks with them is imported only where the settings name one.

That goes for each kind of them too: a daemon holds no protocol that its settings do not name.
"""

from pathlib import Path

from agent import __version__
from agent.app.sender import Sender
from agent.config import destinations as wanted
from agent.config.network import Network
from agent.config.settings import Settings
from agent.core.event_base import PRODUCT
from agent.core.wire import ENDPOINT
from agent.host.credentials import credential
from agent.ports import Clock, Sink
from agent.sinks.channel import HttpLimits, HttpTarget
from agent.sinks.https import HttpsLimits, HttpsSink, HttpsTarget
from agent.store.admission import KeptAdmission

Far = wanted.SplunkHec | wanted.Otlp | wanted.Elastic | wanted.Syslog
_BULK_ANSWER_BYTES = 4 << 20


def far_sink(item: Far, name: str, clock: Clock, network: Network) -> Sink:
    """Return the sink called `name`.

    Raises:
        OSError: a file with a credential cannot be read.
        ValueError: it is set up in a way that may not be used, or a credential is not where the settings say.
    """
    match item:
        case wanted.SplunkHec():
            from agent.sinks.splunk_hec import SplunkHecSink, SplunkOptions  # noqa: PLC0415 - here and below: see above

            options = SplunkOptions(index=item.index, indexer_ack=item.indexer_ack)
            return SplunkHecSink(http_target(item, "Splunk", network), clock, options, http_limits(item), name)
        case wanted.Otlp():
            from agent.sinks.otlp import OtlpSink  # noqa: PLC0415

            return OtlpSink(http_target(item, "Bearer", network), clock, http_limits(item), name)
        case wanted.Elastic():
            from agent.sinks.elastic import ElasticSink  # noqa: PLC0415

            limits = HttpLimits(total_s=item.total_timeout_s, response_bytes=_BULK_ANSWER_BYTES)
            return ElasticSink(http_target(item, "ApiKey", network), clock, item.data_stream, limits, name)
        case wanted.Syslog():
            return _syslog(item, name)


def central_sink(settings: Settings, sender: Sender, clock: Clock) -> Sink:
    """Return the sink of the configured endpoint, which lets the device in first where an enrolment key is set.

    Raises:
        OSError: a file with a credential cannot be read.
        ValueError: the URL is not one that may be used, or a credential is not where the settings say.
    """
    file = settings.endpoint.enrolment_key_file
    if file is None:
        target, limits = _endpoint(settings, sender.device)
        return HttpsSink(target, clock, limits, heard=sender.heard)
    if settings.endpoint.token_file is not None:
        raise ValueError("token_file and enrolment_key_file are both set: give the one that the endpoint expects")
    from agent.sinks.enrolled import EnrolledSink  # noqa: PLC0415

    target, limits = _endpoint(settings, sender.device)
    _text(file)  # a key that cannot be read is told now; it is read again when it is needed
    return EnrolledSink(
        target=target,
        hostname=sender.hostname,
        key=lambda: _text(file) or "",
        credentials=KeptAdmission(sender.state),
        clock=clock,
        limits=limits,
        heard=sender.heard,
        admitted=sender.admitted,
        name=ENDPOINT,
    )


def https_sink(settings: Settings, device: str, clock: Clock) -> HttpsSink:
    """Return the plain sink of the configured endpoint, to try the way there.

    Raises:
        OSError: a file with a credential cannot be read.
        ValueError: the URL is not one that may be used, or a credential is not where the settings say.
    """
    target, limits = _endpoint(settings, device)
    return HttpsSink(target, clock, limits)


def _endpoint(settings: Settings, device: str) -> tuple[HttpsTarget, HttpsLimits]:
    endpoint = settings.endpoint
    target = HttpsTarget(
        url=endpoint.url or "",
        device_id=device,
        agent=f"{PRODUCT}/{__version__}",
        token=_text(endpoint.token_file),
        hmac_key=credential(endpoint.hmac_key_file),
        ca_file=endpoint.ca_file,
        cert_file=endpoint.client_certificate_file,
        key_file=endpoint.client_key_file,
        proxy=endpoint.proxy or settings.network.proxy,
        proxy_credential=_text(settings.network.proxy_credential_file),
    )
    limits = HttpsLimits(
        connect_s=endpoint.connect_timeout_s, read_s=endpoint.read_timeout_s, total_s=endpoint.total_timeout_s
    )
    return target, limits


def _syslog(item: wanted.Syslog, name: str) -> Sink:
    from agent.sinks.syslog import SyslogSink, SyslogTarget  # noqa: PLC0415

    target = SyslogTarget(
        host=item.host,
        port=item.port,
        ca_file=item.ca_file,
        cert_file=item.client_certificate_file,
        key_file=item.client_key_file,
        total_s=item.total_timeout_s,
    )
    return SyslogSink(target, name=name)


def http_target(item: wanted.Http, scheme: str, network: Network) -> HttpTarget:
    """Return the target of a destination over HTTP; its token follows `scheme` in the header.

    Raises:
        OSError: a file with a credential cannot be read.
        ValueError: the URL is not one that may be used, or a credential is not where the settings say.
    """
    return HttpTarget(
        url=item.url,
        agent=f"{PRODUCT}/{__version__}",
        scheme=scheme,
        token=_text(item.token_file),
        ca_file=item.ca_file,
        cert_file=item.client_certificate_file,
        key_file=item.client_key_file,
        proxy=item.proxy or network.proxy,
        proxy_credential=_text(network.proxy_credential_file),
    )


def http_limits(item: wanted.Http) -> HttpLimits:
    """Return the limits of one attempt."""
    return HttpLimits(total_s=item.total_timeout_s)


def _text(file: Path | None) -> str | None:
    raw = credential(file)
    return raw.decode("ascii", "replace") if raw else None
