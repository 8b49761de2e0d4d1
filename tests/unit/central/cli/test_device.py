"""`mcp-compliance-central device NAME`: the page of a device in a terminal."""

import json
from pathlib import Path

import pytest
from sqlalchemy import Engine

from central.cli.main import main
from central.store.engine import writing
from central.store.schema import devices
from tests.sim.fleet import Fleet, modified

NOW = 1_764_000_000.0


@pytest.fixture
def settings(engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    fleet = Fleet(engine, tmp_path, NOW)
    for host, user in (("dev-laptop-1", "ann"), ("dev-laptop-2", "ben")):
        fleet.beats(fleet.device(host, user, serial="C02X"), ago=60)
    fleet.finds(fleet.reporters["dev-laptop-1"], modified(), ago=30)
    with writing(engine) as connection:
        connection.execute(
            devices.update().where(devices.c.hostname == "dev-laptop-2").values(os_version="\x1b[31mred")
        )
    monkeypatch.setattr("time.time", lambda: NOW)
    file = tmp_path / "central.toml"
    file.write_text(f'database = "{engine.url.render_as_string(hide_password=False)}"\n')
    return ["--settings", str(file), "device"]


def test_it_answers_the_five_questions(settings: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*settings, "dev-laptop-1"]) == 1
    said = dict(line.split(maxsplit=1) for line in capsys.readouterr().out.replace("Tell user", "Tell").splitlines())
    assert said["Stands"] == "DEVIATING"
    assert said["Since"].endswith("(30 seconds ago)")
    assert "is not the file of the baseline" in said["Why"]
    assert said["Tell"].startswith("Nothing is wrong with your work")
    assert said["IT"] == "must   Push the managed files again from the MDM."


def test_a_user_or_serial_number_finds_it_and_two_are_listed(
    settings: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*settings, "ben"]) == 0
    assert "\x1b" not in capsys.readouterr().out
    assert main([*settings, "C02"]) == 2
    assert "dev-laptop-2" in capsys.readouterr().err
    assert main([*settings, "nobody"]) == 1


def test_json_holds_everything_and_nothing_else(settings: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    main([*settings, "dev-laptop-1", "--json"])
    answer = json.loads(capsys.readouterr().out)
    assert answer["state"] == "deviating"
    assert answer["servers"][0]["name"] == "time"
