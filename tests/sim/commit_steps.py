"""A program that kills copies of itself, one at each step of one change to a journal.

`python -m tests.sim.commit_steps FOLDER ACTION`: copies `FOLDER/start` to `FOLDER/0`, `FOLDER/1` … and in each lets a child carry
out ACTION on the journal in it, killed with SIGKILL at that step. A step is a statement, or a slice of the work within one.
Ends after the first child that got through; prints how many children there were.
"""

import os
import shutil
import signal
import sys
from collections.abc import Callable
from pathlib import Path

from agent.core.deviation import Findings
from agent.ports import Batch
from agent.store.journal import Journal
from tests.sim.deviations import KINDS, deviation, encode, heartbeat

INSTRUCTIONS_PER_STEP = 15

AFTER = Findings(
    present={d.key: d for d in (deviation("changes", text="It runs twice."), deviation("opens"), deviation("stays"))},
    looked=KINDS,
)


def commit(journal: Journal) -> None:
    journal.commit(AFTER, 2.0, encode)


def append(journal: Journal) -> None:
    journal.append([heartbeat(1), heartbeat(2)], 2.0)


def acknowledge(journal: Journal) -> None:
    batch = waiting(journal)
    journal.claim("central", batch)
    journal.acknowledge("central", batch)


def set_aside(journal: Journal) -> None:
    journal.set_aside("central", waiting(journal), "401")


def waiting(journal: Journal) -> Batch:
    batch = journal.pending("central", 100, 1_000_000)
    assert batch is not None
    return batch


ACTIONS: dict[str, Callable[[Journal], None]] = {
    action.__name__: action for action in (commit, append, acknowledge, set_aside)
}


def opened(folder: Path) -> Journal:
    journal = Journal(folder / "journal.db", lambda: 0.0, device="device-1")
    journal.use_sinks(["central"])
    return journal


def child(folder: Path, action: str, fatal_step: int) -> None:
    journal = opened(folder)
    steps = 0

    def step(*_: object) -> int:
        nonlocal steps
        if steps == fatal_step:
            os.kill(os.getpid(), signal.SIGKILL)
        steps += 1
        return 0

    with journal._database.reading() as connection:
        connection.set_trace_callback(step)
        connection.set_progress_handler(step, INSTRUCTIONS_PER_STEP)
    ACTIONS[action](journal)


def main(folder: str, action: str) -> int:
    for fatal_step in range(1_000):
        copy = Path(folder) / str(fatal_step)
        shutil.copytree(Path(folder) / "start", copy)
        pid = os.fork()
        if pid == 0:
            child(copy, action, fatal_step)
            os._exit(0)
        _, status = os.waitpid(pid, 0)
        if not os.WIFSIGNALED(status):
            print(fatal_step + 1)  # noqa: T201 - its answer
            return os.waitstatus_to_exitcode(status)
    return 1


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
