"""Who changed a managed file is told with the change, where the kernel tells it."""

import pytest

from tests.e2e.conftest import StartDaemon
from tests.e2e.machine import PRIVILEGED, Machine
from tests.e2e.policies import MANAGED_SETTINGS, TIME_ONLY, deploy

pytestmark = pytest.mark.e2e


def test_a_changed_managed_file_is_told_with_the_program_that_wrote_it(
    machine: Machine, start_daemon: StartDaemon
) -> None:
    deploy(machine, MANAGED_SETTINGS, TIME_ONLY)
    daemon = start_daemon()
    daemon.until_looked()
    written = machine.run(["/bin/sh", "-c", f"echo '{{}}' > {MANAGED_SETTINGS}; sleep 2"])
    assert written.returncode == 0, written.stderr
    text = daemon.until_open("managed-file.modified", MANAGED_SETTINGS)["text"]
    if PRIVILEGED:
        assert "It was written by /" in text
        assert "as root (uid 0)" in text
    else:
        assert "Which process wrote it is not known" in text
    assert daemon.stop() == 0
