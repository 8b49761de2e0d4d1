"""What doctor says of the agent's own files, of who writes managed files, and of the endpoint's journal."""

import json
import sys
import time
from pathlib import Path

import pytest

from agent.app.diagnosis import Result, diagnose
from agent.config.settings import Loaded, Settings
from agent.core.documents import plain
from agent.core.own_places import WRITERS_DROPIN
from agent.host.machine import Machine, OwnPaths
from agent.ports import NoEvents
from agent.status.document import write
from tests.sim.statuses import status


def checked(state: Path, name: str, settings: Settings | None = None, *, privileged: bool = False) -> Result:
    machine = Machine("linux", "x", "host", privileged=privileged)
    results = diagnose(machine, Loaded(settings or Settings()), OwnPaths(state / "agent.toml", state))
    return next(result for result in results if result.name == name)


def says(state: Path, *health: dict[str, object]) -> None:
    now = time.time()
    document = {"written_at": now, "stale_after_s": 300, "schema": "mcp-compliance/status/1", "health": health}
    write(state, json.dumps(document).encode())


def test_whether_writers_are_told_is_the_running_agent_s_word_whose_rights_are_others(tmp_path: Path) -> None:
    says(tmp_path, {"code": "writers.unnoticed", "text": "The system does not tell: it needs CAP_SYS_ADMIN"})
    found = checked(tmp_path, "file writers")
    assert (found.state, found.text) == ("not-run", "The system does not tell: it needs CAP_SYS_ADMIN")
    assert WRITERS_DROPIN in found.remedy
    says(tmp_path)
    assert checked(tmp_path, "file writers").state == "ok"


def test_without_a_running_agent_the_system_is_asked_whether_it_tells_writers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("agent.app.diagnosis.file_writers", lambda: NoEvents("nobody tells"))
    assert checked(tmp_path, "file writers").text == "nobody tells"


@pytest.mark.skipif(sys.platform == "win32", reason="modes are POSIX'")
def test_a_state_folder_that_others_may_write_is_a_failure_of_the_agent_s_own_files(tmp_path: Path) -> None:
    state = tmp_path / "state"
    state.mkdir()
    state.chmod(0o777)
    found = checked(state, "own files", privileged=True)
    assert found.state == "failing"
    assert "can be written by everyone" in found.text or "belongs to" in found.text


def test_whose_files_the_agent_s_are_is_no_question_where_its_user_runs_it(tmp_path: Path) -> None:
    assert checked(tmp_path, "own files").state == "not-run"


@pytest.mark.skipif(sys.platform == "win32", reason="modes are POSIX'")
def test_a_token_that_others_can_read_is_a_failure_and_is_not_told(tmp_path: Path) -> None:
    token = tmp_path / "token"
    settings = Settings.model_validate({"endpoint": {"url": "https://127.0.0.1:1", "token_file": str(token)}})
    assert checked(tmp_path, "credentials", settings).text == f"{token} is not there"
    token.write_text("tok-canary-4e1b")
    token.chmod(0o644)
    found = checked(tmp_path, "credentials", settings)
    assert (found.state, found.text) == ("failing", f"{token} can be read by others")
    token.chmod(0o600)
    assert checked(tmp_path, "credentials", settings).state == "ok"
    named = Settings.model_validate({"endpoint": {"url": "https://127.0.0.1:1", "token_file": "token"}})
    assert checked(tmp_path, "credentials", named).state == "ok"


def test_a_destination_that_cannot_be_reached_is_named_with_the_reason(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NO_PROXY", "*")
    row = {"kind": "otlp", "url": "https://127.0.0.1:1/v1/logs"}
    syslog = {"kind": "syslog", "host": "127.0.0.1", "port": 1}
    settings = Settings.model_validate({"destination": [row, syslog], "state_folder": str(tmp_path)})
    found = checked(tmp_path, "destinations", settings)
    assert found.state == "failing"
    wanted = "otlp: 127.0.0.1:1: connection refused · syslog: 127.0.0.1:1: connection refused"
    assert found.text == wanted


def test_a_damaged_journal_is_a_failure(tmp_path: Path) -> None:
    (tmp_path / "journal.sqlite3").write_bytes(b"SQLite format 3\0" + b"x" * 4096)
    assert checked(tmp_path, "journal").state != "ok"


def test_who_asks_without_rights_where_the_agent_is_a_service_is_told_of_the_service_and_what_to_ask_as_administrator(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def places(machine: Machine) -> OwnPaths:
        folder = tmp_path / ("service" if machine.privileged else "user")
        return OwnPaths(folder / "agent.toml", folder)

    monkeypatch.setattr("agent.status.word.own_paths", places)
    (tmp_path / "service").mkdir()
    write(tmp_path / "service", json.dumps(plain(status("compliant", written_at=time.time() - 1))).encode())
    machine = Machine("linux", "x", "host", privileged=False)
    found = {one.name: one for one in diagnose(machine, Loaded(Settings()), places(machine))}
    assert found["running agent"].state == "ok"
    assert not {"own files", "rights", "journal"} & found.keys()
    assert found["the rest"].text.startswith("the agent is a service here: own files, rights, ")
    assert "as administrator" in found["the rest"].remedy
