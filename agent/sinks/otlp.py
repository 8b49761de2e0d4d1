"""OpenTelemetry logs: OTLP/HTTP in its JSON form.

One batch is one `POST` (by default to `/v1/logs`): one log record per event, its body the canonical JSON of the event. A
collector may take a part and refuse the rest (`partialSuccess`): the specification forbids to send that again as it is, so
the batch is set aside, where health shows it.
https://opentelemetry.io/docs/specs/otlp/#otlphttp and opentelemetry/proto/logs/v1/logs.proto
"""

import json
from dataclasses import dataclass
from typing import Any

from agent.core.canonical import canonical
from agent.ports import Accepted, Batch, Clock, Outcome, Refused, RetryLater
from agent.sinks.channel import HttpChannel, HttpLimits, HttpSink, HttpTarget

_SERVICE = "mcp-compliance-agent"
_SEVERITY = {1: (9, "INFO"), 2: (10, "INFO2"), 3: (13, "WARN"), 4: (17, "ERROR"), 5: (21, "FATAL")}
"""OCSF `severity_id` → OTLP SeverityNumber and its text."""


@dataclass(eq=False)
class OtlpSink(HttpSink):
    """One collector."""

    target: HttpTarget
    clock: Clock
    limits: HttpLimits | None = None
    name: str = "otlp"

    def __post_init__(self) -> None:
        self._channel = HttpChannel(self.target, self.clock, self.limits)

    def send(self, batch: Batch) -> Outcome:
        """Post `batch` once."""
        body = json.dumps(self._request(batch), separators=(",", ":")).encode()
        reply = self._channel.post(body, {"Content-Type": "application/json"})
        if isinstance(reply, RetryLater) or not isinstance(reply.outcome, Accepted):
            return reply if isinstance(reply, RetryLater) else reply.outcome
        rejected = _rejected(reply.body)
        if rejected:
            return Refused(f"{self.target.host} refused {rejected} of {len(batch.lines)} log records")
        return Accepted()

    def _request(self, batch: Batch) -> dict[str, Any]:
        first = next(batch.events)
        device, product = first.get("device", {}), first.get("metadata", {}).get("product", {})
        resource = {
            "service.name": _SERVICE,
            "service.version": str(product.get("version", "")),
            "host.name": str(device.get("hostname", "")),
            "device.id": str(device.get("uid", "")),
        }
        scope = {"name": _SERVICE, "version": resource["service.version"]}
        records = [_record(event) for event in batch.events]
        return {
            "resourceLogs": [
                {
                    "resource": {"attributes": _attributes(resource)},
                    "scopeLogs": [{"scope": scope, "logRecords": records}],
                }
            ]
        }


def _record(event: dict[str, Any]) -> dict[str, Any]:
    number, text = _SEVERITY.get(int(event.get("severity_id", 1)), _SEVERITY[1])
    nanoseconds = str(int(event.get("time", 0)) * 1_000_000)
    return {
        "timeUnixNano": nanoseconds,
        "observedTimeUnixNano": nanoseconds,
        "severityNumber": number,
        "severityText": text,
        "body": {"stringValue": canonical(event)},
        "attributes": _attributes(
            {
                "ocsf.class_uid": int(event.get("class_uid", 0)),
                "ocsf.type_name": str(event.get("type_name", "")),
                "ocsf.finding_uid": str(event.get("finding_info", {}).get("uid", "")),
                "ocsf.sequence": int(event.get("metadata", {}).get("sequence", 0)),
                "message": str(event.get("message", "")),
            }
        ),
    }


def _attributes(values: dict[str, Any]) -> list[dict[str, Any]]:
    """Return attributes as OTLP's JSON form wants them: 64-bit integers are strings there."""
    return [
        {"key": key, "value": {"intValue": str(value)} if isinstance(value, int) else {"stringValue": value}}
        for key, value in values.items()
        if value != ""
    ]


def _rejected(body: bytes) -> int:
    try:
        return int(json.loads(body or b"{}").get("partialSuccess", {}).get("rejectedLogRecords", 0))
    except (ValueError, TypeError, AttributeError):
        return 0
