"""The power is cut after every single thing that was asked of the disk; what was not synced is lost, whole or in part.

A real run is recorded, and every state in which the disk may be is looked at with the agent's own eyes: what was promised is
there, what is there is whole, and no state looks like damage or like somebody's doing.
"""

import json
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from random import Random

import pytest

from agent.core.canonical import canonical, digest
from agent.host.machine import UNREGISTERED, device_id
from agent.ports import Accepted
from agent.sinks.jsonl import JsonlSink
from agent.status.document import FILE_NAME
from agent.store.anchor import tampered
from agent.store.journal import JOURNAL, Journal
from agent.store.memory import load
from tests.sim.cut_life import REPORTS, ROUNDS, SINK, subjects
from tests.sim.deviations import encode, findings
from tests.sim.powerloss import State, Step, record, states

pytestmark = pytest.mark.skipif(
    sys.platform != "linux" or shutil.which("strace") is None, reason="strace records what is asked of the disk"
)

ROOT = Path(__file__).parents[2]
ENVIRONMENT = {"PATH": os.defpath, "PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1"}


@pytest.fixture(scope="module")
def life(tmp_path_factory: pytest.TempPathFactory) -> list[Step]:
    folder = tmp_path_factory.mktemp("life") / "state"
    folder.mkdir()
    command = [sys.executable, "-m", "tests.sim.cut_life", str(folder)]
    return record(command, folder, ENVIRONMENT, folder.parent / "trace")


def promised(state: State, what: str) -> str | None:
    """Return what was promised last of this kind."""
    told = [line.removeprefix(f"{what} ") for text in state.said for line in text.splitlines() if line.startswith(what)]
    return told[-1] if told else None


@pytest.fixture
def laid(tmp_path: Path) -> Iterator[Path]:
    """Where the states are laid out: in memory, if it can be, as nothing that is written there outlives its state."""
    memory = Path("/dev/shm")
    with tempfile.TemporaryDirectory(dir=memory if os.access(memory, os.W_OK) else tmp_path) as folder:
        yield Path(folder)


def test_whatever_the_disk_kept_what_was_promised_is_there_and_what_is_there_is_whole(
    life: Sequence[Step], laid: Path
) -> None:
    looked = 0
    for number, state in enumerate(states(life, Random(7))):
        folder = laid / str(number)
        state.lay(folder)
        try:
            hold(state, folder)
        except AssertionError as error:
            raise AssertionError(
                f"cut after {state.after} ({life[state.after - 1]!r:.90}), {state.how}: {error}"
            ) from error
        shutil.rmtree(folder)
        looked += 1
    assert looked > 500


def hold(state: State, folder: Path) -> None:
    assert device_id(folder, create=False) == (promised(state, "device") or device_id(folder, create=False))
    kept = load(folder).latest  # raises where the file looks like somebody's doing
    assert kept >= float(promised(state, "remembered") or 0)
    status = folder / FILE_NAME
    assert not status.exists() or json.loads(status.read_text())["written_at"] <= ROUNDS
    if promised(state, "device") is None:
        return
    if promised(state, "committed") is not None:
        assert tampered(folder, folder / JOURNAL) is None
    journal = Journal(folder / JOURNAL, lambda: 0.0, device=device_id(folder, create=False))
    try:
        hold_journal(state, folder, journal)
    finally:
        journal.close()


def hold_journal(state: State, folder: Path, journal: Journal) -> None:
    assert journal.recovery is None
    assert device_id(folder, create=False) != UNREGISTERED
    least = int(promised(state, "committed") or 0)
    found = [record.deviation.label for record in journal.open_deviations()]
    assert found in [subjects(least) if least else [], subjects(least + 1)]
    noted = int(journal.note("round") or 0)
    assert noted >= int(promised(state, "noted") or 0)
    journal.use_sinks([SINK])
    sink = JsonlSink(folder / REPORTS, max_bytes=1_500)
    while (batch := journal.pending(SINK, 100, 1_000_000)) is not None:
        journal.claim(SINK, batch)
        assert sink.send(batch) == Accepted()
        journal.acknowledge(SINK, batch)
    lines = [
        line for path in sorted(folder.glob(f"{REPORTS}*"), reverse=True) for line in path.read_text().splitlines()
    ]
    events = [json.loads(line) for line in lines]
    sequences = [event["metadata"]["sequence"] for event in events]
    last = journal.counters().last_sequence
    assert sequences == list(range(sequences[0], last + 1)) if sequences else last == 0
    assert all(
        event["unmapped"]["chain"]["previous"] == digest(line) for line, event in zip(lines, events[1:], strict=False)
    )
    assert all(line == canonical(event) for line, event in zip(lines, events, strict=True))
    next_round = max(least, noted) + 2
    assert journal.commit(findings(subjects(next_round)), float(next_round), encode)
