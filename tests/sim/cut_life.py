"""A program whose power is to be cut: an agent's files, from the first start on. `python -m tests.sim.cut_life FOLDER`.

It prints a line each time that something is done for good, so that what was promised can be held against what is there.
"""

import os
import sys
from pathlib import Path

from agent.core.baseline.trust import Memory
from agent.host.machine import device_id
from agent.ports import Accepted
from agent.sinks.jsonl import JsonlSink
from agent.status.document import write
from agent.store.anchor import drop
from agent.store.journal import JOURNAL, Journal
from agent.store.memory import save
from tests.sim.deviations import encode, findings, heartbeat

SINK = "jsonl"
REPORTS = "reports.jsonl"
ROUNDS = 4
_CHECKPOINT_PAGES = 16


def subjects(round_: int) -> list[str]:
    """What deviates in a round: one thing opens, and what opened two rounds ago closes."""
    return [f"s{number}" for number in range(max(1, round_ - 1), round_ + 1)]


def promise(text: str) -> None:
    os.write(1, f"{text}\n".encode())


def main(folder: str) -> None:
    state = Path(folder)
    device = device_id(state, create=True)
    promise(f"device {device}")
    journal = Journal(state / JOURNAL, lambda: 0.0, device=device)
    with journal._database.reading() as connection:
        connection.execute(f"PRAGMA wal_autocheckpoint = {_CHECKPOINT_PAGES}")
    journal.use_sinks([SINK])
    sink = JsonlSink(state / REPORTS, max_bytes=1_500)
    for number in range(1, ROUNDS + 1):
        journal.commit(findings(subjects(number)), float(number), encode)
        promise(f"committed {number}")
        journal.append([heartbeat(number, "x" * 3_000)], float(number), {"round": str(number)})
        promise(f"noted {number}")
        write(state, b'{"written_at": %d}' % number)
        drop(state, state / JOURNAL)
        if number % 2:
            save(state, Memory(latest=float(number)))
            promise(f"remembered {number}")
        batch = journal.pending(SINK, 100, 1_000_000)
        assert batch is not None
        journal.claim(SINK, batch)
        assert sink.send(batch) == Accepted()
        promise(f"delivered {batch.last_sequence}")
        journal.acknowledge(SINK, batch)
    journal.close()
    promise("closed")


if __name__ == "__main__":
    main(sys.argv[1])
