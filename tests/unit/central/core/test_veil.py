import pytest
from hypothesis import given
from hypothesis import strategies as st

from central.core.veil import veiled


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("/home/ann/projects/merger/.mcp.json", "~ann/…/.mcp.json"),
        ("/Users/ann/.claude.json", "~ann/.claude.json"),
        (r"C:\Users\ann\Documents\Secret Deal\mcp.json", "~ann/…/mcp.json"),
        ("node /home/ann/x/y.js runs for ann", "node ~ann/…/y.js runs for ann"),
        ("/root/.config/a/b.json: it is open", "~root/…/b.json: it is open"),
        ("/etc/claude-code/managed-settings.json", "/etc/claude-code/managed-settings.json"),
        ("https://example.com/home/", "https://example.com/home/"),
        ("/home/ann", "~ann"),
    ],
)
def test_paths_below_homes_keep_the_user_and_the_name(text: str, shown: str) -> None:
    assert veiled({"why": [text]}) == {"why": [shown]}


@given(
    st.text(alphabet="abc./\\: ", max_size=30), st.text(alphabet="xyz", min_size=1), st.text(alphabet="abc", min_size=1)
)
def test_no_folder_between_home_and_name_is_left(before: str, folder: str, name: str) -> None:
    assert f"/{folder}/" not in veiled(f"{before}/home/ann/{folder}/{name}").removeprefix(before)
