"""The deb, from a silent installation to a purge that leaves nothing, on a booted Debian. The steps build on each other."""

import json
import re
from collections.abc import Mapping
from typing import Any

import pytest

from agent import __version__
from agent.core.own_places import NAME, WRITERS_DROPIN
from tests.installed.conftest import DIST, Later
from tests.installed.debian import Debian
from tests.installed.organisation import POLICY, SETTINGS, TOKEN, deploy
from tests.sim.endpoint import Endpoint

pytestmark = pytest.mark.installed

STATE = f"/var/lib/{NAME}"
PROGRAM = f"/opt/{NAME}/mcp-compliance"
SERVER = "/home/ann/bin/notes-server"
FIRST_REPORT_S = 10.0
"""What the project promises from the installation to the first report."""

_KEPT_BY_THE_SYSTEM = ("/var/log/", "/var/cache/", "/var/lib/apt/", "/var/lib/dpkg/", "/home/", "/tmp/")


def files(debian: Debian) -> set[str]:
    return set(debian.must("find", "/", "-xdev").splitlines())


def status(debian: Debian) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(debian.must("cat", f"{STATE}/status.json"))
    return found


def main_pid(debian: Debian) -> int:
    return int(debian.shows(NAME, "MainPID")["MainPID"])


def findings(endpoint: Endpoint, control: str) -> list[dict[str, Any]]:
    return [event for event in endpoint.events if event.get("compliance", {}).get("control") == control]


def alerts(endpoint: Endpoint, control: str) -> list[dict[str, Any]]:
    uids = {event["finding_info"]["uid"] for event in findings(endpoint, control)}
    return [
        event
        for event in endpoint.events
        if event.get("is_alert")
        and uids & {related["uid"] for related in event["finding_info"].get("related_events", ())}
    ]


class Memory:
    """What one step saw, for a later one."""

    before: set[str]
    accounts: str
    device: str
    settings: str


@pytest.fixture(scope="module")
def memory() -> Memory:
    return Memory()


def test_the_package_installs_without_a_question(debian: Debian, endpoint: Endpoint, memory: Memory) -> None:
    deploy(debian, endpoint, f"/mnt/{NAME}/mcp-compliance")
    memory.before, memory.accounts = files(debian), debian.must("cat", "/etc/passwd", "/etc/group")
    (package,) = DIST.glob("*.deb")
    debian.must("apt-get", "install", "--yes", f"/mnt/{package.name}")
    assert debian.must("dpkg-query", "-W", "-f", "${Status} ${Version}", NAME) == f"install ok installed {__version__}"


def test_the_service_is_active_and_reports_within_ten_seconds(debian: Debian, endpoint: Endpoint) -> None:
    debian.until("the first report", lambda: endpoint.requests, FIRST_REPORT_S)
    assert debian.shows(NAME, "ActiveState", "UnitFileState") == {"ActiveState": "active", "UnitFileState": "enabled"}
    assert endpoint.requests[0].headers["Authorization"] == f"Bearer {TOKEN}"
    assert debian.must("mcp-compliance", "--version").split()[-1] == __version__


def test_the_installed_program_is_whole_and_its_own_files_are_safe(debian: Debian) -> None:
    document = json.loads(debian.must("mcp-compliance", "selfcheck", "--json"))
    assert (document["whole"], document["frozen"]) == (True, True)
    assert status(debian)["check"]["summary"]["state"] == "compliant"


def test_an_unapproved_server_of_an_ordinary_user_reaches_the_endpoint(debian: Debian, endpoint: Endpoint) -> None:
    debian.must("install", "-d", "-o", "ann", "-g", "ann", "/home/ann/bin")
    debian.must("install", "-o", "ann", "-g", "ann", "/bin/sleep", SERVER)
    entry = {"mcpServers": {"notes": {"command": SERVER, "args": ["86400"]}}}
    debian.write("/home/ann/.cursor/mcp.json", json.dumps(entry), owner="ann")
    debian.until("the server in a file", lambda: findings(endpoint, "server.unapproved.configured"))
    debian.start("/bin/bash", "-c", f"coproc {SERVER} 86400; wait", user="ann")  # on two pipes, as a client does
    debian.until("the alert of the running server", lambda: alerts(endpoint, "server.unapproved.running"))


