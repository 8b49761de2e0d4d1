"""The Linux service and its packages say the same as the program: places, rights, and a reason for each of them."""

import re
from pathlib import Path

import pytest
import yaml

from agent import __version__
from agent.app.destinations import REPORTS
from agent.config.settings import load
from agent.core.own_places import NAME, WRITERS_DROPIN
from agent.host.machine import Machine, own_paths
from agent.runtime.budgets import Budgets

LINUX = Path("packaging/linux")
UNIT = (LINUX / f"{NAME}.service").read_text()
NFPM = yaml.safe_load((LINUX / "nfpm.yaml").read_text())
PATHS = own_paths(Machine("linux", "", "", privileged=True))


def directives() -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for line in UNIT.splitlines():
        if "=" in line and not line.startswith("#"):
            key, _, value = line.partition("=")
            found.setdefault(key, []).append(value)
    return found


def seconds(text: str) -> float:
    number, unit = re.fullmatch(r"(\d+)(s|min)", text).groups()  # type: ignore[union-attr]
    return int(number) * (60 if unit == "min" else 1)


def test_the_service_owns_the_folders_that_the_program_uses() -> None:
    unit = directives()
    assert f"/var/lib/{unit['StateDirectory'][0]}" == str(PATHS.state)
    assert str(PATHS.settings.parent) in [row["dst"] for row in NFPM["contents"] if row.get("type") == "dir"]
    assert str(PATHS.state / REPORTS).startswith("/var/lib/")
    assert not {"ReadWritePaths", "ConfigurationDirectory", "CacheDirectory", "LogsDirectory"} & set(unit), "one folder"


def test_the_service_starts_what_the_package_installs() -> None:
    program = directives()["ExecStart"][0].split()[0]
    tree = next(row for row in NFPM["contents"] if row.get("type") == "tree")
    assert program == f"{tree['dst']}/mcp-compliance"
    link = next(row for row in NFPM["contents"] if row.get("type") == "symlink")
    assert (link["src"], link["dst"]) == (program, "/usr/bin/mcp-compliance")


def test_every_paragraph_of_the_service_begins_with_its_reason() -> None:
    body = UNIT.partition("\n[Service]\n")[2].partition("[Install]")[0]
    for paragraph in body.strip().split("\n\n")[1:]:
        assert paragraph.startswith("#"), paragraph


def test_every_right_that_is_kept_is_explained() -> None:
    comments = "\n".join(line for line in UNIT.splitlines() if line.startswith("#"))
    for capability in directives()["CapabilityBoundingSet"][0].split():
        assert capability.removeprefix("CAP_") in comments, capability


def test_who_wants_to_know_who_wrote_finds_what_to_add_where_doctor_says() -> None:
    row = next(row for row in NFPM["contents"] if row["dst"] == WRITERS_DROPIN)
    text = Path(row["src"]).read_text()
    assert f"ln -s {WRITERS_DROPIN} /etc/systemd/system/{NAME}.service.d/" in text
    added = text.partition("[Service]\n")[2]
    assert (
        added == "CapabilityBoundingSet=CAP_SYS_ADMIN\nSystemCallFilter=fanotify_init fanotify_mark name_to_handle_at\n"
    )
    assert "CAP_SYS_ADMIN" not in directives()["CapabilityBoundingSet"][0]


def test_the_service_manager_waits_longer_than_the_program_needs() -> None:
    unit, budgets = directives(), Budgets()
    assert seconds(unit["TimeoutStopSec"][0]) > budgets.shutdown_s
    assert seconds(unit["WatchdogSec"][0]) > 2 * budgets.supervise_every_s


def test_it_is_started_again_whatever_ended_it_and_never_given_up() -> None:
    unit = directives()
    assert (unit["Restart"], unit["StartLimitIntervalSec"]) == (["always"], ["0"])


def test_the_state_folder_lets_users_pass_to_the_public_status_and_list_nothing() -> None:
    assert directives()["StateDirectoryMode"] == ["0711"]


@pytest.mark.parametrize("kind", ["deb", "rpm"])
def test_every_script_of_a_package_is_there_and_can_be_run(kind: str) -> None:
    for path in NFPM["overrides"][kind]["scripts"].values():
        script = Path(path)
        assert script.read_text().startswith("#!/bin/sh\n# ")
        assert script.stat().st_mode & 0o111 == 0o111


def test_no_settings_are_part_of_the_package_so_no_upgrade_asks_about_them() -> None:
    below = [row for row in NFPM["contents"] if row["dst"].startswith(str(PATHS.settings.parent))]
    assert {row["type"] for row in below} == {"dir"}


def test_purge_removes_what_the_program_writes_and_removal_does_not() -> None:
    script = (LINUX / "deb/postrm").read_text()
    remove, _, purge = script.partition("purge)")
    assert "rm " not in remove
    for folder in (PATHS.state, PATHS.settings.parent):
        assert str(folder) in purge


def test_the_settings_that_are_shown_are_settings(tmp_path: Path) -> None:
    file = tmp_path / "agent.toml"
    file.write_text((LINUX / "agent.toml.example").read_text())
    loaded = load(file, {})
    assert not loaded.problems
    assert loaded.settings.endpoint.token_file == PATHS.settings.parent / "token"


def test_the_version_is_one_that_every_package_format_takes() -> None:
    assert re.fullmatch(r"\d+\.\d+\.\d+", __version__)
