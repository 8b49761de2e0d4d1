"""The rpm's scripts, installed, upgraded and erased by rpm itself on a booted machine. The steps build on each other."""

import pytest

from agent.core.own_places import NAME
from tests.installed.conftest import DIST, Later
from tests.installed.debian import Debian

pytestmark = pytest.mark.installed

DEVICE = f"/var/lib/{NAME}/device-id"


def pid(debian: Debian) -> str:
    return debian.shows(NAME, "MainPID")["MainPID"]


def test_it_installs_and_the_service_is_active(debian: Debian) -> None:
    (package,) = DIST.glob("*.rpm")
    debian.must("rpm", "--install", "--nodeps", f"/mnt/{package.name}")
    assert debian.shows(NAME, "ActiveState", "UnitFileState") == {"ActiveState": "active", "UnitFileState": "enabled"}


def test_an_upgrade_starts_the_new_one_and_keeps_the_state(debian: Debian, later: Later) -> None:
    debian.write(f"/etc/{NAME}/agent.toml", "[reporting]\nblind_after_s = 901\n")
    device, old = debian.read(DEVICE), pid(debian)
    debian.must("rpm", "--upgrade", "--nodeps", later("rpm"))
    assert debian.must("rpm", "--query", "--queryformat", "%{version}", NAME) == "999.0.0"
    assert debian.shows(NAME, "ActiveState", "UnitFileState") == {"ActiveState": "active", "UnitFileState": "enabled"}
    assert pid(debian) not in ("0", old)
    assert debian.read(DEVICE) == device
    assert debian.read(f"/etc/{NAME}/agent.toml") == "[reporting]\nblind_after_s = 901\n"


def test_erasing_stops_it_and_keeps_settings_and_state(debian: Debian) -> None:
    old = pid(debian)
    debian.must("rpm", "--erase", NAME)
    assert debian.run("test", "-e", f"/proc/{old}").returncode != 0
    assert debian.run("test", "-e", f"/opt/{NAME}").returncode != 0
    assert debian.run("systemctl", "status", NAME).returncode == 4, "systemd knows no such unit"
    assert debian.read(DEVICE)
    assert debian.read(f"/etc/{NAME}/agent.toml")