def test_a_tampered_managed_file_reaches_the_endpoint(debian: Debian, endpoint: Endpoint) -> None:
    changed = json.loads(debian.read(POLICY))
    changed["allowedMcpServers"].append({"serverCommand": [SERVER, "86400"]})
    debian.write(POLICY, json.dumps(changed))
    debian.until("the alert of the tampered file", lambda: alerts(endpoint, "managed-file.modified"))


def test_the_sandbox_hides_nothing_from_the_agent(debian: Debian) -> None:
    inside = status(debian)["check"]
    outside = json.loads(debian.run("mcp-compliance", "check", "--json").stdout)
    for part in ("servers", "managed_files", "coverage", "policy"):
        assert facts(inside[part]) == facts(outside[part]), part
    assert {row["pid"] for row in inside["processes"]} == {row["pid"] for row in outside["processes"]}
    assert any(row["running"] for row in inside["servers"])


def facts(part: Any) -> str:  # noqa: ANN401 - JSON
    return json.dumps(part, sort_keys=True)


def test_the_sandbox_keeps_no_kernel_events_from_the_agent(debian: Debian) -> None:
    """They are told in a machine's first namespaces, which these are not: the service must be refused for that alone."""
    (row,) = [row for row in status(debian)["health"] if row["code"] == "launches.unnoticed"]
    checks = json.loads(debian.run("mcp-compliance", "doctor", "--json").stdout)["checks"]
    (outside,) = [check["text"] for check in checks if check["name"] == "launches"]
    assert row["text"].endswith(outside)
    assert "not permitted" not in outside


def test_the_sandbox_holds(debian: Debian) -> None:
    pid = main_pid(debian)
    fields = dict(re.findall(r"^(\w+):\s+(\S+)", debian.read(f"/proc/{pid}/status"), re.MULTILINE))
    assert fields["NoNewPrivs"] == "1"
    assert fields["Seccomp"] == "2"
    kept = int(fields["CapBnd"], 16)
    assert kept == int(fields["CapEff"], 16)
    assert kept == sum(1 << number for number in (0, 2, 12, 19, 23)), (
        "chown, dac_read_search, net_admin, sys_ptrace, sys_nice"
    )
    enter = ("nsenter", f"--target={pid}", "--mount")
    for path in ("/home/ann/x", "/etc/x", "/usr/x", "/tmp/x", f"/opt/{NAME}/x", f"{SETTINGS}/x"):
        assert debian.run(*enter, "touch", path).returncode != 0, path
    assert debian.run(*enter, "touch", f"{STATE}/x").returncode == 0
    debian.must("rm", f"{STATE}/x")


def test_the_sandbox_lets_the_process_that_is_told_of_starts_go_first(debian: Debian) -> None:
    lines = debian.read(f"/lib/systemd/system/{NAME}.service").splitlines()
    instead = {"Type": "Type=oneshot", "Restart": "", "WatchdogSec": "", "StateDirectory": "", "StateDirectoryMode": ""}
    instead["ExecStart"] = "ExecStart=/usr/bin/chrt --rr --reset-on-fork 1 /bin/true"
    debian.write("/run/systemd/system/probe.service", "\n".join(instead.get(x.partition("=")[0], x) for x in lines))
    debian.must("systemctl", "daemon-reload")
    debian.must("systemctl", "start", "probe")
    debian.must("rm", "/run/systemd/system/probe.service")
    debian.must("systemctl", "daemon-reload")


def test_the_service_manager_finds_nothing_wrong_and_little_exposed(debian: Debian) -> None:
    done = debian.run("systemd-analyze", "verify", f"/lib/systemd/system/{NAME}.service")
    assert (done.returncode, done.stdout + done.stderr) == (0, "")
    debian.must("systemd-analyze", "security", "--no-pager", "--threshold=33", f"{NAME}.service")


