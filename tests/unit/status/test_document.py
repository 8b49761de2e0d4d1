import json
import os
from pathlib import Path

import pytest

from agent.status.document import FILE_NAME, Fresh, Silent, read, write


def document(**facts: object) -> bytes:
    return json.dumps({"written_at": 1000.0, "stale_after_s": 300.0, **facts}).encode()


def test_a_young_document_is_the_daemons_word(tmp_path: Path) -> None:
    write(tmp_path, document(x=1))
    answer = read(tmp_path, 1010.0)
    assert isinstance(answer, Fresh)
    assert (answer.age_s, answer.document["x"]) == (10.0, 1)


def test_an_old_document_says_nothing_any_more(tmp_path: Path) -> None:
    write(tmp_path, document())
    answer = read(tmp_path, 1301.0)
    assert isinstance(answer, Silent)
    assert "not running" in answer.text


def test_a_document_from_the_future_says_nothing(tmp_path: Path) -> None:
    write(tmp_path, document())
    answer = read(tmp_path, 500.0)
    assert isinstance(answer, Silent)
    assert "clock" in answer.text


@pytest.mark.parametrize("raw", [b"", b"{", b"[]", b'{"written_at": null}', b'{"written_at": 1}'])
def test_a_broken_document_is_silent_and_not_a_crash(tmp_path: Path, raw: bytes) -> None:
    (tmp_path / FILE_NAME).write_bytes(raw)
    assert isinstance(read(tmp_path, 1.0), Silent)


def test_a_missing_document_says_that_the_agent_never_ran(tmp_path: Path) -> None:
    answer = read(tmp_path, 1.0)
    assert isinstance(answer, Silent)
    assert "has not run" in answer.text


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no FIFOs")
def test_a_fifo_in_place_of_the_document_blocks_nobody(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / FILE_NAME)
    assert isinstance(read(tmp_path, 1.0), Silent)


def test_a_failed_write_leaves_the_old_document_and_no_scrap(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path, document(x="old"))

    def full(_descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        write(tmp_path, document(x="new"))
    assert [path.name for path in tmp_path.iterdir()] == [FILE_NAME]
    assert json.loads((tmp_path / FILE_NAME).read_bytes())["x"] == "old"
