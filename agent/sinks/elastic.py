"""Elasticsearch: ECS documents into a data stream by `_bulk`.

Each event is a `create` whose `_id` comes from journal and sequence, so a repeat is a conflict (409) and that is as good as
taken. The answer is 200 also where single documents failed: every item's own status is read. 429 and 5xx of an item are tried
again, with the whole batch; anything else sets the batch aside with the first reason.
https://www.elastic.co/docs/api/doc/elasticsearch/operation/operation-bulk and https://www.elastic.co/docs/reference/ecs
"""

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any

from agent.core.canonical import canonical
from agent.ports import Accepted, Batch, Clock, Outcome, Refused, RetryLater
from agent.sinks.channel import HttpChannel, HttpLimits, HttpSink, HttpTarget

_ECS_VERSION = "9.4.0"
_FILTER = "filter_path=errors,items.*.status,items.*.error.type"
_RESPONSE_BYTES = 4 << 20
_KINDS = {
    2003: ("state", "configuration", "info"),
    2004: ("alert", "intrusion_detection", "info"),
    5001: ("state", "host", "info"),
    5019: ("event", "configuration", "change"),
    5020: ("asset", "package", "info"),
    6002: ("event", "process", "info"),
    6008: ("event", "process", "info"),
}
"""OCSF class → `event.kind`, `event.category` and `event.type`."""


@dataclass(eq=False)
class ElasticSink(HttpSink):
    """One data stream of one cluster."""

    target: HttpTarget
    clock: Clock
    data_stream: str = "logs-mcp_compliance-default"
    limits: HttpLimits | None = None
    name: str = "elastic"

    def __post_init__(self) -> None:
        self._channel = HttpChannel(self.target, self.clock, self.limits or HttpLimits(response_bytes=_RESPONSE_BYTES))

    def send(self, batch: Batch) -> Outcome:
        """Post `batch` once and read what became of each document."""
        lines = [line for event in batch.events for line in (_action(event), document(event))]
        body = b"".join(canonical(line).encode("ascii") + b"\n" for line in lines)
        reply = self._channel.post(
            body, {"Content-Type": "application/x-ndjson"}, f"/{self.data_stream}/_bulk?{_FILTER}"
        )
        if isinstance(reply, RetryLater) or not isinstance(reply.outcome, Accepted):
            return reply if isinstance(reply, RetryLater) else reply.outcome
        return self._judged(reply.body, len(batch.lines))

    def _judged(self, body: bytes, sent: int) -> Outcome:
        host = self.target.host
        try:
            answer = json.loads(body)
            results = [next(iter(item.values())) for item in answer.get("items", ())]
            statuses = [int(result["status"]) for result in results]
        except (ValueError, TypeError, AttributeError, KeyError, StopIteration):
            return RetryLater(f"{host} gave an answer that is not one of the bulk interface")
        if answer.get("errors") is False:
            return Accepted()
        if len(statuses) != sent:
            return RetryLater(f"{host} told of {len(statuses)} documents where {sent} were sent")
        return _outcome(host, statuses, results)


def document(event: dict[str, Any]) -> dict[str, Any]:
    """Return `event` as an ECS document; the whole event stays in `event.original`."""
    device, info = event.get("device", {}), event.get("finding_info", {})
    at = datetime.fromtimestamp(int(event.get("time", 0)) / 1000, UTC).isoformat(timespec="milliseconds")
    kind, category, type_ = _KINDS.get(int(event.get("class_uid", 0)), ("event", "host", "info"))
    owner = next((row["owner"]["name"] for row in event.get("resources", ()) if "owner" in row), None)
    shown: dict[str, Any] = {
        "@timestamp": at.replace("+00:00", "Z"),
        "ecs": {"version": _ECS_VERSION},
        "message": str(event.get("message", "")),
        "event": {
            "kind": kind,
            "category": [category],
            "type": [type_],
            "action": str(event.get("type_name", "")),
            "severity": int(event.get("severity_id", 1)),
            "sequence": int(event.get("metadata", {}).get("sequence", 0)),
            "id": _identity(event),
            "module": "mcp_compliance",
            "dataset": "mcp_compliance.ocsf",
            "original": canonical(event),
        },
        "host": {"id": str(device.get("uid", "")), "hostname": str(device.get("hostname", ""))},
        "agent": {
            "type": "mcp-compliance-agent",
            "version": str(event.get("metadata", {}).get("product", {}).get("version", "")),
        },
    }
    if info:
        shown["rule"] = {"id": next(iter(info.get("types", ())), ""), "name": str(info.get("title", ""))}
    if owner:
        shown["user"] = {"name": owner}
    return shown | _evident(event.get("evidences", ()))


def _evident(evidences: Iterable[dict[str, Any]]) -> dict[str, Any]:
    """Return the first process, file and URL of the evidence as the fields of ECS."""
    found: dict[str, Any] = {}
    for row in evidences:
        if "process" in row and "process" not in found:
            process = row["process"]
            names = {"cmd_line": "command_line", "pid": "pid"}
            found["process"] = {ecs: process[name] for name, ecs in names.items() if name in process}
        if "file" in row and "file" not in found:
            file = row["file"]
            found["file"] = {"name": file["name"], "path": file["path"]}
            if "hashes" in file:
                found["file"]["hash"] = {"sha256": file["hashes"][0]["value"]}
        if "url" in row and "url" not in found:
            found["url"] = {"full": row["url"]["url_string"]}
    return found


def _outcome(host: str, statuses: Iterable[int], results: list[dict[str, Any]]) -> Outcome:
    refused = []
    for status, result in zip(statuses, results, strict=True):
        if status == HTTPStatus.TOO_MANY_REQUESTS or status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            return RetryLater(f"{host} could not take a document now ({status})")
        if status >= HTTPStatus.BAD_REQUEST and status != HTTPStatus.CONFLICT:
            refused.append(f"{status} {result.get('error', {}).get('type', '')}".rstrip())
    if refused:
        return Refused(f"{host} refused {len(refused)} of {len(results)} documents: {refused[0]}")
    return Accepted()


def _action(event: dict[str, Any]) -> dict[str, Any]:
    return {"create": {"_id": _identity(event)}}


def _identity(event: dict[str, Any]) -> str:
    chain = event.get("unmapped", {}).get("chain", {})
    parts = [chain.get("journal"), event.get("metadata", {}).get("sequence"), event.get("device", {}).get("uid")]
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:40]
