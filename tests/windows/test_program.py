"""The whole program on this Windows: one look at the live machine, its status, its lock, its places."""

import sys

import pytest

if sys.platform == "win32":
    import json
    import os
    import subprocess
    from collections.abc import Iterator
    from pathlib import Path
    from typing import Any

    from agent.cli.main import main
    from agent.host.files import RootedFiles
    from agent.host.lock import AlreadyHeldError, held, holder
    from agent.host.machine import own_paths, this_machine
    from agent.host.users import HomeUsers
    from agent.service.setup_windows import tear_down
    from tests.windows.registry import MACHINE, USER, value

    FOLDER = Path("C:\\Program Files\\ClaudeCode")
    POLICY = {"allowedMcpServers": [{"serverUrl": "https://a.example/*"}], "allowManagedMcpServersOnly": True}
    OTHER = {"allowedMcpServers": [{"serverUrl": "https://other.example/*"}]}
    SERVERS = {
        "good": {"type": "http", "url": "https://a.example/mcp"},
        "bad": {"command": "npx", "args": ["-y", "bad"]},
    }

    @pytest.fixture
    def machine() -> Iterator[Path]:
        """A machine with a managed file and a user who has two servers."""
        FOLDER.mkdir(exist_ok=True)
        state = Path.home() / ".claude.json"
        (FOLDER / "managed-settings.json").write_text(json.dumps(POLICY))
        state.write_text(json.dumps({"mcpServers": SERVERS}))
        yield FOLDER
        state.unlink()
        for file in FOLDER.iterdir():
            file.unlink()
        FOLDER.rmdir()

    def checked(capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
        main(["check", "--json"])
        document: dict[str, Any] = json.loads(capsys.readouterr().out)
        return document

    def test_check_judges_the_servers_of_the_live_machine_by_the_managed_file(
        machine: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        document = checked(capsys)
        verdicts = {server["name"]: server["verdict"] for server in document["servers"]}
        assert verdicts == {"good": "allowed", "bad": "blocked"}
        (row,) = document["managed_files"]
        assert row["path"] == str(machine / "managed-settings.json")

    def test_hklm_takes_the_place_of_the_file_and_check_says_so(
        machine: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        assert machine.exists()
        with value(MACHINE, json.dumps(OTHER)), value(USER, "{}"):
            document = checked(capsys)
        selected = {source["path"]: source["selected"] for source in document["policy"]["sources"]}
        assert selected["HKLM\\SOFTWARE\\Policies\\ClaudeCode\\Settings"] is True
        assert selected[str(machine / "managed-settings.json")] is False
        assert "policy.not-effective" in {item["control"] for item in document["deviations"]}

    def test_a_file_in_programdata_is_misplaced(machine: Path, capsys: pytest.CaptureFixture[str]) -> None:
        assert machine.exists()
        old = Path(os.environ["PROGRAMDATA"]) / "ClaudeCode"
        old.mkdir()
        (old / "managed-settings.json").write_text("{}")
        try:
            document = checked(capsys)
        finally:
            (old / "managed-settings.json").unlink()
            old.rmdir()
        states = {row["path"]: row["state"] for row in document["managed_files"]}
        assert states["C:\\ProgramData\\ClaudeCode\\managed-settings.json"] == "misplaced"

    def test_status_and_doctor_answer(capsys: pytest.CaptureFixture[str]) -> None:
        main(["status"])
        assert "UNKNOWN" in capsys.readouterr().out
        main(["doctor"])
        shown = capsys.readouterr().out
        assert "the check itself failed" not in shown
        assert "own files" in shown

    def test_places_and_rights_are_those_of_windows() -> None:
        found = this_machine()
        assert found.os == "windows"
        assert found.os_version.startswith("10.0.")
        assert str(own_paths(found).settings).casefold() == "c:\\programdata\\mcpcomplianceagent\\agent.toml"

    def test_the_user_of_this_machine_has_a_home() -> None:
        homes = {user.home.casefold() for user in HomeUsers(RootedFiles(Path("C:\\"), "windows")).users()}
        assert str(Path.home()).casefold() in homes

    def test_a_second_process_does_not_get_the_lock_and_an_ended_one_lets_go(tmp_path: Path) -> None:
        lock = tmp_path / "lock"
        code = f"from agent.host.lock import held; held({str(lock)!r}).__enter__()"
        with held(lock):
            assert (who := holder(lock)) is not None
            assert who.pid == os.getpid()
            with pytest.raises(AlreadyHeldError), held(lock):
                pass
        ended = subprocess.run([sys.executable, "-c", code], stdin=subprocess.DEVNULL, check=False, capture_output=True)
        assert ended.returncode == 0, ended.stderr
        assert holder(lock) is None
        with held(lock):
            pass

    def test_the_installer_waits_for_the_end_of_the_agent_which_comes_after_that_of_its_lock(tmp_path: Path) -> None:
        settings, state = tmp_path / "settings/agent.toml", tmp_path / "state"
        state.mkdir()
        lives = (
            f"import time\nfrom pathlib import Path\nfrom agent.host.lock import held\n"
            f"with held(Path({str(state / 'agent.lock')!r})): print('held', flush=True)\n"
            f"time.sleep(2)"
        )
        with subprocess.Popen([sys.executable, "-c", lives], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE) as agent:
            assert agent.stdout is not None
            agent.stdout.readline()
            tear_down(settings, state, purge=False)
            assert agent.poll() == 0, "it still had its files open"

    def test_a_program_that_has_the_number_by_now_is_not_taken_for_the_agent(tmp_path: Path) -> None:
        lock = tmp_path / "agent.lock"
        lock.write_text(str(os.getpid()))
        os.utime(lock, (1, 1))
        assert holder(lock) is None
