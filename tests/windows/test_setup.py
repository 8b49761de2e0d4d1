"""What the installer's own step leaves behind: folders that only administrators write, settings that are settings, or nothing."""

import sys
from pathlib import Path

import pytest

if sys.platform == "win32":
    from agent.config.settings import load
    from agent.host.credentials import credential
    from agent.host.lock import held
    from agent.host.permissions_windows import sddl_of
    from agent.service import setup_windows
    from agent.service.setup_windows import SetupError, hold_folders, tear_down, write_settings

    SOMEBODY_ELSE = "S-1-5-21-1-2-3-1001"

    @pytest.fixture
    def base(tmp_path: Path) -> Path:
        return tmp_path / "Agent"

    def test_users_may_read_the_public_part_and_not_the_state(base: Path) -> None:
        hold_folders(base / "agent.toml", base / "state")
        assert ";;;WD)" not in (sddl_of(str(base / "state")) or "")
        for folder in ("agent.d", "baselines", "state/public"):
            assert (base / folder).is_dir()

    def test_a_folder_that_is_no_administrator_s_is_put_aside_with_what_it_holds(
        base: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        base.mkdir()
        (base / "agent.toml").write_text("planted")
        monkeypatch.setattr(setup_windows, "_own_sid", lambda: SOMEBODY_ELSE)  # whose all of this then is not
        hold_folders(base / "agent.toml", base / "state")
        assert not (base / "agent.toml").exists()
        (aside,) = base.parent.glob("Agent.not-trusted-*")
        assert (aside / "agent.toml").read_text() == "planted"

    def test_what_administrators_put_there_before_stays(base: Path) -> None:
        (base / "agent.d").mkdir(parents=True)
        (base / "agent.d/10-organisation.toml").write_text("[looks]\n")
        hold_folders(base / "agent.toml", base / "state")
        assert (base / "agent.d/10-organisation.toml").read_text() == "[looks]\n"

    def test_what_the_installer_was_given_is_read_as_settings_and_kept_in_an_upgrade_that_is_given_nothing(
        base: Path,
    ) -> None:
        hold_folders(base / "agent.toml", base / "state")
        write_settings(base / "agent.toml", 'https://reports.example.com/v1/"events"', "t0ken")
        write_settings(base / "agent.toml", "", "")
        loaded = load(base / "agent.toml", {})
        assert not loaded.problems
        assert loaded.settings.endpoint.url == 'https://reports.example.com/v1/"events"'
        assert loaded.settings.endpoint.token_file == base / "token"
        assert credential(base / "token") == b"t0ken"
        assert b"t0ken" not in (base / "token").read_bytes()

    def test_teardown_keeps_what_is_not_to_be_purged_and_leaves_nothing_otherwise(base: Path) -> None:
        hold_folders(base / "agent.toml", base / "state")
        tear_down(base / "agent.toml", base / "state", purge=False)
        assert (base / "state").is_dir()
        tear_down(base / "agent.toml", base / "state", purge=True)
        assert not base.exists()
        tear_down(base / "agent.toml", base / "state", purge=True)

    def test_the_files_of_an_agent_that_does_not_end_are_left_alone(
        base: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(setup_windows, "_ENDS_WITHIN_S", 0.0)
        hold_folders(base / "agent.toml", base / "state")
        with held(base / "state/agent.lock"), pytest.raises(SetupError, match="still runs"):
            tear_down(base / "agent.toml", base / "state", purge=True)
        assert base.exists()
