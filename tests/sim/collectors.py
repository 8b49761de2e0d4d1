"""Receivers that speak one protocol strictly: what is not exactly right is refused, what is right is kept.

Each is a judge for `tests.sim.endpoint.Endpoint`. OTLP is parsed by the package that the protocol's authors publish
(`opentelemetry-proto`); ECS documents are held to the fields that Elastic publishes (`ecs.json`, made from npm's `@elastic/ecs`
9.4.0, Apache-2.0: types, arrays and allowed values of the field sets that can concern us). The rest are the rules of the
published protocols, written down here anew, with the answers that the real servers give.
"""

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from google.protobuf import json_format
from opentelemetry.proto.collector.logs.v1 import logs_service_pb2 as logs

from tests.sim.endpoint import Answer, Received

TOKEN = "tok-canary-7a90"
ECS: Mapping[str, Mapping[str, Any]] = json.loads(Path(__file__).with_name("ecs.json").read_text())


class Collector:
    """Keeps events by (journal, sequence), so that a repeat shows. `wrong` says what was not right in what was refused."""

    scheme = "Bearer"
    content_type = "application/json"

    def __init__(self) -> None:
        self.events: list[dict[str, Any]] = []
        self.repeats = 0
        self.wrong: list[str] = []

    def __call__(self, request: Received) -> Answer:
        if request.headers["Authorization"] != f"{self.scheme} {TOKEN}":
            return Answer(401)
        if request.headers["Content-Type"] != self.content_type:
            return Answer(415)
        try:
            return self.judge(request)
        except (ValueError, KeyError, TypeError, json_format.ParseError) as error:
            self.wrong.append(f"{type(error).__name__}: {error}")
            return Answer(400)

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
    """`/services/collector/event`, and `/services/collector/ack`, as Splunk Enterprise 9.4 documents them.

    With `indexed` the token has indexer acknowledgement on: every request needs a channel and gets an id, and a question about
    ids is answered with what comes next in `indexed`; an id that was told to be indexed is forgotten, as it is there.
    """

    scheme = "Splunk"
    MEMBERS: Mapping[str, type | tuple[type, ...]] = {
        "time": (int, float),
        "host": str,
        "source": str,
        "sourcetype": str,
        "index": str,
        "event": (dict, str),
        "fields": dict,
    }

    def __init__(self, *indexed: bool) -> None:
        super().__init__()
        self.indexed = list(indexed)
        self.acknowledges = bool(indexed)
        self.waiting: dict[str, set[int]] = {}
        self._next = 0

    def judge(self, request: Received) -> Answer:
        parts = urlsplit(request.path)
        channel = request.headers["X-Splunk-Request-Channel"] or parse_qs(parts.query).get("channel", [""])[0]
        if self.acknowledges and not channel:
            return self._said(400, "Data channel is missing", 10)
        if channel and not re.fullmatch(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}", channel):
            return self._said(400, "Invalid data channel", 11)
        match parts.path:
            case "/services/collector/event":
                return self._took(request, channel)
            case "/services/collector/ack":
                return self._told(request, channel)
        return Answer(404)

    def _took(self, request: Received, channel: str) -> Answer:
        taken = list(self._events(request.body.decode()))
        if not taken:
            return self._said(400, "No data", 5)
        for event in taken:  # all or nothing
            self.keep(event)
        if not self.acknowledges:
            return self._said(200, "Success", 0)
        number, self._next = self._next, self._next + 1
        self.waiting.setdefault(channel, set()).add(number)
        return self._said(200, "Success", 0, ackId=number)

    def _told(self, request: Received, channel: str) -> Answer:
        if not self.acknowledges:
            return self._said(400, "ACK is disabled", 14)
        asked = json.loads(request.body)["acks"]
        if not all(type(number) is int for number in asked):
            raise ValueError("acks are numbers")
        there = self.indexed.pop(0)
        known = self.waiting.get(channel, set())
        answer = {str(number): there and number in known for number in asked}
        if there:
            known.difference_update(asked)
        return Answer(body=json.dumps({"acks": answer}).encode())

    def _events(self, text: str) -> Iterator[dict[str, Any]]:
        """Yield the events of objects that stand one after the other, with nothing but blanks between."""
        decoder, at = json.JSONDecoder(), 0
        while at < len(text):
            wrapped, at = decoder.raw_decode(text, at)
            at += len(text[at:]) - len(text[at:].lstrip())
            for name, value in wrapped.items():
                if not isinstance(value, self.MEMBERS[name]) or isinstance(value, bool):
                    raise TypeError(f"{name} is of a wrong type")
            if not wrapped["event"]:
                raise ValueError("Event field cannot be blank")
            yield wrapped["event"]

    def _said(self, status: int, text: str, code: int, **more: int) -> Answer:
        return Answer(status, body=json.dumps({"text": text, "code": code, **more}).encode())


