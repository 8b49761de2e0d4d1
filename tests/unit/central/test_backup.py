"""Backup and restore by the databases' own means, as packaging/central/README.md tells them."""

import sqlite3
import subprocess
from pathlib import Path

import pytest
from sqlalchemy import Engine

from central.core.receive import Taken
from central.store.engine import engine_of
from central.store.migrating import migrate
from tests.sim.central import Receiver
from tests.sim.deviations import findings
from tests.sim.postgres import Cluster, program
from tests.sim.reporter import Reporter


def _reports(laptop: Reporter, receiver: Receiver, *subjects: str) -> Taken:
    laptop.finds(findings(subjects))
    (outcome,) = receiver.takes(laptop.sends())
    assert isinstance(outcome, Taken)
    return outcome


def _goes_on(laptop: Reporter, receiver: Receiver, restored: Engine, before: object) -> None:
    """What was backed up is there; the device goes on, and what was acknowledged after the backup shows as a gap."""
    receiver.engine = restored
    assert receiver.stored() == before
    outcome = _reports(laptop, receiver, "a", "b", "c")
    assert outcome.events == 2
    assert sum(line.missing for line in outcome.device.lines) == 4
    assert receiver.open() == {"a", "gone", "c"}
    asked = outcome.answer["restate"]
    laptop.journal.owe()
    laptop.finds(findings(["a", "b", "c"]))
    laptop.beats(restate=asked)
    receiver.takes(laptop.sends())
    assert receiver.open() == {"a", "b", "c"}, "what opened and what closed after the backup"


@pytest.mark.parametrize("shelf", ["sqlite"], indirect=True)
def test_sqlite_is_copied_while_it_runs_and_a_restored_one_goes_on(engine: Engine, tmp_path: Path) -> None:
    receiver, laptop = Receiver(engine), Reporter(tmp_path)
    receiver.admits(laptop)
    _reports(laptop, receiver, "a", "gone")
    before = receiver.stored()
    with sqlite3.connect(str(engine.url.database)) as live, sqlite3.connect(tmp_path / "backup.sqlite") as copy:
        live.backup(copy)  # what the shell's `.backup` calls
    live.close()
    copy.close()
    _reports(laptop, receiver, "a", "b")
    restored = engine_of(f"sqlite:///{tmp_path / 'backup.sqlite'}")
    migrate(restored)
    _goes_on(laptop, receiver, restored, before)
    restored.dispose()


def test_postgresql_is_dumped_while_it_runs_and_restored(cluster: Cluster, tmp_path: Path) -> None:
    engine = engine_of(cluster.fresh("central"))
    migrate(engine)
    receiver, laptop = Receiver(engine), Reporter(tmp_path)
    receiver.admits(laptop)
    _reports(laptop, receiver, "a", "gone")
    before = receiver.stored()
    dump, reach = tmp_path / "central.dump", ["-h", str(cluster.folder), "-U", "postgres"]
    _run("pg_dump", *reach, "--format=custom", f"--file={dump}", "central")
    _reports(laptop, receiver, "a", "b")
    engine.dispose()
    cluster.drop("central")
    restored = engine_of(cluster.fresh("central"))
    _run("pg_restore", *reach, "--exit-on-error", "--dbname=central", str(dump))
    migrate(restored)
    _goes_on(laptop, receiver, restored, before)
    restored.dispose()


def _run(name: str, *words: str) -> None:
    subprocess.run([str(program(name)), *words], check=True, capture_output=True)
