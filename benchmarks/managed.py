"""Managed files: one sweep of every source for 20 users, and from a change to the committed deviation, over 60 changes.

A change adds an allow entry to the managed settings; the next one takes it back. Each counts as committed when another connection
sees that the deviation is open, or closed, in the journal.
"""

import json
import sqlite3
import time
from collections.abc import Callable
from pathlib import Path
from random import Random
from statistics import quantiles
from tempfile import TemporaryDirectory

from agent.catalog.rows import catalog
from agent.core.assess.managed import Ground, judge_managed
from agent.core.baseline.document import Baseline, written
from agent.core.baseline.record import record_of
from agent.core.baseline.trust import Memory
from agent.host.files import RootedFiles
from agent.host.permissions import guards_of
from agent.host.users import HomeUsers
from agent.sources.managed import ManagedSource, Surroundings
from benchmarks.laptop import watched
from benchmarks.measure import table
from benchmarks.tree import plant
from tests.e2e.daemon import journal
from tests.e2e.policies import LOCKED, MANAGED_SETTINGS

USERS, SWEEPS, CHANGES = 20, 200, 60
PAUSE_S = (0.3, 1.2)
PATIENCE_S = 30.0
NOW = 1_800_000_000.0


def main() -> None:
    wall, processor = _sweeps(time.perf_counter), _sweeps(time.process_time)
    rows = [
        [what, clock, *_figures(took)]
        for clock, sweeps in (("wall", wall), ("processor", processor))
        for what, took in zip(("reading every managed source", "and judging what was read"), sweeps, strict=True)
    ]
    table([f"one sweep, {USERS} users", "clock", "p50 ms", "p95 ms", "longest ms"], rows)
    table(
        ["", "p50 ms", "p95 ms", "longest ms"], [[f"{CHANGES} changes to committed deviation", *_figures(_changes())]]
    )


def _sweeps(clock: Callable[[], float]) -> tuple[list[float], list[float]]:
    """Return what reading, and reading with judging, took by `clock`; that of the processor hardly knows of other programs."""
    looked: list[float] = []
    judged: list[float] = []
    with TemporaryDirectory() as folder:
        root = Path(folder)
        plant(root, USERS, 1)
        _plant_policy(root)
        files = RootedFiles(root, "linux")
        around = Surroundings("/etc/mcp-compliance-agent/baselines", guards_of(root))
        source = ManagedSource(files, catalog()["claude-code"], around=around)
        users = HomeUsers(files).users()
        for _ in range(SWEEPS):
            start = clock()
            (look,) = source.look()
            seen = clock()
            judge_managed(look, users, Ground(memory=Memory(), now=NOW))
            judged.append(clock() - start)
            looked.append(seen - start)
    return looked, judged


def _plant_policy(root: Path) -> None:
    """Add drop-ins, managed-mcp.json and a baseline of them all."""
    etc = root / "etc/claude-code"
    (etc / "managed-settings.d").mkdir(exist_ok=True)
    for number in range(10):
        entries = [{"serverUrl": f"https://{number}-{at}.example.com/*"} for at in range(50)]
        (etc / f"managed-settings.d/{number}.json").write_text(json.dumps({"allowedMcpServers": entries}))
    (etc / "managed-mcp.json").write_text('{"mcpServers": {}}')
    (look,) = ManagedSource(RootedFiles(root, "linux"), catalog()["claude-code"]).look()
    records = [record for item in look.documents if (record := record_of(item, posix=True)) is not None]
    baselines = root / "etc/mcp-compliance-agent/baselines"
    baselines.mkdir(parents=True, exist_ok=True)
    (baselines / "one.json").write_text(written(Baseline(1, NOW, "linux", tuple(records))))


def _changes() -> list[float]:
    random = Random(1)
    took: list[float] = []
    with watched(own_processes=True) as (machine, _):
        file = machine.at(MANAGED_SETTINGS)
        good = file.read_text() if file.exists() else json.dumps(LOCKED)
        connection = sqlite3.connect(f"file:{journal(machine)}?mode=ro", uri=True)
        for number in range(CHANGES):
            changed = number % 2 == 0
            value = json.loads(good)
            value["allowedMcpServers"] = [*value.get("allowedMcpServers", []), {"serverCommand": [f"rogue-{number}"]}]
            start = time.perf_counter()
            fresh = file.with_name(".fresh")
            fresh.write_text(json.dumps(value) if changed else good)
            fresh.replace(file)
            _wait(lambda wanted=changed: _is_open(connection) is wanted)  # type: ignore[misc]  # bound now
            took.append(time.perf_counter() - start)
            time.sleep(random.uniform(*PAUSE_S))
        connection.close()
    return took


def _is_open(connection: sqlite3.Connection) -> bool:
    query = "SELECT 1 FROM deviations WHERE closed_at IS NULL AND control = 'managed-file.modified' AND subject = ?"
    return connection.execute(query, (MANAGED_SETTINGS,)).fetchone() is not None


def _wait(done: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not done():
        if time.monotonic() > deadline:
            raise TimeoutError(f"no answer of the daemon within {PATIENCE_S:.0f} s")
        time.sleep(0.001)


def _figures(seconds: list[float]) -> list[str]:
    cuts = quantiles(seconds, n=20, method="inclusive")
    return [f"{figure * 1000:.1f}" for figure in (cuts[9], cuts[18], max(seconds))]


if __name__ == "__main__":
    main()
