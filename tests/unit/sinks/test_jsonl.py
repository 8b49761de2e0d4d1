import json
import stat
import sys
from pathlib import Path

import pytest

from agent.core.canonical import canonical
from agent.ports import JSON, Accepted, Batch, RetryLater
from agent.sinks.jsonl import JsonlSink
from tests.sim.batches import batch_of


def event(sequence: int, journal: str = "j1", padding: int = 0) -> JSON:
    return {
        "metadata": {"sequence": sequence},
        "unmapped": {"chain": {"journal": journal}},
        "padding": "x" * padding,
    }


def batch(*events: JSON) -> Batch:
    return batch_of("id", events[0]["metadata"]["sequence"], events[-1]["metadata"]["sequence"], events)


def written(path: Path) -> list[int]:
    return [json.loads(line)["metadata"]["sequence"] for line in path.read_bytes().splitlines()]


def test_each_event_is_one_canonical_line(tmp_path: Path) -> None:
    path = tmp_path / "out" / "events.jsonl"
    assert JsonlSink(path).send(batch(event(1), event(2))) == Accepted()
    assert path.read_text() == f"{canonical(event(1))}\n{canonical(event(2))}\n"


def test_a_batch_that_is_repeated_after_a_crash_writes_no_line_twice(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    JsonlSink(path).send(batch(event(1), event(2)))
    JsonlSink(path).send(batch(event(1), event(2), event(3)))
    assert written(path) == [1, 2, 3]


def test_a_fresh_journal_starts_its_sequence_anew_and_is_written(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    JsonlSink(path).send(batch(event(1), event(2)))
    JsonlSink(path).send(batch(event(1, "j2")))
    assert written(path) == [1, 2, 1]


@pytest.mark.parametrize("padding", [0, 200_000])
def test_a_line_that_was_cut_is_taken_back_and_written_whole(tmp_path: Path, padding: int) -> None:
    path = tmp_path / "events.jsonl"
    JsonlSink(path).send(batch(event(1, padding=padding)))
    with path.open("ab") as stream:
        stream.write(canonical(event(2, padding=padding)).encode()[:-1])
    JsonlSink(path).send(batch(event(1, padding=padding), event(2, padding=padding)))
    assert written(path) == [1, 2]


def test_lines_of_others_do_not_stop_it(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    path.write_bytes(b'\n[1]\n{"metadata": null}\nnot json\n')
    assert JsonlSink(path).send(batch(event(1))) == Accepted()
    assert path.read_bytes().splitlines()[-1] == canonical(event(1)).encode()


def test_it_rotates_before_the_file_grows_too_large_and_keeps_so_many(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    sink = JsonlSink(path, max_bytes=600, kept=2)
    for number in range(1, 8):
        sink.send(batch(event(number, padding=200)))
    assert (written(path), written(tmp_path / "events.jsonl.1"), written(tmp_path / "events.jsonl.2")) == (
        [7],
        [5, 6],
        [3, 4],
    )
    assert not (tmp_path / "events.jsonl.3").exists()


def test_a_repeat_right_after_a_rotation_is_recognised(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    sink = JsonlSink(path)
    sink.send(batch(event(1), event(2)))
    path.rename(tmp_path / "events.jsonl.1")
    sink.send(batch(event(1), event(2), event(3)))
    assert written(path) == [3]


def test_an_event_larger_than_the_limit_is_written_all_the_same(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    assert JsonlSink(path, max_bytes=10).send(batch(event(1))) == Accepted()
    assert written(path) == [1]


def test_what_cannot_be_written_is_tried_later_with_a_reason(tmp_path: Path) -> None:
    (tmp_path / "events.jsonl").mkdir()
    outcome = JsonlSink(tmp_path / "events.jsonl").send(batch(event(1)))
    assert isinstance(outcome, RetryLater)
    assert "cannot be written" in outcome.reason


def test_a_full_disk_leaves_the_file_as_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "events.jsonl"
    JsonlSink(path).send(batch(event(1)))

    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device", descriptor)

    monkeypatch.setattr("os.fsync", full)
    assert JsonlSink(path).send(batch(event(2))) == RetryLater(f"{path} cannot be written: No space left on device")
    assert written(path) == [1]


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX modes and links")
def test_only_the_owner_may_read_it_and_a_link_is_not_followed(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    JsonlSink(path).send(batch(event(1)))
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    target = tmp_path / "target"
    (tmp_path / "link.jsonl").symlink_to(target)
    assert isinstance(JsonlSink(tmp_path / "link.jsonl").send(batch(event(1))), RetryLater)
    assert not target.exists()
