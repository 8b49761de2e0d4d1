"""Print the JSON Schema of a published document: check, status, public (the status for everybody), event or settings.

`openapi` prints the protocol of the https destination as an OpenAPI document.
"""

import argparse
import json
import sys
from typing import Any

from pydantic import TypeAdapter

from agent.cli.openapi import document
from agent.config.settings import Settings
from agent.core.documents import CheckDocument, StatusDocument
from agent.core.event_base import CLASSES
from agent.core.public import PublicDocument

NAMES = ("check", "status", "public", "event", "settings", "openapi")


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the verb's own options."""
    parser.add_argument("name", choices=NAMES, metavar="NAME", help=", ".join(NAMES))


def run(arguments: argparse.Namespace) -> int:
    """Print the schema."""
    json.dump(schema(arguments.name), sys.stdout, indent=2)
    sys.stdout.write("\n")
    return 0


def schema(name: str) -> dict[str, Any]:
    """Return the JSON Schema of the document `name`."""
    if name == "settings":
        return Settings.model_json_schema()
    if name == "openapi":
        return document(EVENT_SCHEMA)
    if name == "event":
        return EVENT_SCHEMA
    return TypeAdapter({"check": CheckDocument, "status": StatusDocument, "public": PublicDocument}[name]).json_schema(
        mode="serialization"
    )


_REQUIRED = (
    "class_uid",
    "category_uid",
    "activity_id",
    "type_uid",
    "time",
    "severity_id",
    "metadata",
    "device",
    "message",
)
EVENT_SCHEMA: dict[str, Any] = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "title": "A report of mcp-compliance-agent",
    "description": "An OCSF 1.8.0 event: Compliance Finding (2003), Detection Finding (2004, an alert), Device Inventory Info"
    " (5001, the sign of life), Device Config State Change (5019, of the policy), Software Inventory Info (5020, one server),"
    " Application Lifecycle (6002) or Application Error (6008), both of the agent. Its class's schema applies:"
    " https://schema.ocsf.io/1.8.0/. What this agent adds stands here.",
    "type": "object",
    "required": list(_REQUIRED),
    "properties": {
        "class_uid": {"enum": list(CLASSES)},
        "metadata": {
            "type": "object",
            "required": ["version", "product", "sequence"],
            "properties": {
                "version": {"const": "1.8.0"},
                "sequence": {
                    "type": "integer",
                    "description": "grows by one per event of this device; a gap is a loss",
                },
            },
        },
        "finding_info": {
            "type": "object",
            "properties": {"uid": {"type": "string", "description": "stable for (device, control, subject)"}},
        },
        "unmapped": {
            "type": "object",
            "properties": {
                "folded": {
                    "type": "array",
                    "description": "in a sign of life: sequences [first, last] of earlier ones that it stands for, so no loss",
                },
                "dropped": {"type": "object", "description": "in a sign of life: events given up so far, by reason"},
                "chain": {
                    "type": "object",
                    "properties": {
                        "journal": {
                            "type": "string",
                            "description": "changes when a fresh journal is started, and the sequence with it",
                        },
                        "previous": {
                            "type": "string",
                            "description": "SHA-256 of the canonical JSON of the event before, in hex",
                        },
                    },
                },
            },
        },
    },
}