def test_the_unprivileged_user_can_neither_stop_it_nor_read_its_token_nor_change_its_state(debian: Debian) -> None:
    pid = main_pid(debian)
    attempts = [
        ("systemctl", "stop", NAME),
        ("systemctl", "disable", NAME),
        ("kill", "-KILL", str(pid)),
        ("cat", f"{SETTINGS}/token"),
        ("cat", f"{STATE}/status.json"),
        ("cat", f"{STATE}/journal.sqlite3"),
        ("ls", STATE),
        ("touch", f"{STATE}/x"),
        ("rm", "-f", f"{STATE}/journal.sqlite3"),
        ("touch", f"{SETTINGS}/agent.d/x.toml"),
        ("touch", PROGRAM),
        ("cat", f"/proc/{pid}/environ"),
    ]
    for argv in attempts:
        assert debian.run(*argv, user="ann").returncode != 0, argv
    assert main_pid(debian) == pid
    assert debian.run("mcp-compliance", "status", user="ann").stdout.count("DEVIATING") == 1, (
        "the public part is for all"
    )


def test_it_says_nothing_to_the_log_or_a_terminal(debian: Debian) -> None:
    lines = debian.must("journalctl", "--unit", NAME, "--output=json", "--no-pager").splitlines()
    said = [row for row in map(json.loads, lines) if row["SYSLOG_IDENTIFIER"] != "systemd"]
    assert said == []


def test_the_killed_daemon_comes_back_and_tells_nothing_twice(debian: Debian, endpoint: Endpoint) -> None:
    pid = main_pid(debian)
    known = {uid: told for uid, told in openings(endpoint).items() if told}
    debian.must("kill", "-KILL", str(pid))
    debian.until("the service to be back", lambda: main_pid(debian) not in (0, pid) and active(debian))
    debian.until("a word of the new one", lambda: status(debian)["pid"] == main_pid(debian))
    assert openings(endpoint) == known


def openings(endpoint: Endpoint) -> Mapping[str, int]:
    told: dict[str, int] = {}
    for event in endpoint.events:
        if event["class_uid"] == 2003 and event["activity_id"] == 1:
            uid = event["finding_info"]["uid"]
            told[uid] = told.get(uid, 0) + 1
    return told


def closings(endpoint: Endpoint) -> set[str]:
    closed = [event for event in endpoint.events if event["class_uid"] == 2003 and event["activity_id"] == 3]
    return {event["finding_info"]["uid"] for event in closed}


def open_deviations(debian: Debian) -> set[tuple[str, int]]:
    return {(row["uid"], row["since"]) for row in status(debian)["check"]["deviations"]}


def active(debian: Debian) -> bool:
    return debian.shows(NAME, "ActiveState")["ActiveState"] == "active"


def test_an_upgrade_keeps_state_and_settings(debian: Debian, endpoint: Endpoint, memory: Memory, later: Later) -> None:
    memory.device = debian.read(f"{STATE}/device-id")
    memory.settings = debian.read(f"{SETTINGS}/agent.toml")
    pid, known, still_open = main_pid(debian), openings(endpoint), open_deviations(debian)
    closed = closings(endpoint)
    assert still_open
    package = later("deb")
    debian.must("apt-get", "install", "--yes", package)
    debian.until("the upgraded service", lambda: active(debian) and main_pid(debian) != pid)
    debian.until("a word of the new one", lambda: status(debian)["pid"] == main_pid(debian))
    assert debian.read(f"{STATE}/device-id") == memory.device
    assert debian.read(f"{SETTINGS}/agent.toml") == memory.settings
    assert openings(endpoint) == known, "what was open stays open, and is not told again"
    told = closings(endpoint) - closed  # which may be of what closed before, and had not arrived
    assert not told & {uid for uid, _ in still_open}, "nor closed"
    assert open_deviations(debian) == still_open, "since when it was"


