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
from agent.core.ocsf.events import Event
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
        return document(event_schema("#/components/schemas/{model}"))
    if name == "event":
        return event_schema()
    return TypeAdapter({"check": CheckDocument, "status": StatusDocument, "public": PublicDocument}[name]).json_schema(
        mode="serialization"
    )


def event_schema(references: str = "#/$defs/{model}") -> dict[str, Any]:
    """Return the schema of every event; `references` says where its parts are looked for."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "A report of mcp-compliance-agent",
        "description": "An OCSF 1.8.0 event of one of seven classes. Its class's published schema applies too:"
        " https://schema.ocsf.io/1.8.0/. What this agent adds stands in `unmapped`. Fields may be added.",
        **TypeAdapter[Any](Event).json_schema(mode="serialization", ref_template=references),
    }
