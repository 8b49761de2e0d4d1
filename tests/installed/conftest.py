"""The machine that the packages are installed on, with its user, its organisation and its endpoint on another host."""

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import passed
import pytest

from tests.installed.debian import Debian
from tests.installed.network import HOST, Cable
from tests.installed.organisation import packed
from tests.sim.endpoint import Endpoint

CHECKOUT = Path(__file__).parents[2]
BASE = CHECKOUT / ".scratch/debian/base"
PYTHON = CHECKOUT / ".scratch/debian/python"
"""The same Debian with Python, as servers have it; the laptops do without."""

WHEELS = CHECKOUT / ".scratch/debian/wheels"
DIST = CHECKOUT / "dist"
CENTRAL = "central.test"

Later = Callable[[str], str]
"""From a kind of package to the path, on the machine, of a later version of it."""


PACKAGES = {"installed": ("*.deb", "*.rpm"), "installed_windows": ("windows/*.msi",)}
"""What is installed by the tests of each marker, below `DIST`."""


def pytest_sessionstart(session: pytest.Session) -> None:
    """Let no package count as tested while its tests run."""
    if packages := _packages(session):
        passed.forget(DIST, packages)


def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    """Write down, for a release, which packages have passed all of their tests."""
    option = session.config.option
    if exitstatus == 0 and not (option.keyword or option.collectonly) and (packages := _packages(session)):
        passed.note(DIST, packages)


def _packages(session: pytest.Session) -> list[Path]:
    patterns = PACKAGES.get(session.config.option.markexpr, ())
    return [file for pattern in patterns for file in DIST.glob(pattern)]


@pytest.fixture(scope="module")
def shelf(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("shelf")


@pytest.fixture(scope="module")
def later(shelf: Path) -> Later:
    return lambda kind: f"/media/{packed(CHECKOUT, kind, '999.0.0', shelf).name}"


@pytest.fixture(scope="session", autouse=True)
def able(request: pytest.FixtureRequest) -> None:
    """A machine that cannot run this says so, and fails."""
    if all(item.get_closest_marker("installed") is None for item in request.session.items):
        return
    missing = [
        tool
        for tool in ("systemd-nspawn", "nsenter", "ip", "shellcheck", "podman", "runc")
        if shutil.which(tool) is None
    ]
    if missing:
        pytest.exit(
            f"{', '.join(missing)} missing: apt install systemd-container util-linux iproute2 shellcheck podman runc", 3
        )
    if os.geteuid() != 0:
        pytest.exit("a machine is booted here, which takes root", 3)
    if not (BASE.is_dir() and PYTHON.is_dir() and WHEELS.is_dir() and list(DIST.glob("*.deb"))):
        pytest.exit("there is no Debian to boot, or nothing to install: `make e2e-linux` makes both", 3)


@pytest.fixture(scope="module")
def debian(shelf: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Debian]:
    machine = Debian(BASE, {"/mnt": DIST, "/media": shelf}, tmp_path_factory.mktemp("debian") / "console.txt")
    try:
        machine.must("useradd", "--create-home", "ann")
        yield machine
    finally:
        machine.close()


@pytest.fixture(scope="module")
def endpoint(debian: Debian) -> Iterator[Endpoint]:
    """The central endpoint, whose authority the machine's own store trusts."""
    cable = Cable(f"central-{os.getpid()}", debian.leader)
    try:
        with cable.far_end():
            central = Endpoint(address=HOST, host=CENTRAL)
        with central:
            debian.write("/usr/local/share/ca-certificates/corporate.crt", central.ca.cert_pem.bytes().decode())
            debian.must("update-ca-certificates")
            debian.must("sh", "-c", f"echo {HOST} {CENTRAL} >> /etc/hosts")
            yield central
    finally:
        cable.close()
