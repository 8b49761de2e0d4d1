import json
import stat
import sys
import tarfile
from pathlib import Path
from typing import Any

import pytest

from agent.app.diagnosis import Result
from agent.cli.bundle import write_bundle
from agent.cli.options import Own
from agent.config.settings import load
from agent.core.deviation import Evidence, Findings
from agent.core.refusal import CannotStart
from agent.host.machine import Machine, OwnPaths
from agent.store.journal import JOURNAL, Journal
from tests.sim.deviations import KINDS, deviation, encode

SECRET = "ghp_" + "a1B2" * 9
RESULTS = [Result("settings", "failing", f"token {SECRET}", "")]


def own(folder: Path) -> Own:
    settings = folder / "agent.toml"
    settings.write_text('[endpoint]\nurl = "https://reports.example.com/v1/events"\ntoken_file = "/etc/token"\n')
    machine = Machine("linux", "12", "laptop-7", privileged=True)
    return Own(machine, load(settings, {}), OwnPaths(settings, folder))


def parts(path: Path) -> dict[str, Any]:
    with tarfile.open(path) as archive:
        found = {}
        for member in archive.getmembers():
            stream = archive.extractfile(member)
            assert stream is not None
            found[Path(member.name).stem] = json.load(stream)
        return found


def test_the_archive_holds_what_support_needs_and_no_secret(tmp_path: Path) -> None:
    journal = Journal(tmp_path / JOURNAL, lambda: 0.0, device="device-1")
    item = deviation("a", text=f"runs with {SECRET}")
    journal.commit(Findings(present={item.key: item}, looked=KINDS), 1.0, encode)
    journal.close()
    (tmp_path / "status.json").write_text(json.dumps({"check": {"why": f"npx --token={SECRET}"}}))
    write_bundle(tmp_path / "out.tar.gz", own(tmp_path), RESULTS)
    found = parts(tmp_path / "out.tar.gz")
    assert set(found) == {"about", "doctor", "settings", "status", "history", "outbox"}
    assert found["settings"]["in_force"]["endpoint"]["url"] == "https://reports.example.com/v1/events"
    assert [entry["control"] for entry in found["history"]] == ["server.unapproved.running"]
    assert SECRET not in json.dumps(found)
    assert item.evidence == (Evidence("command", "npx thing"),)
    if sys.platform != "win32":
        assert stat.S_IMODE((tmp_path / "out.tar.gz").stat().st_mode) == 0o600


def test_what_cannot_be_had_is_said_in_its_place(tmp_path: Path) -> None:
    write_bundle(tmp_path / "out.tar.gz", own(tmp_path), RESULTS)
    found = parts(tmp_path / "out.tar.gz")
    assert "No such file" in found["history"]["missing"]
    assert "No such file" in found["status"]["missing"]


def test_no_file_is_overwritten_and_no_link_followed(tmp_path: Path) -> None:
    (tmp_path / "out.tar.gz").write_text("precious")
    with pytest.raises(CannotStart, match="File exists"):
        write_bundle(tmp_path / "out.tar.gz", own(tmp_path), RESULTS)
    assert (tmp_path / "out.tar.gz").read_text() == "precious"
