"""The daemon on a laptop of its own, so that a measurement touches nothing of the machine that it runs on.

A laptop with processes of its own is as quiet as a measurement wants it; but the kernel tells of starting processes only among
those of the host, so the daemon then sweeps the table by timer.
"""

import contextlib
import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.tree import plant_home
from tests.e2e.daemon import Daemon
from tests.e2e.machine import HOME, PRIVILEGED, Machine
from tests.e2e.policies import LOCKED, MANAGED_SETTINGS, deploy

PROJECTS = 20


@contextlib.contextmanager
def started(machine: Machine, *argv: str) -> Iterator[int]:
    """Run a program on the laptop meanwhile; yield its pid on the host."""
    with subprocess.Popen(machine.command(argv, online=True), stdin=subprocess.DEVNULL) as process:
        pid = machine.pid_of(process)
        try:
            yield pid
        finally:
            os.kill(pid, signal.SIGKILL)


@contextlib.contextmanager
def watched(*, own_processes: bool) -> Iterator[tuple[Machine, Daemon]]:
    """Yield a laptop with one user, six clients and twenty projects, and the daemon that has looked at all of it."""
    with TemporaryDirectory() as folder:
        root = Path(folder, "laptop")
        root.mkdir()
        machine = Machine(root, {}, own_processes=own_processes or not PRIVILEGED)
        try:
            plant_home(root, HOME, PROJECTS)
            deploy(machine, MANAGED_SETTINGS, LOCKED)
            daemon = Daemon(machine, online=True)
            try:
                daemon.until_looked()
                yield machine, daemon
            finally:
                daemon.stop()
        finally:
            machine.close()
