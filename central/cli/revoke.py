"""End what a device writes by, its credential and its certificate: from now on its reports are refused, and counted.

What it told before stays. `readmit` lets it in again. `device NAME` tells the id of a device.
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
    """Revoke."""
    with opened(load(arguments.settings)) as engine, writing(engine) as connection:
        if not administering.revoke_device(connection, Act(BY, time.time()), arguments.device):
            print(f"no device has the id {arguments.device}", file=sys.stderr)
            return 1
    return 0
