"""The MSI, from a silent installation to a removal that leaves nothing, as far as Wine goes. The steps build on each other.

What Wine cannot show: restarts by the service manager after a failure, the Event Log, other accounts than the one that runs it,
notifications of files, and which program a process runs.
"""

import json
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from agent import __version__
from agent.core.own_places import NAME, PLACES, POLICY_KEY
from tests.installed.windows import CHECKOUT, Windows, status
from tests.sim.endpoint import Endpoint

pytestmark = pytest.mark.installed_windows

DIST = CHECKOUT / "dist/windows"
PLACE = PLACES["windows"]
TOKEN = "t0ken-of-this-device"
FOLDER = PLACE.settings.rpartition("\\")[0]


@pytest.fixture(scope="module")
def windows(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Windows]:
    machine = Windows(tmp_path_factory.mktemp("windows"))
    try:
        assert machine.service(NAME) == "", "an earlier run left its service"
        yield machine
    finally:
        machine.close()


@pytest.fixture(scope="module")
def endpoint() -> Iterator[Endpoint]:
    """On this very machine, the only one to which plain http is allowed."""
    with Endpoint(tls=False) as central:
        yield central


@pytest.fixture(scope="module", autouse=True)
def gone_at_the_end(windows: Windows) -> Iterator[None]:
    """Leave the Windows as it was, whatever failed."""
    yield
    if windows.at(PLACE.program).exists():
        windows.msiexec("/x", _z(_package()), "PURGE=1")


def _package() -> Path:
    return DIST / f"mcp-compliance-agent-{__version__}.msi"


def _z(path: Path) -> str:
    return "Z:" + str(path).replace("/", "\\")


def left(folder: Path) -> list[str]:
    """Name what is there of the program."""
    return [str(path) for path in (folder, *folder.rglob("*")) if path.exists()]


def controls(endpoint: Endpoint) -> set[str]:
    return {event["compliance"]["control"] for event in endpoint.events if "compliance" in event}


def test_the_package_installs_without_a_question(windows: Windows, endpoint: Endpoint) -> None:
    windows.msiexec("/i", _z(_package()), f"ENDPOINT={endpoint.url}", f"TOKEN={TOKEN}")
    assert windows.at(f"{PLACE.program}\\mcp-compliance.exe").exists()
    kept = windows.at(f"{FOLDER}\\token").read_bytes()
    assert kept
    assert TOKEN.encode() not in kept, "Windows protects it"


def test_the_installed_program_is_whole(windows: Windows) -> None:
    document = json.loads(windows.agent("selfcheck", "--json").stdout)
    assert (document["whole"], document["frozen"], document["agent_version"]) == (True, True, __version__)


def test_the_service_is_registered_running_and_reports(windows: Windows, endpoint: Endpoint) -> None:
    windows.until("the service", lambda: windows.service(NAME) == "RUNNING")
    windows.until("the first report", lambda: endpoint.requests)
    assert endpoint.requests[0].headers["Authorization"] == f"Bearer {TOKEN}"
    said = windows.run("reg", "query", f"HKLM\\SYSTEM\\CurrentControlSet\\Services\\{NAME}").stdout
    assert "service run" in said


def test_users_can_read_neither_the_token_nor_the_state(windows: Windows) -> None:
    for path in (f"{FOLDER}\\token", PLACE.state):
        told = windows.python(f"from agent.host.permissions_windows import sddl_of; print(sddl_of({path!r}))")
        assert told.startswith("O:")
        assert not {";;;WD)", ";;;BU)", ";;;AU)"} & {told[i : i + 6] for i in range(len(told))}, told


def test_the_status_is_asked_and_answers(windows: Windows) -> None:
    document = json.loads(windows.agent("status", "--json").stdout)
    assert document["check"]["device"]["os"] == "windows"


def test_an_unapproved_server_of_a_user_reaches_the_endpoint(windows: Windows, endpoint: Endpoint) -> None:
    policy = windows.at("C:\\Program Files\\ClaudeCode")
    policy.mkdir()
    rules = {"allowManagedMcpServersOnly": True, "allowedMcpServers": [{"serverUrl": "https://mcp.example.com/*"}]}
    (policy / "managed-settings.json").write_text(json.dumps(rules))
    home = windows.python("from pathlib import Path; print(Path.home())")
    folder = windows.at(f"{home}\\.cursor")
    folder.mkdir()
    (folder / "mcp.json").write_text(json.dumps({"mcpServers": {"notes": {"command": "C:\\notes.exe"}}}))
    try:
        windows.until("the server", lambda: "server.unapproved.configured" in controls(endpoint), 90)
    finally:
        shutil.rmtree(folder)
        shutil.rmtree(policy)


def test_a_policy_in_the_registry_is_read(windows: Windows) -> None:
    key = f"HKLM\\{POLICY_KEY}\\reporting"
    windows.run("reg", "add", key, "/v", "blind_after_s", "/t", "REG_SZ", "/d", "not a number", "/f")
    try:
        said = windows.agent("doctor").stdout
    finally:
        windows.run("reg", "delete", f"HKLM\\{POLICY_KEY}", "/f")
    assert "blind_after_s" in said, said


def test_it_stops_in_order_when_it_is_told_to_and_starts_again(windows: Windows) -> None:
    pid = status(windows)["pid"]
    windows.run("sc", "stop", NAME)
    windows.until("the end of the service", lambda: windows.service(NAME) == "STOPPED")
    windows.run("sc", "start", NAME)
    windows.until("the service", lambda: windows.service(NAME) == "RUNNING")
    windows.until("a word of the new one", lambda: status(windows)["pid"] != pid)


def test_an_upgrade_keeps_state_and_settings(windows: Windows, tmp_path: Path) -> None:
    device = windows.at(f"{PLACE.state}\\device-id").read_text()
    token = windows.at(f"{FOLDER}\\token").read_bytes()
    later = tmp_path / "later.msi"
    subprocess.run(
        [str(CHECKOUT / "packaging/windows/msi.sh"), str(DIST / "mcp-compliance-agent"), "99.0.0", str(later)],
        check=True,
    )
    windows.msiexec("/i", _z(later))
    windows.until("the upgraded service", lambda: windows.service(NAME) == "RUNNING")
    assert windows.at(f"{PLACE.state}\\device-id").read_text() == device
    assert windows.at(f"{FOLDER}\\token").read_bytes() == token
    assert "url" in windows.at(f"{FOLDER}\\agent.d\\00-installed.toml").read_text()
    windows.msiexec("/x", _z(later))


def test_removal_stops_it_and_keeps_settings_and_state(windows: Windows) -> None:
    assert windows.service(NAME) == ""
    assert not (still := left(windows.at(PLACE.program))), "\n".join(still)
    assert windows.at(f"{PLACE.state}\\device-id").exists()
    assert windows.at(f"{FOLDER}\\token").exists()


def test_a_purge_leaves_nothing(windows: Windows) -> None:
    windows.msiexec("/i", _z(_package()))
    windows.msiexec("/x", _z(_package()), "PURGE=1")
    assert windows.service(NAME) == ""
    assert not (still := left(windows.at(PLACE.program))), "\n".join(still)
    assert not list(windows.at("C:\\ProgramData").glob("MCPCompliance*"))
    assert NAME not in windows.run("reg", "query", "HKLM\\SYSTEM\\CurrentControlSet\\Services").stdout
