"""Who may change real files and folders, by their real security descriptors.

Wine keeps of a descriptor what a Unix mode can hold: the owner and everyone. Other names are tested on registry keys, whose
descriptors it keeps whole, and on recorded descriptors in tests/unit/core/test_acl.py.
"""

import sys

if sys.platform == "win32":
    from pathlib import Path

    from agent.core.access import writers
    from agent.core.place import Data
    from agent.host.files import RootedFiles
    from agent.host.permissions import guards_of
    from agent.host.permissions_windows import sddl_of
    from tests.windows.registry import protect

    DRIVE = Path("C:\\")

    def who(path: Path) -> tuple[str, ...]:
        found = RootedFiles(DRIVE, "windows").read(str(path))
        assert isinstance(found, Data)
        guard = guards_of(DRIVE)(found.facts)
        assert guard is not None
        return writers((found.facts,), {found.facts.path: guard})

    def test_a_descriptor_tells_owner_and_list(tmp_path: Path) -> None:
        text = sddl_of(str(tmp_path)) or ""
        assert text.startswith("O:S-1-")
        assert "D:" in text

    def test_what_is_not_there_has_no_descriptor(tmp_path: Path) -> None:
        assert sddl_of(str(tmp_path / "none")) is None

    def test_a_file_that_everyone_may_read_is_nobodys_but_its_owners(tmp_path: Path) -> None:
        file = tmp_path / "policy.json"
        file.write_text("{}")
        protect(str(file), "D:P(A;;FA;;;SY)(A;;FA;;;BA)(A;;FR;;;WD)")
        assert not any(text.endswith("by everyone") or "(mode" in text for text in who(file))

    def test_a_file_that_everyone_may_write_is_exposed_by_its_list_and_not_by_a_made_up_mode(tmp_path: Path) -> None:
        file = tmp_path / "policy.json"
        file.write_text("{}")
        protect(str(file), "D:P(A;;FA;;;SY)(A;;FA;;;BA)(A;;FRFW;;;WD)")
        assert f"the file {file} can be changed by everyone" in who(file)
        assert not any("(mode" in text for text in who(file))

    def test_an_owner_who_is_no_administrator_is_named(tmp_path: Path) -> None:
        (tmp_path / "policy.json").write_text("{}")
        assert any("who owns it" in text for text in who(tmp_path / "policy.json"))
