"""The central endpoint under the load of a fleet: signs of life, a Monday morning, one server on many devices within a minute.

`python -m benchmarks.central [DEVICES]` plays so many (100,000 by default) for SQLite and for PostgreSQL. Those who report, the
program and its database share the cores of this machine: on cores of its own the program takes more.
"""

import contextlib
import os
import socket
import ssl
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil
import requests
import trustme
import uvloop
from sqlalchemy import Engine, func, insert, select, text

from benchmarks.fleet import Central, Laptop, Played, Says, Speech, laptops, play, speech
from benchmarks.measure import cpu_s, table
from central.core.device import Device
from central.core.envelope import hashed
from central.store.devices import row_of
from central.store.engine import engine_of, reading, writing
from central.store.migrating import migrate
from central.store.schema import credentials, devices, events
from tests.sim import postgres

DEVICES = 100_000
BEAT_EVERY_S = 300
STEADY_S = 30
MONDAY = 10_000
INCIDENT, INCIDENT_S = 10_000, 60
QUIET_DAYS, BEATS_A_DAY = 1_000, 10
_CHUNK = 5_000


@dataclass(frozen=True, slots=True)
class Occasion:
    """What happens: who reports, what, and how many are due in a second (None: as fast as they are taken)."""

    label: str
    devices: Sequence[Laptop]
    says: Says
    per_s: float | None = None
    tls: bool = False


def occasions(fleet: Sequence[Laptop], said: Speech) -> Iterator[Occasion]:
    """Yield what happens, one after the other."""
    beats = len(fleet) / BEAT_EVERY_S
    steady = fleet[: int(beats * STEADY_S)]
    yield Occasion("signs of life every 5 minutes", steady, lambda _: said.beat, beats)
    yield Occasion("the same, each on a TLS connection of its own", steady, lambda _: said.beat, beats, tls=True)
    back = (*said.beat, *said.inventory, *said.opened)
    yield Occasion("Monday morning, as fast as it goes", fleet[-MONDAY:], lambda _: back)
    hit, others = fleet[:INCIDENT], fleet[INCIDENT : INCIDENT + int(beats * INCIDENT_S)]
    everyone = _woven(hit, others)
    ill = {laptop.id for laptop in hit}
    found = (*said.inventory, *said.opened)
    yield Occasion(
        f"one server on {len(hit):,} devices in a minute",
        everyone,
        lambda laptop: found if laptop.id in ill else said.beat,
        len(everyone) / INCIDENT_S,
    )


@dataclass(eq=False)
class Stage:
    """One database, and how many copies of the program serve from it; `folder` keeps their settings."""

    label: str
    folder: Path
    url: str
    copies: int = 1
    database: psutil.Process | None = None
    authority: trustme.CA = field(default_factory=trustme.CA)

    @contextlib.contextmanager
    def serving(self, *, tls: bool = False) -> Iterator["Running"]:
        """Start the copies, wait until they are ready, and stop them at the end."""
        ports = [_free_port() for _ in range(self.copies)]
        context = self._context() if tls else None
        with contextlib.ExitStack() as running:
            processes = [running.enter_context(self._started(port, tls=tls)) for port in ports]
            central = Central("127.0.0.1", tuple(ports), context)
            yield Running(central, [psutil.Process(process.pid) for process in processes], self.database)

    @contextlib.contextmanager
    def _started(self, port: int, *, tls: bool) -> Iterator["subprocess.Popen[bytes]"]:
        settings = self.folder / f"{port}.toml"
        lines = [f'database = "{self.url}"', f'state_folder = "{self.folder}"', "[listen]", f"port = {port}"]
        if tls:
            lines += [f'tls_{kind}_file = "{self.folder / kind}.pem"' for kind in ("certificate", "key")]
        settings.write_text("\n".join(lines))
        program = str(Path(sys.executable).with_name("mcp-compliance-central"))
        command = [program, "--settings", str(settings), "serve", "--quiet"]
        with subprocess.Popen(command) as process:
            try:
                _await_ready(f"{'https' if tls else 'http'}://127.0.0.1:{port}/readyz", self.folder / "ca.pem")
                yield process
            finally:
                process.terminate()

    def _context(self) -> ssl.SSLContext:
        certificate = self.authority.issue_cert("127.0.0.1")
        certificate.cert_chain_pems[0].write_to_path(self.folder / "certificate.pem")
        certificate.private_key_pem.write_to_path(self.folder / "key.pem")
        self.authority.cert_pem.write_to_path(self.folder / "ca.pem")
        return ssl.create_default_context(cafile=self.folder / "ca.pem")


@dataclass(frozen=True, slots=True)
class Running:
    """The copies of the program; the memory and processor time of the database's server count as theirs."""

    central: Central
    copies: Sequence[psutil.Process]
    database: psutil.Process | None

    def cpu_s(self) -> float:
        """Return the processor seconds that all used so far."""
        return sum(cpu_s(process) for process in self._all())

    def memory_mb(self) -> float:
        """Return the proportional share of memory of all, in MB."""
        return sum(process.memory_full_info().pss for process in self._all()) / 1e6

    def _all(self) -> list[psutil.Process]:
        server = [] if self.database is None else [self.database, *self.database.children(recursive=True)]
        return [*self.copies, *server]


