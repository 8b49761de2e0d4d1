"""The protocol of the https destination as an OpenAPI 3.1 document: what a receiver of our own protocol must understand.

`mcp-compliance schema openapi` prints it; `docs/openapi.json` is that output, and a test holds the two together.
"""

from typing import Any

from agent import __version__

_TEXT = {"type": "string"}
_PROTOCOL = (
    "A device posts batches of OCSF 1.8.0 events, in order, one batch at a time. A batch that was not acknowledged comes"
    " again with the same Idempotency-Key, also after a crash: take a batch once, drop events whose journal and sequence you"
    " have. `metadata.sequence` grows by one per event of a journal, and `unmapped.chain.previous` is the SHA-256 of the line"
    " before, so a gap shows. What an event lists in `unmapped.folded` is no gap."
)
_REFUSED = (
    "Never: the batch is set aside on the device, visible in its health, and tried again when the agent starts again."
)


def document(event: dict[str, Any]) -> dict[str, Any]:
    """Return the document; `event` is the JSON Schema of one event, whose parts are looked for in `components`."""
    parts = event.get("$defs", {})
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Receiver of reports of mcp-compliance-agent",
            "version": __version__,
            "description": _PROTOCOL,
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "paths": {"/v1/events": {"post": _post(), "options": _options()}},
        "components": {
            "schemas": {"Event": {key: value for key, value in event.items() if key[0] != "$"}, **parts},
            "securitySchemes": {
                "token": {"type": "http", "scheme": "bearer"},
                "certificate": {"type": "mutualTLS"},
            },
        },
        "security": [{"token": []}, {"certificate": []}, {"token": [], "certificate": []}],
    }


def _post() -> dict[str, Any]:
    return {
        "operationId": "postEvents",
        "summary": "Take one batch",
        "parameters": [
            _header("Idempotency-Key", _TEXT, "the batch; a repeat has the same one"),
            _header("X-Device-Id", _TEXT, "the device that reports; the same as `device.uid` of every event"),
            _header("X-First-Sequence", {"type": "integer"}, "sequence of the first event"),
            _header("X-Last-Sequence", {"type": "integer"}, "sequence of the last event"),
            _header(
                "X-Timestamp",
                {"type": "integer"},
                "Unix seconds of the attempt, by the device's clock",
                required=False,
            ),
            _header(
                "X-Signature",
                {"type": "string", "pattern": "^sha256=[0-9a-f]{64}$"},
                "HMAC-SHA256 over the timestamp, a full stop and the body as it is sent (compressed); where a signing key is set",
                required=False,
            ),
        ],
        "requestBody": {
            "required": True,
            "description": "gzip (Content-Encoding) over one canonical JSON event per line: sorted keys, no blanks, ASCII",
            "content": {"application/x-ndjson": {"schema": {"$ref": "#/components/schemas/Event"}}},
        },
        "responses": {
            "2XX": {"description": "The batch is stored durably; it never comes again. The only acknowledgement."},
            "408": _later("Not now."),
            "413": {"description": "Too large: the same events come again in smaller batches."},
            "425": _later("Not now."),
            "429": _later("Too many requests."),
            "4XX": {"description": _REFUSED},
            "5XX": _later("Not now."),
        },
    }


def _options() -> dict[str, Any]:
    return {
        "operationId": "probe",
        "summary": "Asked by `mcp-compliance doctor`, without a credential; any answer will do",
        "security": [],
        "responses": {"default": {"description": "The receiver is there."}},
    }


def _header(name: str, schema: dict[str, Any], text: str, *, required: bool = True) -> dict[str, Any]:
    return {"name": name, "in": "header", "required": required, "schema": schema, "description": text}


def _later(text: str) -> dict[str, Any]:
    wish = {"schema": _TEXT, "description": "seconds or an HTTP date; honoured up to an hour"}
    return {
        "description": f"{text} The batch comes again after Retry-After, or after a random wait that grows up to an hour.",
        "headers": {"Retry-After": wish},
    }
