"""A program for tests, in a mount namespace of its own: the agent's journal, reports and status on a disk of one megabyte.

`python -m tests.sim.full_disk FOLDER` mounts it there, fills it, makes room again, and prints what came of each step as JSON.
"""

import contextlib
import json
import os
import subprocess
import sys
from pathlib import Path

from agent.ports import Accepted, StoreError
from agent.sinks.jsonl import JsonlSink
from agent.status.document import load, write
from agent.store.journal import Journal
from tests.sim.deviations import encode, findings

SINK = "jsonl"
MOST = [f"{number}-{'x' * 500}" for number in range(40)]


def main(folder: str) -> None:
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "none", folder], check=True)
    disk = Path(folder)
    journal, sink = Journal(disk / "journal.db", lambda: 1.0), JsonlSink(disk / "reports.jsonl")
    journal.use_sinks([SINK])
    journal.commit(findings(["old"]), 1.0, encode)
    write(disk, b'{"said": "before"}')
    fill(disk)
    steps: dict[str, object] = {"while full": attempt(journal, sink, disk)}
    steps["open while full"] = [record.deviation.label for record in journal.open_deviations()]
    (disk / "filler").unlink()
    steps["with room again"] = attempt(journal, sink, disk)
    steps["open at last"] = len(journal.open_deviations())
    journal.close()
    lines = (disk / "reports.jsonl").read_text().splitlines()
    steps["reported"] = [json.loads(line)["metadata"]["sequence"] for line in lines]
    again = Journal(disk / "journal.db", lambda: 2.0)
    steps["set aside"] = again.recovery is not None
    again.close()
    print(json.dumps(steps))  # noqa: T201 - its answer


def fill(disk: Path) -> None:
    """Leave no room at all."""
    with contextlib.suppress(OSError), (disk / "filler").open("wb", buffering=0) as stream:
        while True:
            stream.write(os.urandom(4_096))


def attempt(journal: Journal, sink: JsonlSink, disk: Path) -> dict[str, str]:
    """Try what the daemon does all day; return what came of it."""
    said = {}
    try:
        journal.commit(findings(["old", *MOST]), 2.0, encode)
        said["commit"] = "stored"
    except StoreError as error:
        said["commit"] = str(error)
    batch = journal.pending(SINK, 1_000, 1_000_000)
    outcome = sink.send(batch) if batch is not None else None
    said["report"] = "taken" if outcome == Accepted() else str(outcome)
    with contextlib.suppress(StoreError):
        if batch is not None and outcome == Accepted():
            journal.acknowledge(SINK, batch)
    with contextlib.suppress(OSError):
        write(disk, b'{"said": "%s"}' % (b"y" * 50_000))
    said["status"] = str(load(disk / "status.json")["said"])[:6]
    return said


if __name__ == "__main__":
    main(sys.argv[1])
