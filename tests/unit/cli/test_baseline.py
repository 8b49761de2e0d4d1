import json
import os
from pathlib import Path

import pytest

from agent.cli.main import main
from agent.host.machine import OwnPaths
from tests.sim.baselines import Signer

IT = Signer(1)
POLICY = {"allowedMcpServers": [{"serverName": "ok"}], "allowManagedMcpServersOnly": True}


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine with one managed file, and the agent's own places out of this machine's."""
    own = tmp_path / "own"
    own.mkdir()
    (own / "agent.toml").touch()
    monkeypatch.setattr("agent.cli.places.own_paths", lambda _: OwnPaths(own / "agent.toml", own / "state"))
    (tmp_path / "key").write_bytes(IT.pem)
    root = tmp_path / "root"
    folder = root / "etc/claude-code"
    folder.mkdir(parents=True)
    root.chmod(0o755)
    (folder / "managed-settings.json").write_text(json.dumps(POLICY))
    monkeypatch.chdir(tmp_path)
    return root


def run(capsys: pytest.CaptureFixture[str], *argv: str) -> tuple[int, dict[str, object]]:
    status = main(["baseline", *argv, "--json"])
    out = capsys.readouterr().out
    return status, json.loads(out) if out else {}


def signed(capsys: pytest.CaptureFixture[str], *more: str) -> None:
    assert run(capsys, "create", "b.json", "--root", "root", *more)[0] == 0
    assert run(capsys, "sign", "--key", "key", "b.json")[0] == 0  # options may stand before the file


def test_a_baseline_is_created_signed_and_verified_against_the_files(
    root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    signed(capsys, "--serial", "7", "--expires", "2099-01-01")
    status, document = run(capsys, "verify", "b.json", "--public-key", IT.line, "--root", str(root))
    assert status == 0
    assert (document["accepted"], document["serial"], document["expires"]) == (True, 7, "2099-01-01T00:00:00Z")
    assert isinstance(document["managed_files"], list)
    own = "intact" if os.geteuid() == 0 else "exposed"  # a user's own files are as recorded, and in that user's hands
    assert [row["state"] for row in document["managed_files"]] == [own]


def test_verify_finds_a_changed_file(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    signed(capsys)
    (root / "etc/claude-code/managed-settings.json").write_text("{}")
    assert run(capsys, "verify", "b.json", "--public-key", IT.line, "--root", "root")[0] == 1
    assert run(capsys, "verify", "b.json", "--public-key", IT.line)[0] == 0


@pytest.mark.usefixtures("root")
def test_verify_refuses_a_baseline_of_another_key(capsys: pytest.CaptureFixture[str]) -> None:
    signed(capsys)
    status, document = run(capsys, "verify", "b.json", "--public-key", Signer(2).line)
    assert (status, document["accepted"]) == (1, False)


@pytest.mark.usefixtures("root")
@pytest.mark.parametrize(
    "argv",
    [
        ("verify", "b.json"),
        ("verify",),
        ("verify", "gone.json", "--public-key", IT.line),
        ("verify", "b.json", "--public-key", "ssh-ed25519 nonsense"),
        ("sign", "b.json"),
        ("sign", "b.json", "--key", "b.json"),
        ("create", "--root", "root", "--serial", "0"),
        ("create", "--root", "root", "--expires", "soon"),
        ("create", "--root", "root", "--expires", "2020-01-01"),
        ("create", "--root", "own"),
    ],
)
def test_what_cannot_be_done_is_said_in_one_line(argv: tuple[str, ...], capsys: pytest.CaptureFixture[str]) -> None:
    signed(capsys)
    assert main(["baseline", *argv]) == 2
    assert capsys.readouterr().err.count("\n") == 1


def test_no_baseline_is_made_of_a_file_that_no_client_can_read(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (root / "etc/claude-code/managed-mcp.json").write_text("{")
    assert main(["baseline", "create", "--root", "root"]) == 2
    assert "managed-mcp.json" in capsys.readouterr().err


def test_check_judges_by_the_baselines_in_the_examined_root(
    root: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = root / "etc/mcp-compliance-agent/baselines"
    folder.mkdir(parents=True)
    signed(capsys)
    for name in ("b.json", "b.json.sig"):
        (tmp_path / name).rename(folder / name)
    (tmp_path / "own/agent.toml").write_text(f'[baseline]\npublic_keys = ["{IT.line}"]\n')
    main(["check", "--root", str(root), "--json"])
    document = json.loads(capsys.readouterr().out)
    assert [row["state"] for row in document["managed_files"]] == ["intact"] or os.geteuid() != 0
    (root / "etc/claude-code/managed-settings.json").write_text("{}")
    main(["check", "--root", str(root), "--json"])
    document = json.loads(capsys.readouterr().out)
    assert "managed-file.modified" in [row["control"] for row in document["deviations"]]
    (folder / "b.json.sig").unlink()
    main(["check", "--root", str(root), "--json"])
    document = json.loads(capsys.readouterr().out)
    assert {"baseline.refused", "baseline.missing"} <= {row["control"] for row in document["deviations"]}


def test_a_baseline_of_a_draft_holds_owner_and_mode_of_a_device(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (root / "etc/claude-code/managed-settings.json").chmod(0o600)
    assert run(capsys, "create", "b.json", "--root", "root", "--deployed")[0] == 0
    (record,) = json.loads(Path("b.json").read_text())["files"]
    assert (record["owner"], record["mode"]) == (0, "0644")
