"""Splunk's HTTP Event Collector.

One batch is one `POST` to `/services/collector/event`: one JSON object per event, one after the other. 2xx means that Splunk
took the events in, not that they are indexed. With `indexer_ack` the batch counts only once an indexer has it: Splunk
Enterprise offers that per token, Splunk Cloud does not. A repeat is recognised by `finding_info.uid`, or by journal and
sequence, of the events.
https://help.splunk.com/en/splunk-enterprise/get-started/get-data-in/9.4/get-data-with-http-event-collector
"""

import json
import threading
import uuid
from dataclasses import dataclass, field
from typing import Any

from agent.core.canonical import canonical
from agent.ports import Accepted, Batch, Clock, Outcome, RetryLater
from agent.sinks.channel import HttpChannel, HttpLimits, HttpSink, HttpTarget, Reply

EVENT_PATH = "/services/collector/event"
ACK_PATH = "/services/collector/ack"
_SOURCE = "mcp-compliance-agent"
_SOURCETYPE = "ocsf:mcp-compliance"
_ASK_EVERY_S = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class SplunkOptions:
    """`index` None: the token's own. `ack_s` is how long an indexer may take, where `indexer_ack` is asked for."""

    index: str | None = None
    indexer_ack: bool = False
    ack_s: float = 20.0


@dataclass(eq=False)
class SplunkHecSink(HttpSink):
    """One collector."""

    target: HttpTarget
    clock: Clock
    options: SplunkOptions = field(default_factory=SplunkOptions)
    limits: HttpLimits | None = None
    name: str = "splunk_hec"

    def __post_init__(self) -> None:
        self._channel = HttpChannel(self.target, self.clock, self.limits)
        self._request_channel = str(uuid.uuid4())
        self._stopped = threading.Event()

    def send(self, batch: Batch) -> Outcome:
        """Post `batch` once, and wait for the indexer where that is asked for."""
        body = "\n".join(canonical(self._wrapped(event)) for event in batch.events).encode("ascii")
        headers = {"Content-Type": "application/json", "X-Splunk-Request-Channel": self._request_channel}
        reply = self._channel.post(body, headers, EVENT_PATH)
        if isinstance(reply, RetryLater):
            return reply
        outcome = reply.outcome
        if not isinstance(outcome, Accepted) or not self.options.indexer_ack:
            return outcome
        number = _json(reply).get("ackId")
        if not isinstance(number, int):
            return RetryLater("Splunk gave no acknowledgement id: turn indexer acknowledgement on for the token")
        return self._indexed(number)

    def abort(self) -> None:
        """End an attempt that is under way."""
        self._stopped.set()
        super().abort()

    def _indexed(self, number: int) -> Outcome:
        """Ask until an indexer has the batch."""
        until = self.clock.monotonic() + self.options.ack_s
        question = json.dumps({"acks": [number]}).encode()
        path = f"{ACK_PATH}?channel={self._request_channel}"
        while True:
            reply = self._channel.post(question, {"Content-Type": "application/json"}, path)
            if isinstance(reply, RetryLater):
                return reply
            if not isinstance(reply.outcome, Accepted):
                return reply.outcome
            acks = _json(reply).get("acks")
            if isinstance(acks, dict) and acks.get(str(number)) is True:
                return Accepted()
            if self.clock.monotonic() >= until or self._stopped.wait(_ASK_EVERY_S):
                return RetryLater("Splunk took the reports and no indexer acknowledged them in time")

    def _wrapped(self, event: dict[str, Any]) -> dict[str, Any]:
        wrapped = {
            "time": round(float(event.get("time", 0)) / 1000, 3),
            "host": str(event.get("device", {}).get("hostname", "unknown")),
            "source": _SOURCE,
            "sourcetype": _SOURCETYPE,
            "event": event,
        }
        return wrapped | ({"index": self.options.index} if self.options.index else {})


def _json(reply: Reply) -> dict[str, Any]:
    try:
        found = json.loads(reply.body)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}
