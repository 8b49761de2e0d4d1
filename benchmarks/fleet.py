"""A fleet that reports: many devices played by one process, each with its own credential, numbering and hash chain.

What they say is written once by the agent's own encoders and given to each device with its id, its place in its chain and the
time. A request's latency counts from when it was due, so that a server that falls behind cannot hide it.
"""

import asyncio
import gzip
import hashlib
import ssl
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson

from tests.sim.deviations import findings
from tests.sim.reporter import Reporter
from tests.sim.statuses import server

GENESIS = "0" * 64
BEAT = 5001
_CONNECTIONS = 128
_RETRIES = 50
_OK, _BUSY = 200, 429

Says = Callable[["Laptop"], "Sequence[Mapping[str, Any]]"]


@dataclass(slots=True, eq=False)
class Laptop:
    """One device: its id, its credential, and the end of its hash chain."""

    id: str
    credential: str
    sequence: int = 0
    head: str = GENESIS

    def request(self, events: Iterable[Mapping[str, Any]]) -> bytes:
        """Return `events` as the next batch of this device: an HTTP request, ready to be sent."""
        lines = [self._line(event) for event in events]
        body = gzip.compress(b"\n".join(lines) + b"\n", 6, mtime=0)
        head = (
            "POST /v1/events HTTP/1.1\r\nHost: central\r\nContent-Type: application/x-ndjson\r\n"
            f"Content-Encoding: gzip\r\nContent-Length: {len(body)}\r\nAuthorization: Bearer {self.credential}\r\n"
            f"X-Device-Id: {self.id}\r\nIdempotency-Key: {self.head[:32]}\r\nX-Timestamp: {int(time.time())}\r\n\r\n"
        )
        return head.encode() + body

    def _line(self, event: Mapping[str, Any]) -> bytes:
        self.sequence += 1
        line = orjson.dumps(
            {
                **event,
                "time": int(time.time() * 1000),
                "device": {**event["device"], "uid": self.id},
                "metadata": {**event["metadata"], "sequence": self.sequence, "uid": f"{self.id}-{self.sequence}"},
                "unmapped": {**event["unmapped"], "chain": {"journal": self.id, "previous": self.head}},
            }
        )
        self.head = hashlib.sha256(line).hexdigest()
        return line


def laptops(count: int) -> list[Laptop]:
    """Return so many devices that nobody has heard of yet."""
    return [
        Laptop(f"{number:08x}-0000-4000-8000-000000000000", f"credential-{number:x}-{'x' * 24}")
        for number in range(count)
    ]


@dataclass(frozen=True, slots=True)
class Speech:
    """What a device says on an occasion, as the agent's encoders wrote it."""

    beat: tuple[Mapping[str, Any], ...]
    inventory: tuple[Mapping[str, Any], ...]
    opened: tuple[Mapping[str, Any], ...]
    closed: tuple[Mapping[str, Any], ...]


def speech() -> Speech:
    """Have the agent's journal write a sign of life, an inventory of two servers, and a deviation that opens and closes."""
    with tempfile.TemporaryDirectory() as folder:
        laptop = Reporter(Path(folder))
        laptop.now = time.time()

        def said() -> tuple[Mapping[str, Any], ...]:
            batch = laptop.batch()
            laptop.taken(batch)
            return tuple(batch.events)

        laptop.beats("deviating")
        beat = said()
        laptop.has(server("ann"), server("bob"))
        inventory = said()
        laptop.finds(findings(["npx unreviewed-server"]))
        opened = said()
        laptop.finds(findings())
        closed = said()
        laptop.journal.close()
    return Speech(beat, inventory, opened, closed)


@dataclass(eq=False)
class Played:
    """What came of it: latencies in seconds, statuses, acknowledged events, and those of them that are no signs of life."""

    took_s: float = 0.0
    latencies: list[float] = field(default_factory=list)
    statuses: Counter[int] = field(default_factory=Counter)
    events: int = 0
    history: int = 0

    def quantile(self, share: float) -> float:
        """Return the latency that `share` of all requests stayed below, in milliseconds."""
        ordered = sorted(self.latencies)
        return ordered[min(len(ordered) - 1, int(len(ordered) * share))] * 1000 if ordered else 0.0


@dataclass(frozen=True, slots=True)
class Central:
    """Where to report to. With `tls` each request takes a connection of its own, as a beat every five minutes does."""

    host: str
    ports: tuple[int, ...]
    tls: ssl.SSLContext | None = None


async def play(central: Central, devices: Sequence[Laptop], says: Says, per_s: float | None) -> Played:
    """Let each device report once: `per_s` of them are due in a second, or (None) as fast as they are taken."""
    played = Played()
    free: asyncio.LifoQueue[_Connection] = asyncio.LifoQueue()
    for number in range(_CONNECTIONS):
        free.put_nowait(_Connection(central, central.ports[number % len(central.ports)]))
    began = time.perf_counter()
    async with asyncio.TaskGroup() as reporting:
        for number, device in enumerate(devices):
            due = began + number / per_s if per_s else None
            if due is not None and (wait := due - time.perf_counter()) > 0:
                await asyncio.sleep(wait)
            connection = await free.get()
            reporting.create_task(_report(connection, free, device, says(device), due, played))
    played.took_s = time.perf_counter() - began
    while not free.empty():
        free.get_nowait().close()
    return played


async def _report(
    connection: "_Connection",
    free: "asyncio.LifoQueue[_Connection]",
    device: Laptop,
    events: Sequence[Mapping[str, Any]],
    due: float | None,
    played: Played,
) -> None:
    start = due if due is not None else time.perf_counter()
    request = device.request(events)
    status, retry_after = await connection.send(request)
    for _ in range(_RETRIES):
        played.statuses[status] += 1
        if status != _BUSY:
            break
        await asyncio.sleep(retry_after)
        status, retry_after = await connection.send(request)
    if status == _OK:
        played.events += len(events)
        played.history += sum(event["class_uid"] != BEAT for event in events)
    played.latencies.append(time.perf_counter() - start)
    free.put_nowait(connection)


@dataclass(slots=True, eq=False)
class _Connection:
    """Kept open between requests, and opened anew where the server has closed it meanwhile."""

    central: Central
    port: int
    streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def send(self, request: bytes) -> tuple[int, float]:
        """Return the status and the `Retry-After` of the answer."""
        if self.streams is None or self.streams[0].at_eof():
            self.close()
            self.streams = await asyncio.open_connection(self.central.host, self.port, ssl=self.central.tls)
        reader, writer = self.streams
        writer.write(request)
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        fields = {
            name.lower(): value.strip() for name, _, value in (line.partition(":") for line in head.split("\r\n"))
        }
        await reader.readexactly(int(fields["content-length"]))
        if self.central.tls is not None:
            self.close()
        return int(head.split(" ", 2)[1]), float(fields.get("retry-after", 1))

    def close(self) -> None:
        if self.streams is not None:
            self.streams[1].close()
            self.streams = None