class Otlp(Collector):
    """`/v1/logs` in JSON, parsed strictly into the protocol's own message. `rejects` log records are refused for good."""

    def __init__(self, rejects: int = 0) -> None:
        super().__init__()
        self.rejects = rejects
        self.requests: list[logs.ExportLogsServiceRequest] = []

    def judge(self, request: Received) -> Answer:
        if request.path != "/v1/logs":
            return Answer(404)
        given = json_format.Parse(request.body, logs.ExportLogsServiceRequest(), ignore_unknown_fields=False)
        for resource in given.resource_logs:
            if not any(row.key == "service.name" and row.value.string_value for row in resource.resource.attributes):
                raise ValueError("a resource without service.name")
            for record in (record for scope in resource.scope_logs for record in scope.log_records):
                if not record.time_unix_nano or not record.observed_time_unix_nano or not record.severity_number:
                    raise ValueError("a record without times or severity")
                keys = [row.key for row in record.attributes]
                if len(set(keys)) != len(keys) or not all(row.value.WhichOneof("value") for row in record.attributes):
                    raise ValueError("attributes are keys, each once, with a value")
                self.keep(json.loads(record.body.string_value))
        self.requests.append(given)
        answer = logs.ExportLogsServiceResponse()
        answer.partial_success.rejected_log_records = self.rejects
        return Answer(body=json_format.MessageToJson(answer).encode() if self.rejects else b"{}")


class Elastic(Collector):
    """`/<data stream>/_bulk`, documents held to ECS. `statuses` are answered to the first ones in place of the right answer."""

    scheme = "ApiKey"
    content_type = "application/x-ndjson"

    def __init__(self, *statuses: int) -> None:
        super().__init__()
        self.statuses = list(statuses)
        self.ids: set[str] = set()

    def judge(self, request: Received) -> Answer:
        path, _, query = request.path.partition("?")
        stream = re.fullmatch(r"/(?P<type>[a-z0-9_]+)-(?P<dataset>[a-z0-9_.]+)-(?P<namespace>[a-z0-9_.]+)/_bulk", path)
        if stream is None or not request.body.endswith(b"\n"):
            raise ValueError("no data stream, or the bulk request is not terminated by a newline [\\n]")
        if set(parse_qs(query)) - {"filter_path", "refresh", "timeout", "pipeline", "require_alias"}:
            raise ValueError("request contains an unrecognized parameter")
        lines = [json.loads(line) for line in request.body.split(b"\n")[:-1]]
        items = [self._created(action, document) for action, document in zip(lines[::2], lines[1::2], strict=True)]
        errors = any(item["create"]["status"] >= 400 for item in items)
        return Answer(body=json.dumps({"errors": errors, "items": items}).encode())

    def _created(self, action: dict[str, Any], document: dict[str, Any]) -> dict[str, Any]:
        if list(action) != ["create"] or set(action["create"]) - {"_id"}:
            raise ValueError("only write ops with an op_type of create are allowed in data streams")
        name = action["create"]["_id"]
        if len(name.encode()) > 512:
            raise ValueError("id is too long")
        wrong = ecs_faults(document)
        self.wrong += wrong
        status = 400 if wrong else self.statuses.pop(0) if self.statuses else 201
        if status < 300 and name in self.ids:
            self.repeats += 1
            status = 409
        if status >= 300:
            kinds = {409: "version_conflict_engine_exception", 429: "es_rejected_execution_exception"}
            return {"create": {"status": status, "error": {"type": kinds.get(status, "document_parsing_exception")}}}
        self.ids.add(name)
        self.keep(json.loads(document["event"]["original"]))
        return {"create": {"status": status}}


def ecs_faults(document: Mapping[str, Any]) -> list[str]:
    """Return what of `document` is not as ECS has it: names, types, allowed values, types of events that fit their categories."""
    missing = [f"{name} is missing" for name in ("@timestamp", "ecs.version") if not _found(document, name)]
    faults = [fault for name, value in _leaves(document, "") for fault in _faults(name, value)]
    event = document.get("event", {})
    for category in event.get("category", ()):
        expected = (ECS["event.category"]["allowed"].get(category) or []) + [None]
        faults += [f"{kind} is no type of {category}" for kind in event.get("type", ()) if kind not in expected]
    return missing + faults


def _faults(name: str, value: object) -> Iterator[str]:
    field = ECS.get(name)
    if field is None:
        yield f"{name} is no field of ECS"
        return
    if isinstance(value, list) != field.get("array", False):
        yield f"{name} {'is' if field.get('array') else 'is no'} array"
    for one in value if isinstance(value, list) else [value]:
        kind = {"long": int, "boolean": bool, "float": float}.get(field["type"], str)
        if type(one) is not kind:
            yield f"{name} is a {field['type']}"
        if field["type"] == "date" and not re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", str(one)):
            yield f"{name} is no date"
        if one not in field.get("allowed", {one: None}):
            yield f"{name}: {one} is not allowed"


def _leaves(value: Mapping[str, Any], below: str) -> Iterator[tuple[str, object]]:
    for key, item in value.items():
        name = f"{below}{key}"
        if isinstance(item, dict) and ECS.get(name, {}).get("type") != "object":
            yield from _leaves(item, f"{name}.")
        else:
            yield name, item


def _found(document: Mapping[str, Any], name: str) -> object:
    found: Any = document
    for part in name.split("."):
        found = found.get(part) if isinstance(found, dict) else None
    return found
