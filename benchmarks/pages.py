"""What people ask of a large fleet: how long central takes to answer each page, and what keeping the sums of the servers costs.

`python -m benchmarks.pages [DEVICES]` makes so many (30,000 by default), each with eight servers: of three hundred common ones,
the most common on most of the fleet, and one in twenty that nobody else has. Times are of the answer, without HTTP and HTML.
"""

import contextlib
import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random
from statistics import median
from typing import Any

import psutil
from sqlalchemy import Engine, insert

from agent.core.documents import plain
from benchmarks.measure import cpu_s, table
from central.asking.ask import Ask
from central.core.access import PERMISSIONS, Asker, Role
from central.core.device import Device, identity_of
from central.core.fleet import Terms
from central.store.devices import row_of
from central.store.engine import engine_of, reading, writing
from central.store.migrating import migrate
from central.store.schema import deviations, devices, known_servers, servers
from central.store.summing import sum_up
from central.web.tables import QUESTIONS
from tests.sim import postgres

DEVICES, EACH, COMMON = 30_000, 8, 300
RUNS = 7
_CHUNK = 2_000
_ASKER = Asker("benchmark", "person", PERMISSIONS[Role.SOC])
ASKED: tuple[tuple[str, dict[str, str]], ...] = (
    ("/", {}),
    ("/devices", {}),
    ("/devices", {"q": "laptop-012"}),
    ("/alerts", {}),
    ("/servers", {}),
    ("/servers", {"verdict": "blocked"}),
    ("/servers", {"q": "mcp-server-1"}),
)


def main() -> None:
    """Measure on both databases."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else DEVICES
    rows: list[list[str]] = []
    for stage in (_on_sqlite, _on_postgres):
        with stage() as (label, url, database):
            engine = engine_of(url)
            migrate(engine)
            fill(engine, count, time.time())
            rows += [[label, *row] for row in measured(engine, database)]
            engine.dispose()
    print(f"\n{count:,} devices with {EACH} servers each; load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores\n")
    table(["database", "what", "ms", "cpu ms"], rows)


def measured(engine: Engine, database: psutil.Process | None) -> Iterator[list[str]]:
    """Yield (what, milliseconds, of processor time) of each question."""
    yield ["summing up the servers for the first time", *timed(lambda: sum_up(engine, time.time()), database, 1)]
    yield ["summing them up again", *timed(lambda: sum_up(engine, time.time()), database)]
    most = identity_of(("npx", "-y", "mcp-server-0"), None)
    for path, given in (*ASKED, ("/servers/{server}", {"server": most})):
        question = next(each for each in QUESTIONS if each.path == path)
        place, params = ({}, question.params.model_validate(given)) if "{" not in path else (given, question.params())

        def ask(question: Any = question, params: Any = params, place: Any = place) -> None:  # noqa: ANN401 - a row
            with reading(engine) as connection:
                plain(question.answer(Ask(connection, _ASKER, params, time.time(), Terms(), place)))

        said = "&".join(f"{name}={value}" for name, value in given.items())
        yield [path + (f"?{said}" if "{" not in path and said else ""), *timed(ask, database)]


def timed(work: Callable[[], None], database: psutil.Process | None, runs: int = RUNS) -> tuple[str, str]:
    """Return the median of wall milliseconds and the mean of processor milliseconds; those of the database's server count."""
    walls, used = [], []
    for _ in range(runs):
        began, before = time.perf_counter(), _cpu(database)
        work()
        walls.append(time.perf_counter() - began)
        used.append(_cpu(database) - before)
    return f"{median(walls) * 1000:,.0f}", f"{sum(used) / runs * 1000:,.0f}"


def fill(engine: Engine, count: int, now: float) -> None:
    """Make the fleet."""
    random = Random(1)
    weights = [1 / (rank + 1) for rank in range(COMMON)]
    seen: dict[str, dict[str, Any]] = {}
    for start in range(0, count, _CHUNK):
        fleet, had, wrong = [], [], []
        for number in range(start, min(start + _CHUNK, count)):
            device = f"00000000-0000-4000-8000-{number:012}"
            bad = number % 20 == 0
            fleet.append(_device(device, number, bad, now))
            chosen = random.choices(range(COMMON), weights, k=EACH)
            for index, rank in enumerate(chosen):
                own = random.random() < 1 / 20
                row = _server(
                    device, f"user{number}", f"own-{number}-{index}" if own else f"mcp-server-{rank}", index, now
                )
                had.append(row)
                first = {"identity": row["identity"], "what": row["what"], "device": device, "first_seen": now}
                seen.setdefault(row["identity"], first)
            if bad:
                wrong.append(_deviation(device, had[-1]["what"], now))
        with writing(engine) as connection:
            connection.execute(insert(devices), fleet)
            connection.execute(insert(servers), had)
            connection.execute(insert(deviations), wrong)
    with writing(engine) as connection:
        connection.execute(insert(known_servers), list(seen.values()))
    with engine.connect() as connection:
        connection.execution_options(isolation_level="AUTOCOMMIT").exec_driver_sql("ANALYZE")


def _device(device: str, number: int, bad: bool, now: float) -> dict[str, Any]:  # noqa: FBT001 - a column
    state = "deviating" if bad else "compliant"
    held = Device(id=device, hostname=f"laptop-{number:06}", enrolled_at=now - 86_400)
    told = {
        "contact_at": now,
        "told_at": now,
        "state": state,
        "state_since": now,
        "agent_version": "1.4.0",
        "os": "Linux",
    }
    return {**row_of(held), **told, "policy_digest": "d1" * 32}


def _server(device: str, user: str, package: str, index: int, now: float) -> dict[str, Any]:
    command = ("npx", "-y", package)
    return {
        "device": device,
        "key": f"claude-code:{user}:user:{index}",
        "identity": identity_of(command, None),
        "what": " ".join(command),
        "name": package,
        "client": ("claude-code", "cursor", "vscode")[index % 3],
        "user": user,
        "transport": "stdio",
        "version": f"1.{len(package) % 4}.0",
        "verdict": ("allowed", "allowed", "allowed", "blocked", "undetermined")[len(package) * 7 % 5],
        "facts": {
            "reason": "An allow entry matches.",
            "file": f"/home/{user}/.claude.json",
            "enforced_by_client": True,
        },
        "first_seen": now,
        "told_at": now,
    }


def _deviation(device: str, what: str, now: float) -> dict[str, Any]:
    return {
        "device": device,
        "uid": f"u-{device}",
        "opened_at": now,
        "source": "agent",
        "control": "server.unapproved.running",
        "severity": "high",
        "rank": 1,
        "label": what,
        "title": "A running server matches no approved entry",
        "evidence": [],
        "cause": what,
        "alert": True,
        "told_at": now,
        "last_seen": now,
        "received_at": now,
    }


def _cpu(database: psutil.Process | None) -> float:
    server = [] if database is None else [database, *database.children(recursive=True)]
    return sum(cpu_s(process) for process in (psutil.Process(), *server))


@contextlib.contextmanager
def _on_sqlite() -> Iterator[tuple[str, str, None]]:
    with tempfile.TemporaryDirectory() as folder:
        yield "SQLite", f"sqlite:///{Path(folder) / 'central.sqlite'}", None


@contextlib.contextmanager
def _on_postgres() -> Iterator[tuple[str, str, psutil.Process]]:
    with postgres.throwaway("shared_buffers=512MB") as cluster:
        yield "PostgreSQL", cluster.fresh("fleet"), psutil.Process(cluster.pid)


if __name__ == "__main__":
    main()
