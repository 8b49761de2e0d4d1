"""The real agent and an endpoint whose database is put back from a backup: what closed meanwhile is closed there again."""

import shutil
import sqlite3
import subprocess
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from sqlalchemy import Engine, select

from central.store.engine import engine_of, reading
from central.store.schema import deviations, servers
from tests.e2e.conftest import StartDaemon
from tests.e2e.daemon import SETTINGS, until
from tests.e2e.machine import HOME, Machine
from tests.e2e.policies import MANAGED_SETTINGS, TIME_ONLY, deploy
from tests.sim.postgres import Cluster, program, throwaway
from tests.sim.serving import Served, serving

pytestmark = pytest.mark.e2e

Restore = Callable[[], None]

_CONFIG = '{{"mcpServers": {{"{0}": {{"command": "npx", "args": ["-y", "unreviewed-{0}"]}}}}}}'
_TELLS_S = 90.0  # a sign of life is looked for twice a minute


@pytest.fixture(params=["sqlite", "postgresql"])
def served(request: pytest.FixtureRequest, machine: Machine, tmp_path: Path) -> Iterator[tuple[Served, Engine, object]]:
    folder = "/etc/mcp-compliance-agent"
    with ExitStack() as stack:
        cluster = stack.enter_context(throwaway()) if request.param == "postgresql" else None
        database = cluster.fresh("central") if cluster is not None else None
        central = stack.enter_context(serving(tmp_path / "central", database))
        machine.write(f"{folder}/key", central.key).chmod(0o600)
        url = f"{central.url}/v1/events"
        machine.write(SETTINGS, f'[endpoint]\nurl = "{url}"\nenrolment_key_file = "{folder}/key"\n')
        engine = engine_of(database or f"sqlite:///{central.state / 'central.sqlite'}")
        stack.callback(engine.dispose)
        yield central, engine, cluster


def backed_up(central: Served, cluster: object, folder: Path) -> Restore:
    """Back the database up as packaging/central/README.md says; return what puts the backup back while central is stopped."""
    if isinstance(cluster, Cluster):
        reach = ["-h", str(cluster.folder), "-U", "postgres"]
        dump = folder / "central.dump"
        _run("pg_dump", *reach, "--format=custom", f"--file={dump}", "central")

        def put_back() -> None:
            cluster.drop("central")
            cluster.fresh("central")
            _run("pg_restore", *reach, "--exit-on-error", "--dbname=central", str(dump))

        return put_back
    file, copy = central.state / "central.sqlite", folder / "backup.sqlite"
    with sqlite3.connect(file) as live, sqlite3.connect(copy) as kept:
        live.backup(kept)
    live.close()
    kept.close()

    def restore() -> None:
        for ending in ("-wal", "-shm"):
            file.with_name(f"{file.name}{ending}").unlink(missing_ok=True)
        shutil.copyfile(copy, file)

    return restore


def _run(name: str, *words: str) -> None:
    subprocess.run([str(program(name)), *words], check=True, capture_output=True)


def test_a_deviation_that_was_closed_after_the_backup_is_closed_again_after_the_next_contact(
    machine: Machine, served: tuple[Served, Engine, object], start_daemon: StartDaemon, tmp_path: Path
) -> None:
    central, engine, cluster = served

    def known(table_of: str) -> set[str]:
        query = {
            "open": select(deviations.c.label).where(deviations.c.closed_at.is_(None), deviations.c.source == "agent"),
            "configured": select(servers.c.name).where(servers.c.gone_at.is_(None)),
        }[table_of]
        with reading(engine) as connection:
            return {
                word
                for word in ("first", "second", "third")
                if any(word in found for found in connection.execute(query).scalars())
            }

    deploy(machine, MANAGED_SETTINGS, TIME_ONLY)
    machine.write(f"{HOME}/.cursor/mcp.json", _CONFIG.format("first"))
    daemon = start_daemon(online=True)
    until("the first to be known", lambda: known("open") == known("configured") == {"first"})
    restore = backed_up(central, cluster, tmp_path)
    machine.write(f"{HOME}/.cursor/mcp.json", _CONFIG.format("second"))
    until("the first to be closed", lambda: known("open") == known("configured") == {"second"})
    central.stop()
    engine.dispose()
    restore()
    central.start()
    assert known("open") == known("configured") == {"first"}

    machine.write(f"{HOME}/.cursor/mcp.json", _CONFIG.format("third"))
    until("the next contact", lambda: "third" in known("open"))
    until("what holds", lambda: known("open") == known("configured") == {"third"}, _TELLS_S)
    assert daemon.stop() == 0