def test_a_service_that_was_disabled_stays_so_in_an_upgrade(debian: Debian) -> None:
    debian.must("systemctl", "disable", "--now", NAME)
    (package,) = DIST.glob("*.deb")
    debian.must("apt-get", "install", "--yes", "--allow-downgrades", f"/mnt/{package.name}")
    assert debian.shows(NAME, "ActiveState", "UnitFileState") == {
        "ActiveState": "inactive",
        "UnitFileState": "disabled",
    }
    debian.must("systemctl", "enable", "--now", NAME)


def test_removal_stops_it_and_keeps_settings_and_state(debian: Debian, memory: Memory) -> None:
    pid = main_pid(debian)
    debian.must("apt-get", "remove", "--yes", NAME)
    assert debian.run("test", "-e", f"/proc/{pid}").returncode != 0
    assert debian.run("test", "-e", f"/opt/{NAME}").returncode != 0
    assert debian.read(f"{STATE}/device-id") == memory.device
    assert debian.read(f"{SETTINGS}/agent.toml") == memory.settings


def test_purge_leaves_nothing(debian: Debian, memory: Memory) -> None:
    debian.must("apt-get", "purge", "--yes", NAME)
    left = {path for path in files(debian) - memory.before if not path.startswith(_KEPT_BY_THE_SYSTEM)}
    assert left == set()
    named = {path for path in files(debian) if NAME in path and not path.startswith(("/var/log/", "/var/cache/"))}
    assert named == set()
    assert debian.must("cat", "/etc/passwd", "/etc/group") == memory.accounts
    assert debian.run("systemctl", "status", NAME).returncode == 4, "systemd knows no such unit"
    assert NAME not in debian.must("systemctl", "list-unit-files", "--no-legend")
    units = ("systemctl", "list-units", "--all", "--no-legend", "--plain")
    known = [line.split()[1:4] for line in debian.must(*units).splitlines() if NAME in line]
    assert known in ([], [["not-found", "inactive", "dead"]]), "at most the name stays in the manager's memory"


def test_it_can_be_installed_again_as_on_a_new_machine(debian: Debian, memory: Memory) -> None:
    (package,) = DIST.glob("*.deb")
    debian.must("apt-get", "install", "--yes", f"/mnt/{package.name}")
    debian.until("the service", lambda: active(debian))
    assert debian.read(f"{STATE}/device-id") != memory.device


def test_who_wrote_a_managed_file_is_told_where_the_service_may_hear_it(debian: Debian) -> None:
    debian.until("its first status", lambda: debian.run("test", "-e", f"{STATE}/status.json").returncode == 0)
    assert "writers.unnoticed" in {row["code"] for row in status(debian)["health"]}
    assert WRITERS_DROPIN in debian.run("mcp-compliance", "doctor").stdout
    folder = f"/etc/systemd/system/{NAME}.service.d"
    debian.must("mkdir", folder)
    debian.must("ln", "-s", WRITERS_DROPIN, folder)
    restarted(debian)
    try:
        assert "writers.unnoticed" not in {row["code"] for row in status(debian)["health"]}
        debian.must("/bin/bash", "-c", f"echo '{{}}' > {POLICY}; sleep 3; true")
        debian.until("the one who wrote", lambda: "It was written by /usr/bin/bash" in modified(debian))
    finally:
        debian.must("rm", "-r", folder)
        restarted(debian)


def modified(debian: Debian) -> str:
    rows = status(debian)["check"]["deviations"]
    return " ".join(row["text"] for row in rows if row["control"] == "managed-file.modified")


def restarted(debian: Debian) -> None:
    debian.must("systemctl", "daemon-reload")
    debian.must("systemctl", "restart", NAME)
    debian.until("a word of the new one", lambda: status(debian)["pid"] == main_pid(debian))


def test_it_goes_again(debian: Debian) -> None:
    debian.must("apt-get", "purge", "--yes", NAME)


def test_the_program_runs_from_the_folder_without_a_package(debian: Debian) -> None:
    assert debian.must(f"/mnt/{NAME}/mcp-compliance", "selfcheck", user="ann").endswith("Everything is there.\n")
