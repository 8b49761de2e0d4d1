"""What the disk can do to the journal: damage it, fill up, come back. Nothing is half written, and health can say why."""

import contextlib
import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from agent.core.ledger import ChangeKind
from agent.core.observation import ManagedLook
from agent.ports import StoreError
from agent.runtime.budgets import Budgets
from agent.runtime.mailbox import Mailbox
from agent.runtime.pipeline import Pipeline, Stages
from agent.store.journal import Journal
from tests.sim.clock import ManualClock
from tests.sim.deviations import encode, findings, heartbeat


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "journal.db"


@pytest.fixture
def journal(path: Path) -> Iterator[Journal]:
    it = opened(path)
    yield it
    it.close()


def opened(path: Path) -> Journal:
    it = Journal(path, ManualClock().now)
    it.use_sinks(["central"])
    return it


def fill_disk(journal: Journal) -> None:
    """Let the file grow no further, and use up what is free in it."""
    with journal._database.reading() as connection:
        (pages,) = connection.execute("PRAGMA page_count").fetchone()
        connection.execute(f"PRAGMA max_page_count = {pages}")
    with contextlib.suppress(StoreError):
        for number in range(100):
            journal.append([heartbeat(number, "x" * 2_000)], 0.0)


def empty_disk(journal: Journal) -> None:
    with journal._database.reading() as connection:
        connection.execute("PRAGMA max_page_count = 1000000")


def sequences(journal: Journal) -> list[int]:
    batch = journal.pending("central", 1_000, 10_000_000)
    return [event["metadata"]["sequence"] for event in batch.events] if batch else []


def test_a_full_disk_stores_neither_state_nor_event_and_both_once_there_is_room(journal: Journal) -> None:
    journal.commit(findings(["old"]), 1.0, encode)
    fill_disk(journal)
    before = sequences(journal)
    subjects = ["old", *(f"new-{number}-{'x' * 500}" for number in range(20))]
    with pytest.raises(StoreError, match="full"):
        journal.commit(findings(subjects), 2.0, encode)
    assert [record.deviation.label for record in journal.open_deviations()] == ["old"]
    assert sequences(journal) == before
    empty_disk(journal)
    changes = journal.commit(findings(subjects), 3.0, encode)
    assert [change.kind for change in changes] == [ChangeKind.OPENED] * 20
    assert sequences(journal) == list(range(1, len(before) + 21))


def test_a_full_disk_is_a_problem_of_the_pipeline_that_health_can_show_and_it_passes(journal: Journal) -> None:
    class Judged:
        findings = findings([f"{number}-{'x' * 500}" for number in range(20)])

    problems: list[str | None] = []
    stages = Stages(lambda _: Judged(), encode, lambda _: None, lambda _, problem: problems.append(problem))
    pipeline = Pipeline(Mailbox(30.0), journal, ManualClock(), stages, Budgets())
    fill_disk(journal)
    pipeline.step({"managed": [ManagedLook("/etc")]})
    empty_disk(journal)
    pipeline.step({})
    assert ["full" in (problem or "") for problem in problems] == [True, False]
    assert len(journal.open_deviations()) == 20


@pytest.mark.skipif(sys.platform != "linux" or shutil.which("unshare") is None, reason="a disk of its own, on Linux")
def test_a_disk_that_is_really_full_costs_nothing_but_time(tmp_path: Path) -> None:
    command = ["unshare", "--mount", "--map-root-user", sys.executable, "-m", "tests.sim.full_disk", str(tmp_path)]
    done = subprocess.run(
        command, cwd=Path(__file__).parents[2], capture_output=True, text=True, check=False, timeout=60
    )
    if "Operation not permitted" in done.stderr or "permission denied" in done.stderr:
        pytest.skip("this system gives nobody a mount namespace")
    found = json.loads(done.stdout)
    assert "full" in found["while full"]["commit"], found
    assert "No space left on device" in found["while full"]["report"]
    assert found["while full"]["status"] == "before"
    assert found["open while full"] == ["old"]
    assert found["with room again"] == {"commit": "stored", "report": "taken", "status": "yyyyyy"}
    assert (found["open at last"], found["set aside"]) == (41, False)
    assert found["reported"] == list(range(1, 42))


@pytest.mark.parametrize("damage", ["garbage", "truncated", "overwritten"])
def test_a_damaged_file_is_set_aside_and_the_findings_are_established_anew(path: Path, damage: str) -> None:
    first = opened(path)
    device = first.device_id
    first.commit(findings([f"{number}" for number in range(200)]), 1.0, encode)
    first.close()
    whole = path.read_bytes()
    bad = {
        "garbage": b"garbage " * 1_000,
        "truncated": whole[: len(whole) // 2],
        "overwritten": whole[:8_192] + b"\xff" * (len(whole) - 8_192),
    }[damage]
    path.write_bytes(bad)
    second = opened(path)
    assert second.recovery is not None
    assert second.recovery.kept_as is not None
    assert second.recovery.kept_as.read_bytes() == bad
    assert second.open_deviations() == ()
    assert len(second.commit(findings(["1", "2"]), 2.0, encode)) == 2
    assert sequences(second) == [1, 2]
    if damage == "overwritten":  # where the id can still be read
        assert second.device_id == device
    second.close()


@pytest.mark.skipif(sys.platform == "win32", reason="an open file cannot be overwritten there")
def test_damage_while_it_is_open_costs_one_commit_and_the_next_one_starts_afresh(path: Path) -> None:
    journal = opened(path)
    journal.commit(findings([f"{number}-{'x' * 1_000}" for number in range(50)]), 1.0, encode)
    with journal._database.reading() as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        connection.execute("PRAGMA shrink_memory")
    with path.open("r+b") as stream:
        stream.seek(4_096)
        stream.write(b"\xff" * (path.stat().st_size - 4_096))
    with pytest.raises(StoreError, match="damaged"):
        journal.commit(findings(["new"]), 2.0, encode)
    changes = journal.commit(findings(["new"]), 3.0, encode)
    assert [change.kind for change in changes] == [ChangeKind.OPENED]
    assert journal.recovery is not None
    assert sequences(journal) == [1]
    journal.close()


def test_an_older_copy_that_is_put_back_tells_other_batches_under_other_ids(path: Path) -> None:
    first = opened(path)
    first.commit(findings(["a"]), 1.0, encode)
    first.close()
    copy = path.read_bytes()
    ids = []
    for subject in ("b", "c"):
        path.write_bytes(copy)
        journal = opened(path)
        journal.commit(findings(["a", subject]), 2.0, encode)
        batch = journal.pending("central", 10, 10_000)
        assert batch is not None
        ids.append((batch.id, batch.last_sequence))
        journal.close()
    assert ids[0][1] == ids[1][1] == 2
    assert ids[0][0] != ids[1][0]
