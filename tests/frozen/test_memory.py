"""The frozen daemon is as small as the project promises, at its highest, on a laptop of its own."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

if sys.platform != "linux":
    pytest.skip("the laptop of its own is one of Linux", allow_module_level=True)

from benchmarks.tree import plant_home
from tests.e2e.daemon import SETTINGS, Daemon, until
from tests.e2e.machine import CHECKOUT, HOME, Machine
from tests.e2e.policies import LOCKED, MANAGED_SETTINGS, deploy
from tests.sim.endpoint import Endpoint

pytestmark = pytest.mark.frozen

FROZEN = str(CHECKOUT / "dist/mcp-compliance-agent/mcp-compliance")
AS_THE_UNIT_HAS_IT = ("env", "MALLOC_ARENA_MAX=1")
MOST_MB = 56
MOST_REPORTING_MB = 61
MOST_AT_WORK_MB = 67
HUNDREDS = 300
"""`benchmarks/README.md` says what these megabytes are."""


@pytest.fixture
def laptop(tmp_path: Path) -> Iterator[Machine]:
    root = tmp_path / "laptop"
    root.mkdir()
    machine = Machine(root, {})
    yield machine
    machine.close()


def test_a_daemon_that_reports_to_nobody(laptop: Machine) -> None:
    daemon = Daemon(laptop, within=AS_THE_UNIT_HAS_IT, program=FROZEN)
    daemon.until_looked()
    highest = _highest_mb(daemon)
    daemon.stop()
    assert highest < MOST_MB


def test_a_daemon_that_reports_over_tls(laptop: Machine) -> None:
    assert _highest_mb_reporting(laptop, more_than=0) < MOST_REPORTING_MB


def test_a_daemon_that_reports_hundreds_of_deviations_over_tls(laptop: Machine) -> None:
    plant_home(laptop.root, HOME, projects=20)
    deploy(laptop, MANAGED_SETTINGS, LOCKED)
    assert _highest_mb_reporting(laptop, more_than=HUNDREDS) < MOST_AT_WORK_MB


def _highest_mb_reporting(laptop: Machine, more_than: int) -> float:
    with Endpoint() as endpoint:
        laptop.write("/etc/ca.pem", endpoint.ca.cert_pem.bytes())
        laptop.write(SETTINGS, f'[endpoint]\nurl = "{endpoint.url}"\nca_file = "/etc/ca.pem"\n')
        daemon = Daemon(laptop, online=True, within=AS_THE_UNIT_HAS_IT, program=FROZEN)
        daemon.until_looked()
        until("what was found", lambda: len(endpoint.events) > more_than)
        highest = _highest_mb(daemon)
        daemon.stop()
    return highest


def _highest_mb(daemon: Daemon) -> float:
    lines = Path(f"/proc/{daemon.pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 / 1e6 for line in lines if line.startswith("VmHWM"))
