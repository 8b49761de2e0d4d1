"""Print the API as an OpenAPI 3.1 document, made from the code (`docs/central-openapi.json`)."""

import argparse
import json

from central.web.openapi import document


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the verb's own options: there are none."""


def run(arguments: argparse.Namespace) -> int:  # noqa: ARG001 - every verb gets them
    """Print it."""
    print(json.dumps(document(), indent=2))
    return 0
