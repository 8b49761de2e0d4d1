import os
from pathlib import Path

import pytest

from agent.core.baseline.record import Outline, Record
from agent.core.baseline.trust import Kept, Memory
from agent.store.memory import NAME, MemoryLostError, load, save

WHOLE = Memory(
    kept=Kept(b'{"a": "\xc3\xa4"}', b"sig\x00"),
    latest=5.5,
    since=4.0,
    first_sight={"/a": Record("/a", "managed-mcp", "1" * 64, "2" * 64, 0, "0644", Outline(("x",), servers={"s": "d"}))},
)


def test_what_is_saved_is_loaded_and_only_its_owner_may_read_it(tmp_path: Path) -> None:
    save(tmp_path, WHOLE)
    assert load(tmp_path) == WHOLE
    assert os.name == "nt" or (tmp_path / NAME).stat().st_mode & 0o077 == 0
    assert list(tmp_path.iterdir()) == [tmp_path / NAME]


def test_nothing_saved_is_an_empty_memory(tmp_path: Path) -> None:
    assert load(tmp_path) == Memory()


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"schema": "mcp-compliance/managed-files/1"}', "[" * 100_000])
def test_a_file_that_something_else_wrote_is_a_lost_memory_and_not_a_first_start(tmp_path: Path, text: str) -> None:
    (tmp_path / NAME).write_text(text)
    with pytest.raises(MemoryLostError):
        load(tmp_path)
