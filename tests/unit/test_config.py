from functools import partial
from pathlib import Path

import pytest

from agent.config.files import MAX_FILE_BYTES
from agent.config.settings import Settings, load
from agent.core.deviation import Severity
from agent.host.preferences import Pushed


def write(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def test_without_any_file_the_defaults_are_in_force(tmp_path: Path) -> None:
    loaded = load(tmp_path / "agent.toml", {})
    assert loaded.settings == Settings()
    assert (loaded.files, loaded.problems) == ((), ())


def test_a_drop_in_wins_over_the_file_and_the_environment_over_both(tmp_path: Path) -> None:
    file = write(
        tmp_path / "agent.toml", "[looks]\nprocess_interval_s = 7\nconfig_interval_s = 70\nmanaged_interval_s = 700\n"
    )
    write(tmp_path / "agent.d" / "20.toml", "[looks]\nconfig_interval_s = 8\nmanaged_interval_s = 9\n")
    loaded = load(file, {"MCP_COMPLIANCE_LOOKS__MANAGED_INTERVAL_S": "10", "PATH": "/bin"})
    looks = loaded.settings.looks
    assert (looks.process_interval_s, looks.config_interval_s, looks.managed_interval_s) == (7, 8, 10)
    assert loaded.problems == ()


def test_an_unknown_key_is_named_with_its_file_and_with_what_is_known(tmp_path: Path) -> None:
    file = write(tmp_path / "agent.toml", '[endpoint]\nurl = "https://central.example"\ntokn = "x"\n')
    loaded = load(file, {})
    assert loaded.settings.endpoint.url == "https://central.example"
    (problem,) = loaded.problems
    assert str(file) in str(problem)
    assert "endpoint.tokn" in str(problem)
    assert "token_file" in str(problem)


def test_a_wrong_value_costs_that_key_alone_and_keeps_the_earlier_one(tmp_path: Path) -> None:
    file = write(tmp_path / "agent.toml", "[looks]\nprocess_interval_s = 7\n")
    dropin = write(tmp_path / "agent.d" / "1.toml", '[looks]\nprocess_interval_s = "often"\nconfig_interval_s = 9\n')
    loaded = load(file, {})
    assert (loaded.settings.looks.process_interval_s, loaded.settings.looks.config_interval_s) == (7, 9)
    assert str(dropin) in str(loaded.problems[0])


def test_one_bad_member_of_a_list_costs_that_member_alone(tmp_path: Path) -> None:
    file = write(tmp_path / "agent.toml", '[looks]\nprojects = ["/a", 1, "/b", 2]\n')
    loaded = load(file, {})
    assert loaded.settings.looks.projects == ("/a", "/b")
    assert len(loaded.problems) == 2


def test_a_severity_for_a_control_that_does_not_exist_is_a_problem(tmp_path: Path) -> None:
    file = write(tmp_path / "agent.toml", '[severity]\n"server.unpinned" = "info"\n"server.unpined" = "info"\n')
    loaded = load(file, {})
    assert loaded.settings.severity == {"server.unpinned": Severity.INFO}
    assert "server.unpined" in str(loaded.problems[0])


@pytest.mark.parametrize("raw", [b"[looks", b"\xff\xfe\x00", b"#" * (MAX_FILE_BYTES + 1)])
def test_a_file_that_is_not_toml_costs_that_file_alone(tmp_path: Path, raw: bytes) -> None:
    file = write(tmp_path / "agent.toml", "[looks]\nprocess_interval_s = 7\n")
    (tmp_path / "agent.d").mkdir()
    (tmp_path / "agent.d" / "1.toml").write_bytes(raw)
    loaded = load(file, {})
    assert loaded.settings.looks.process_interval_s == 7
    assert loaded.files == (file,)
    assert "1.toml" in str(loaded.problems[0])


def test_a_folder_in_place_of_the_settings_file_is_a_problem_and_not_a_crash(tmp_path: Path) -> None:
    (tmp_path / "agent.toml").mkdir()
    loaded = load(tmp_path / "agent.toml", {})
    assert loaded.settings == Settings()
    assert "not a regular file" in str(loaded.problems[0])


def test_every_setting_is_described_in_the_schema() -> None:
    schema = Settings.model_json_schema()
    for section in schema["$defs"].values():
        for name, field in section.get("properties", {}).items():
            assert field.get("description"), name


def test_what_device_management_pushes_wins_over_everything(tmp_path: Path) -> None:
    file = write(tmp_path / "agent.toml", '[endpoint]\nurl = "https://mine.example"\n[policy]\nrequired = true\n')
    environment = {"MCP_COMPLIANCE_ENDPOINT__URL": "https://other.example"}
    document = {"PayloadUUID": "x", "endpoint": {"url": "https://central.example"}, "looks": {"users": ["ann"]}}
    loaded = load(file, environment, lambda: Pushed("a profile", document))
    assert loaded.settings.endpoint.url == "https://central.example"
    assert loaded.settings.looks.users == ("ann",)
    assert loaded.settings.policy.required
    assert loaded.problems == ()


def test_a_registrys_numbers_are_truths_where_a_truth_is_wanted(tmp_path: Path) -> None:
    document = {"policy": {"required": 0}, "jsonl": {"enabled": 1}, "looks": {"config_interval_s": 600}}
    settings = load(tmp_path / "agent.toml", {}, lambda: Pushed("HKLM", document)).settings
    assert (settings.policy.required, settings.jsonl.enabled, settings.looks.config_interval_s) == (False, True, 600)


@pytest.mark.parametrize(
    "lines", ['[[destination]]\nkind = "file"\npath = "/x"\n', ["[[destination]]", 'kind = "file"', 'path = "/x"']]
)
def test_a_whole_file_can_be_pushed_as_one_value_and_single_values_win_over_it(
    tmp_path: Path, lines: str | list[str]
) -> None:
    document = {"Settings": lines, "policy": {"required": False}}
    loaded = load(tmp_path / "agent.toml", {}, lambda: Pushed("HKLM", document))
    assert [destination.kind for destination in loaded.settings.destination] == ["file"]
    assert not loaded.settings.policy.required
    assert loaded.problems == ()


def test_a_store_that_cannot_be_read_is_named_and_the_files_stay_in_force(tmp_path: Path) -> None:
    file = write(tmp_path / "agent.toml", "[policy]\nrequired = false\n")
    for pushed in (Pushed("the profile", {}, "it is no property list"), Pushed("the profile", {"Settings": "[["})):
        loaded = load(file, {}, partial(_itself, pushed))
        assert not loaded.settings.policy.required
        assert "the profile" in str(loaded.problems[0])


def _itself(pushed: Pushed) -> Pushed:
    return pushed
