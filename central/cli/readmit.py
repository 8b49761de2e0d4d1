"""Let a device in again: one that was revoked, or that lost its state folder and has another credential now.

It enrols anew by the organisation's key, with a new credential; the old one stays ended. A certificate counts again.
"""

import argparse
import sys
import time

from central.cli.stored import BY, opened
from central.config import load
from central.store import administering
from central.store.engine import writing
from central.store.handling import Act


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the verb's own options."""
    parser.add_argument("device", help="the id of the device")


def run(arguments: argparse.Namespace) -> int:
    """Readmit."""
    with opened(load(arguments.settings)) as engine, writing(engine) as connection:
        if not administering.readmit_device(connection, Act(BY, time.time()), arguments.device):
            print(f"no device has the id {arguments.device}", file=sys.stderr)
            return 1
    return 0
