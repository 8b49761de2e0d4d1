"""Profiles and disks of the running Windows, as the agent finds them."""

import sys

from agent.core.place import Data, Trouble, Unreadable
from agent.host.drives import fixed_drives
from agent.host.files import RootedFiles
from agent.host.profiles import profile_folders
from agent.host.users import HomeUsers

if sys.platform == "win32":
    import winreg
    from pathlib import Path

    from tests.windows.registry import MACHINE, value

    PROFILES = r"SOFTWARE\Microsoft\Windows NT\CurrentVersion\ProfileList"

    def test_a_profile_that_lies_elsewhere_is_the_home_of_a_user(tmp_path: Path) -> None:
        home = tmp_path / "eve"
        home.mkdir()
        before = profile_folders()
        key = rf"{PROFILES}\S-1-5-21-1-2-3-4711"
        with value(MACHINE, str(home), winreg.REG_EXPAND_SZ, "ProfileImagePath", key):
            assert set(profile_folders()) - set(before) == {str(home)}
            users = HomeUsers(RootedFiles(Path("C:\\"), "windows", drives=fixed_drives()), profiles=profile_folders)
            assert str(home) in {user.home for user in users.users()}
        with value(MACHINE, str(home), winreg.REG_EXPAND_SZ, "ProfileImagePath", rf"{PROFILES}\S-1-5-18"):
            assert profile_folders() == before, "the account of a service"

    def test_a_fixed_disk_is_read_and_a_drive_that_is_none_is_not_taken_for_empty(tmp_path: Path) -> None:
        (tmp_path / "x.json").write_text("{}")
        drives = fixed_drives()
        assert "C" not in drives
        letter = tmp_path.drive[0].upper()
        assert letter == "C" or letter in drives, "where this checkout lies"
        files = RootedFiles(Path("C:\\"), "windows", drives=drives)
        assert isinstance(files.read(str(tmp_path / "x.json"), within="C:\\Users"), Data)
        unused = next(letter for letter in "QRSTUVW" if letter not in drives)
        found = files.read(f"{unused}:\\x")
        assert isinstance(found, Unreadable)
        assert found.trouble is Trouble.FOREIGN
