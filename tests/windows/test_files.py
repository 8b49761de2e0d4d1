"""The reader of trees on Windows itself: what it takes for a file, and what for none."""

import sys

import pytest

if sys.platform == "win32":
    from pathlib import Path

    from agent.core.place import Data, Missing, Names, Trouble, Unreadable
    from agent.host.files import RootedFiles
    from agent.host.limits import ReadLimits

    @pytest.fixture
    def files(tmp_path: Path) -> RootedFiles:
        (tmp_path / "Users/ann").mkdir(parents=True)
        (tmp_path / "Users/ann/config.json").write_bytes(b'{"a": 1}')
        return RootedFiles(tmp_path, "windows", ReadLimits(file_bytes=1024))

    def trouble(found: object) -> Trouble:
        assert isinstance(found, Unreadable), found
        return found.trouble

    @pytest.mark.parametrize("path", ["C:\\Users\\ann\\config.json", "c:/users/ANN/Config.JSON"])
    def test_a_file_is_found_in_any_case_and_with_either_slash(files: RootedFiles, path: str) -> None:
        found = files.read(path)
        assert isinstance(found, Data)
        assert found.raw == b'{"a": 1}'
        assert [facts.kind for facts in found.access] == ["folder", "folder", "folder", "file"]
        assert found.facts.inode != 0

    @pytest.mark.parametrize(
        "path",
        [
            "C:\\none",
            "C:\\Users\\ann\\none\\x",
            "C:\\Users\\ann\\config.json:stream",
            "C:\\a\0b",
            "\\\\host\\x",
        ],
    )
    def test_what_does_not_stand_there_is_missing(files: RootedFiles, path: str) -> None:
        assert isinstance(files.read(path), Missing)

    def test_another_drive_is_not_entered(files: RootedFiles) -> None:
        assert trouble(files.read("D:\\Users")) is Trouble.FOREIGN

    @pytest.mark.parametrize("name", ["NUL", "con", "COM1", "aux.json", "LPT9.txt"])
    def test_a_device_is_not_opened(files: RootedFiles, name: str) -> None:
        assert trouble(files.read(f"C:\\Users\\ann\\{name}")) is Trouble.NOT_REGULAR

    def test_a_folder_is_no_file_and_a_file_is_no_folder(files: RootedFiles) -> None:
        assert trouble(files.read("C:\\Users\\ann")) is Trouble.NOT_REGULAR
        assert trouble(files.names("C:\\Users\\ann\\config.json")) is Trouble.NOT_A_FOLDER

    def test_a_large_file_is_not_read(files: RootedFiles, tmp_path: Path) -> None:
        (tmp_path / "large").write_bytes(b"x" * 1025)
        assert trouble(files.read("C:\\large")) is Trouble.TOO_LARGE

    def test_names_come_as_they_are_spelt(files: RootedFiles) -> None:
        found = files.names("C:\\users\\ann")
        assert isinstance(found, Names)
        assert found.names == ("config.json",)

    def test_a_long_path_is_read(files: RootedFiles, tmp_path: Path) -> None:
        deep = tmp_path.joinpath(*["folder-with-a-long-name"] * 6)
        deep.mkdir(parents=True)
        (deep / "x.json").write_text("{}")
        assert isinstance(files.read("C:\\" + "folder-with-a-long-name\\" * 6 + "x.json"), Data)
