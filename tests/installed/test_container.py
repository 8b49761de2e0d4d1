"""The central endpoint's container: built from its file without a network, and run as the file says, with less than it may have.

What the file begins from is in no registry of the tests: a Debian with Python has its name here.
"""

import re
import shlex
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from central.config import NAME
from tests.e2e.daemon import until
from tests.installed.conftest import CHECKOUT, PYTHON, WHEELS

pytestmark = pytest.mark.installed

FILE = "packaging/central/Containerfile"
TEXT = (CHECKOUT / FILE).read_text()
STATE = f"/var/lib/{NAME}"
INDEX = "[global]\nno-index = true\nfind-links = /wheels\n"
LEFT_OUT = ("./usr/share/doc", "./usr/share/locale", "./usr/share/man", "./var/cache", "./var/lib/apt/lists")
_IMAGES_BYTES = 4 << 30
ENOUGH = ("--ulimit=nofile=4096:4096", "--ulimit=nproc=1024:1024")
"""Podman would raise the limits beyond what a machine within another one may have."""

PROXY = '--env=MCP_COMPLIANCE_CENTRAL_LISTEN__TRUSTED_PROXIES=["10.0.0.1"]'


@dataclass(eq=False)
class Podman:
    """Podman with a store of its own in `folder`."""

    folder: Path

    def run(self, *words: str) -> "subprocess.CompletedProcess[str]":
        stores = [f"--{name}={self.folder / name}" for name in ("root", "runroot", "tmpdir")]
        quiet = ["--runtime=runc", "--cgroup-manager=cgroupfs", "--events-backend=none"]
        command = ["podman", *stores, *quiet, *words]
        return subprocess.run(command, check=False, capture_output=True, text=True, timeout=180, cwd=CHECKOUT)

    def must(self, *words: str) -> str:
        done = self.run(*words)
        assert done.returncode == 0, f"{shlex.join(words)}: {done.stdout[-2000:]}{done.stderr[-2000:]}"
        return done.stdout.strip()

    def within(self, *argv: str) -> "subprocess.CompletedProcess[str]":
        """Run `argv` in the container."""
        return self.run("exec", "central", *argv)

    def ready(self) -> bool:
        ask = "import urllib.request; print(urllib.request.urlopen('http://127.0.0.1:8470/readyz').read().decode())"
        return self.within(f"/opt/{NAME}/bin/python", "-c", ask).stdout.strip() == "ok"

    def close(self) -> None:
        """Let go of all that it holds mounted."""
        for words in (("rm", "--force", "--time=1", "--all"), ("volume", "rm", "--force", "--all")):
            self.run(*words)
        subprocess.run(
            ["umount", str(self.folder / "root/overlay")], check=False, capture_output=True
        )  # in memory it is one


@pytest.fixture(scope="module")
def podman(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Podman]:
    """Podman, which has the image that the file begins from."""
    with tempfile.TemporaryDirectory(prefix="podman-", dir=roomy()) as folder:
        found = Podman(Path(folder))
        try:
            begins_from(found, tmp_path_factory.mktemp("base"))
            yield found
        finally:
            found.close()


def roomy() -> str:
    """Return a folder in memory where there is enough, as files of images are many; a run root has 50 characters at most."""
    memory = Path("/dev/shm")
    return str(memory) if memory.is_dir() and shutil.disk_usage(memory).free > _IMAGES_BYTES else "/tmp"


def begins_from(podman: Podman, folder: Path) -> None:
    """Import the Debian with Python; its `python` is where the image has it, its index are the wheels."""
    index, python = "./etc/pip.conf", "./usr/local/bin/python"
    for path in (index, python):
        (folder / path).parent.mkdir(parents=True)
    (folder / index).write_text(INDEX)
    (folder / python).symlink_to("/usr/bin/python3")
    leave = [f"--exclude={path}" for path in LEFT_OUT]
    base = folder.with_suffix(".tar")
    subprocess.run(["tar", "-cf", base, *leave, "-C", PYTHON, ".", "-C", folder, index, python], check=True)
    (name,) = set(re.findall(r"^FROM (\S+)", TEXT, re.MULTILINE))
    podman.must("import", str(base), name)
    base.unlink()


def documented(verb: str) -> Sequence[str]:
    """Return the words of the `podman` command that the file gives for `verb`."""
    (found,) = re.findall(rf"podman {verb} (.*?)(?: …)?$", TEXT, re.MULTILINE)
    return shlex.split(found)


def test_it_is_built_with_the_command_that_stands_in_it(podman: Podman) -> None:
    here = ("--network=none", "--layers=false", "--pull=never", f"--volume={WHEELS}:/wheels:ro")
    podman.must("build", *here, *documented("build"))


def test_without_tls_or_a_proxy_it_refuses_to_start_and_says_what_to_do(podman: Podman) -> None:
    done = podman.run("run", "--rm", "--network=none", *ENOUGH, *documented("run"), NAME)
    assert done.returncode == 2
    assert "set [listen] tls_certificate_file" in done.stderr


def test_it_starts_on_a_root_that_it_cannot_write_with_an_empty_volume_and_no_right(podman: Podman) -> None:
    least = ("--network=none", "--read-only-tmpfs=false", PROXY, *ENOUGH)
    podman.must("run", "--detach", "--name=central", *least, *documented("run"), NAME)
    until("the endpoint to be ready", podman.ready)
    status = dict(re.findall(r"^(\w+):\s+(\S+)", podman.within("cat", "/proc/1/status").stdout, re.MULTILINE))
    assert (status["Uid"], status["CapBnd"].strip("0"), status["NoNewPrivs"]) == ("870", "", "1")
    for path in ("/x", "/tmp/x", f"/opt/{NAME}/x"):
        assert podman.within("touch", path).returncode != 0, path
    kept = set(podman.within("ls", "-A", STATE).stdout.split())
    assert kept == {"central.sqlite", "central.sqlite-shm", "central.sqlite-wal", "enrolment-key"}


def test_it_ends_when_it_is_told_to_and_knows_afterwards_what_it_knew(podman: Podman) -> None:
    key = podman.within("cat", f"{STATE}/enrolment-key").stdout
    podman.must("stop", "--time=15", "central")
    assert podman.must("inspect", "--format={{.State.ExitCode}}", "central") == "0"
    podman.must("start", "central")
    until("the endpoint to be ready", podman.ready)
    assert podman.within("cat", f"{STATE}/enrolment-key").stdout == key
