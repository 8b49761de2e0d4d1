"""The central endpoint as a systemd service on a booted Debian, installed and run as its documents say.

The agent of the deb reports to it from the same machine. The steps build on each other.
"""

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import trustme

from agent.core.own_places import NAME as AGENT
from central.config import NAME
from tests.installed.conftest import CHECKOUT, DIST, PYTHON, WHEELS
from tests.installed.debian import Debian

pytestmark = pytest.mark.installed

DOCUMENTED = CHECKOUT / "packaging/central"
README = (DOCUMENTED / "README.md").read_text()
PROGRAM = f"/opt/{NAME}/bin/{NAME}"
STATE = f"/var/lib/{NAME}"
SETTINGS = f"/etc/{NAME}/central.toml"
UNIT = f"/etc/systemd/system/{NAME}.service"


@pytest.fixture(scope="module")
def machine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Debian]:
    """A Debian with a Python, and what an index would hold: this program as a wheel, and the wheels that it is locked to."""
    own = tmp_path_factory.mktemp("own")
    wheel = [
        sys.executable,
        "-m",
        "pip",
        "wheel",
        "--quiet",
        "--no-deps",
        "--no-build-isolation",
        "--wheel-dir",
        str(own),
    ]
    subprocess.run([*wheel, str(CHECKOUT)], check=True)
    mounts = {"/mnt": DIST, "/media": WHEELS, "/srv": own}
    debian = Debian(PYTHON, mounts, tmp_path_factory.mktemp("debian") / "console.txt")
    try:
        yield debian
    finally:
        debian.close()


def ready(machine: Debian, url: str = "http://127.0.0.1:8470") -> bool:
    ask = f"import urllib.request; print(urllib.request.urlopen('{url}/readyz').read().decode())"
    return machine.run("/usr/bin/python3", "-c", ask).stdout.strip() == "ok"


def device(machine: Debian) -> dict[str, Any]:
    """Return the facts that are known of this machine, none before it enrolled."""
    done = machine.run(PROGRAM, "device", "--json", machine.must("hostname").strip())
    found: dict[str, Any] = json.loads(done.stdout)["device"] if done.stdout else {}
    return found


def main_pid(machine: Debian) -> int:
    return int(machine.shows(NAME, "MainPID")["MainPID"])


def block(holds: str) -> str:
    """Return what stands between fences in the README, with `holds` in it."""
    (found,) = [each for each in re.findall(r"```\w+\n(.*?)```", README, re.DOTALL) if holds in each]
    return str(found)


def test_it_installs_with_the_commands_of_the_readme_and_starts(machine: Debian) -> None:
    index = "export PIP_NO_INDEX=1 PIP_FIND_LINKS='/media /srv'\n"
    machine.must("sh", "-ec", index + block("python3 -m venv"))
    machine.write(UNIT, (DOCUMENTED / f"{NAME}.service").read_text())
    machine.must("systemctl", "daemon-reload")
    machine.must("systemctl", "enable", "--quiet", "--now", NAME)
    machine.until("the endpoint to be ready", lambda: ready(machine))


def test_the_agent_of_the_deb_enrols_and_reports_to_it(machine: Debian) -> None:
    (package,) = DIST.glob("*.deb")
    machine.write(f"/etc/{AGENT}/enrolment-key", machine.read(f"{STATE}/enrolment-key"), mode="0600")
    settings = '[endpoint]\nurl = "http://127.0.0.1:8470/v1/events"\n'
    machine.write(f"/etc/{AGENT}/agent.toml", f'{settings}enrolment_key_file = "/etc/{AGENT}/enrolment-key"\n')
    machine.must("dpkg", "--install", f"/mnt/{package.name}")
    machine.until("the first report", lambda: device(machine).get("heard_at"))


