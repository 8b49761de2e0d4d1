"""Receivers that speak one protocol strictly: what is not exactly right is refused, what is right is kept.

Each is a judge for `tests.sim.endpoint.Endpoint`. The rules are those of the published protocols, written down here anew.
"""

import json
import re
from typing import Any

from tests.sim.endpoint import Answer, Received

TOKEN = "tok-canary-7a90"


class Collector:
    """Keeps events by (journal, sequence), so that a repeat shows."""

    scheme = "Bearer"
    content_type = "application/json"

    def __init__(self) -> None:
        self.events: list[dict[str, Any]] = []
        self.repeats = 0

    def __call__(self, request: Received) -> Answer:
        if request.headers["Authorization"] != f"{self.scheme} {TOKEN}":
            return Answer(401)
        if request.headers["Content-Type"] != self.content_type:
            return Answer(415)
        return self.judge(request)

    def judge(self, request: Received) -> Answer:
        raise NotImplementedError

    def keep(self, event: dict[str, Any]) -> bool:
        """Keep `event`; say whether it is new."""
        if event in self.events:
            self.repeats += 1
            return False
        self.events.append(event)
        return True


class Splunk(Collector):
    """`/services/collector/event`, and `/services/collector/ack` where `indexed` says what the indexer answers in turn."""

    scheme = "Splunk"

    def __init__(self, *indexed: bool) -> None:
        super().__init__()
        self.indexed = list(indexed)

    def judge(self, request: Received) -> Answer:
        if request.path.startswith("/services/collector/ack?channel="):
            (number,) = json.loads(request.body)["acks"]
            return Answer(body=json.dumps({"acks": {str(number): self.indexed.pop(0)}}).encode())
        if request.path != "/services/collector/event" or not request.headers["X-Splunk-Request-Channel"]:
            return Answer(400, body=b'{"text":"Data channel is missing","code":10}')
        decoder, text, at = json.JSONDecoder(), request.body.decode(), 0
        while at < len(text):
            wrapped, at = decoder.raw_decode(text, at)
            at += len(text[at:]) - len(text[at:].lstrip())
            if (
                set(wrapped) - {"time", "host", "source", "sourcetype", "index", "event", "fields"}
                or not wrapped["event"]
            ):
                return Answer(400, body=b'{"text":"Invalid data format","code":6}')
            assert isinstance(wrapped["time"], float)
            self.keep(wrapped["event"])
        return Answer(body=b'{"text":"Success","code":0,"ackId":7}' if self.indexed else b'{"text":"Success","code":0}')


class Otlp(Collector):
    """`/v1/logs` in JSON. `rejects` log records are refused for good."""

    def __init__(self, rejects: int = 0) -> None:
        super().__init__()
        self.rejects = rejects

    def judge(self, request: Received) -> Answer:
        if request.path != "/v1/logs":
            return Answer(404)
        (resource,) = json.loads(request.body)["resourceLogs"]
        attributes(resource["resource"]["attributes"])
        for scope in resource["scopeLogs"]:
            for record in scope["logRecords"]:
                assert re.fullmatch(r"\d+", record["timeUnixNano"])  # fixed64 is a string in JSON
                assert 1 <= record["severityNumber"] <= 24
                attributes(record["attributes"])
                self.keep(json.loads(record["body"]["stringValue"]))
        partial = {"partialSuccess": {"rejectedLogRecords": str(self.rejects)}} if self.rejects else {}
        return Answer(body=json.dumps(partial).encode())


def attributes(rows: list[dict[str, Any]]) -> None:
    for row in rows:
        ((kind, value),) = row["value"].items()
        assert kind in ("stringValue", "intValue")
        assert isinstance(value, str)  # int64 is a string in JSON, too


class Elastic(Collector):
    """`/<data stream>/_bulk`. `statuses` are answered to the first documents in place of the right ones."""

    scheme = "ApiKey"
    content_type = "application/x-ndjson"

    def __init__(self, *statuses: int) -> None:
        super().__init__()
        self.statuses = list(statuses)
        self.ids: set[str] = set()

    def judge(self, request: Received) -> Answer:
        path, _, query = request.path.partition("?")
        if not re.fullmatch(r"/[a-z0-9._-]+/_bulk", path) or not request.body.endswith(b"\n"):
            return Answer(400)
        assert query == "filter_path=errors,items.*.status,items.*.error.type"
        lines = [json.loads(line) for line in request.body.splitlines()]
        items = [self._created(action, document) for action, document in zip(lines[::2], lines[1::2], strict=True)]
        errors = any(item["create"]["status"] >= 400 for item in items)
        return Answer(body=json.dumps({"errors": errors, "items": items}).encode())

    def _created(self, action: dict[str, Any], document: dict[str, Any]) -> dict[str, Any]:
        assert list(action) == ["create"]  # a data stream takes nothing else
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", document["@timestamp"])
        assert document["event"]["kind"] in ("alert", "asset", "event", "state")
        status = self.statuses.pop(0) if self.statuses else 201
        if status < 300 and action["create"]["_id"] in self.ids:
            self.repeats += 1
            status = 409
        if status >= 300:
            return {"create": {"status": status, "error": {"type": "some_exception"}}}
        self.ids.add(action["create"]["_id"])
        self.keep(json.loads(document["event"]["original"]))
        return {"create": {"status": status}}