def main() -> None:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else DEVICES
    said = speech()
    rows: list[list[str]] = []
    sizes: list[list[str]] = []
    for stage in _stages():
        with stage as staged:
            _measure(staged, count, said, rows, sizes)
    print(f"\n{count:,} devices; {os.cpu_count()} cores for the program, its database and those who report\n")
    heads = ["database", "what happens", "batches/s", "events/s", "p50 ms", "p99 ms", "429", "cpu ms/batch", "MB"]
    table(heads, rows)
    print()
    table(["database", "bytes per enrolled device", "bytes per device and quiet day"], sizes)


def _stages() -> Iterator[contextlib.AbstractContextManager[Stage]]:
    yield _on_sqlite()
    if postgres.program("initdb") is None:
        print("PostgreSQL is not here; on Debian: apt install postgresql")
        return
    yield _on_postgres(1)
    yield _on_postgres(2)


@contextlib.contextmanager
def _on_sqlite() -> Iterator[Stage]:
    with tempfile.TemporaryDirectory() as folder:
        yield Stage("SQLite", Path(folder), f"sqlite:///{folder}/central.sqlite")


@contextlib.contextmanager
def _on_postgres(copies: int) -> Iterator[Stage]:
    with postgres.throwaway("shared_buffers=512MB") as cluster, tempfile.TemporaryDirectory() as folder:
        label = f"PostgreSQL, {copies} cop{'ies' if copies > 1 else 'y'}"
        yield Stage(label, Path(folder), cluster.fresh("fleet"), copies, psutil.Process(cluster.pid))


def _measure(stage: Stage, count: int, said: Speech, rows: list[list[str]], sizes: list[list[str]]) -> None:
    fleet = laptops(count)
    engine = engine_of(stage.url)
    migrate(engine)
    empty = _size(engine)
    _enrol(engine, fleet)
    enrolled = (_size(engine) - empty) / count
    kept = 0
    for occasion in occasions(fleet, said):
        played, row = _played(stage, occasion)
        kept += played.history
        rows.append([stage.label, occasion.label, *row])
        print(*rows[-1], dict(played.statuses), sep=" | ", flush=True)
    _verify(engine, kept)
    with stage.serving() as running:
        before = _size(engine)
        uvloop.run(_quiet_days(running.central, fleet[-QUIET_DAYS:], said))
    sizes.append([stage.label, f"{enrolled:,.0f}", f"{(_size(engine) - before) / min(count, QUIET_DAYS):,.0f}"])
    engine.dispose()


def _played(stage: Stage, occasion: Occasion) -> tuple[Played, list[str]]:
    with stage.serving(tls=occasion.tls) as running:
        before = running.cpu_s()
        played = uvloop.run(play(running.central, occasion.devices, occasion.says, occasion.per_s))
        used, memory = running.cpu_s() - before, running.memory_mb()
    batches = played.statuses[200]
    return played, [
        f"{batches / played.took_s:,.0f}",
        f"{played.events / played.took_s:,.0f}",
        f"{played.quantile(0.5):,.0f}",
        f"{played.quantile(0.99):,.0f}",
        f"{played.statuses[429]:,}",
        f"{used / batches * 1000:.2f}",
        f"{memory:,.0f}",
    ]


async def _quiet_days(central: Central, group: Sequence[Laptop], said: Speech) -> None:
    """Let each device live through a day on which one server is configured, found, and taken out again."""
    for events_said in (said.inventory, said.opened, said.closed, *[said.beat] * BEATS_A_DAY):
        await play(central, group, lambda _, events_said=events_said: events_said, None)  # type: ignore[misc]


def _verify(engine: Engine, kept: int) -> None:
    """Every event that was acknowledged and is no sign of life is there once."""
    with reading(engine) as connection:
        stored = connection.execute(select(func.count()).select_from(events)).scalar()
    if stored != kept:
        raise SystemExit(f"{kept} events were acknowledged and {stored} are stored")


def _enrol(engine: Engine, fleet: Sequence[Laptop]) -> None:
    now = time.time()
    for start in range(0, len(fleet), _CHUNK):
        group = fleet[start : start + _CHUNK]
        with writing(engine) as connection:
            connection.execute(insert(devices), [_device(laptop, now) for laptop in group])
            proofs = [{"device": each.id, "current": hashed(each.credential), "issued_at": now} for each in group]
            connection.execute(insert(credentials), proofs)


def _device(laptop: Laptop, now: float) -> Mapping[str, Any]:
    return row_of(Device(id=laptop.id, hostname=f"laptop-{laptop.id[:8]}", enrolled_at=now))


def _size(engine: Engine) -> int:
    """Return the bytes that the database takes, without what is still on its way to its place."""
    if engine.dialect.name == "sqlite":
        path = engine.url.database
        with engine.connect() as connection:
            connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
        return Path(path or "").stat().st_size
    with reading(engine) as connection:
        return int(connection.execute(text("SELECT pg_database_size(current_database())")).scalar() or 0)


def _woven(few: Sequence[Laptop], many: Sequence[Laptop]) -> list[Laptop]:
    """Return both, mixed evenly."""
    placed = [(index / len(group), laptop) for group in (few, many) if group for index, laptop in enumerate(group)]
    return [laptop for _, laptop in sorted(placed, key=lambda pair: pair[0])]


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


def _await_ready(url: str, ca: Path, within_s: float = 30) -> None:
    deadline = time.monotonic() + within_s
    while True:
        with contextlib.suppress(requests.RequestException):
            if requests.get(url, timeout=5, verify=str(ca) if ca.exists() else True).ok:
                return
        if time.monotonic() > deadline:
            raise SystemExit(f"{url} does not answer")
        time.sleep(0.1)


if __name__ == "__main__":
    main()