def test_its_state_is_its_own_and_it_can_do_little(machine: Debian) -> None:
    pid = main_pid(machine)
    fields = dict(re.findall(r"^(\w+):\s+(\S+)", machine.read(f"/proc/{pid}/status"), re.MULTILINE))
    assert fields["Uid"] != "0"
    assert (fields["NoNewPrivs"], fields["Seccomp"]) == ("1", "2")
    assert int(fields["CapBnd"], 16) == int(fields["CapPrm"], 16) == 0
    assert machine.must("stat", "-L", "-c", "%a %u", STATE).split() == ["700", fields["Uid"]]
    enter = ("nsenter", f"--target={pid}", "--mount")
    for path in ("/root/x", "/etc/x", "/usr/x", f"/opt/{NAME}/x", "/var/lib/x"):
        assert machine.run(*enter, "touch", path).returncode != 0, path


def test_the_service_manager_finds_nothing_wrong_and_little_exposed(machine: Debian) -> None:
    done = machine.run("systemd-analyze", "verify", UNIT)
    assert (done.returncode, done.stdout + done.stderr) == (0, "")
    said = machine.must("systemd-analyze", "security", "--no-pager", f"{NAME}.service")
    (exposed,) = re.findall(r"exposure level for \S+: ([\d.]+)", said)
    assert f"(`systemd-analyze security` says {exposed}, " in README, said


def test_what_it_knows_outlives_a_kill_a_restart_and_a_verb_of_root_in_between(machine: Debian) -> None:
    before, pid = device(machine), main_pid(machine)
    machine.must("kill", "-KILL", str(pid))
    machine.until("the service to be back", lambda: main_pid(machine) not in (0, pid) and ready(machine))
    machine.must("systemctl", "stop", NAME)
    assert machine.shows(NAME, "Result")["Result"] == "success"
    machine.must(PROGRAM, "enrolment-key", "make", "while-stopped")
    machine.must("systemctl", "start", NAME)
    machine.until("the service to be back", lambda: ready(machine))
    machine.must("systemctl", "restart", AGENT)
    machine.until("another report", lambda: device(machine)["heard_at"] > before["heard_at"])
    assert device(machine)["id"] == before["id"]
    assert machine.must(PROGRAM, "enrolment-key", "list").count("\tin force") == 2


def test_with_tls_on_port_443_its_key_is_read_by_root_alone_and_handed_to_it(machine: Debian) -> None:
    authority = trustme.CA()
    issued = authority.issue_cert("mcp-compliance.example.com")
    folder = str(Path(SETTINGS).parent)
    machine.write(f"{folder}/certificate.pem", b"".join(each.bytes() for each in issued.cert_chain_pems).decode())
    machine.write(f"{folder}/key.pem", issued.private_key_pem.bytes().decode(), mode="0600")
    example = (DOCUMENTED / "central.toml.example").read_text()
    assert "port = 8470" in example
    machine.write(SETTINGS, example.replace("port = 8470", "port = 443"))
    machine.write(f"/etc/systemd/system/{NAME}.service.d/secrets.conf", block("LoadCredential="))
    machine.write(f"/etc/systemd/system/{NAME}.service.d/port.conf", block("CAP_NET_BIND_SERVICE"))
    machine.write("/usr/local/share/ca-certificates/corporate.crt", authority.cert_pem.bytes().decode())
    machine.must("update-ca-certificates")
    machine.must("sh", "-c", "echo 127.0.0.1 mcp-compliance.example.com >> /etc/hosts")
    machine.must("systemctl", "daemon-reload")
    machine.must("systemctl", "restart", NAME)
    machine.until("it to answer by TLS", lambda: ready(machine, "https://mcp-compliance.example.com"))


def test_it_says_nothing_to_the_log(machine: Debian) -> None:
    lines = machine.must("journalctl", "--unit", NAME, "--output=json", "--no-pager").splitlines()
    assert [row["MESSAGE"] for row in map(json.loads, lines) if row["SYSLOG_IDENTIFIER"] != "systemd"] == []
