"""`mcp-compliance-central serve` as it is started: a process of its own on a free port of loopback."""

import contextlib
import hashlib
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import orjson
import requests

from tests.sim.reporter import Reporter

_UP_S = 60.0
_DOWN_S = 20.0
_ENTRY = "from central.cli.main import entry; entry()"


@dataclass(eq=False)
class Served:
    """One copy of the program. `state` holds its settings and, where `database` is None, its database."""

    state: Path
    database: str | None = None
    settings: Sequence[str] = ()
    verify: str | bool = True
    port: int = field(default=0, init=False)
    _process: "subprocess.Popen[str] | None" = field(default=None, init=False)

    @property
    def url(self) -> str:
        """Return its address."""
        return f"{'https' if isinstance(self.verify, str) else 'http'}://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Start it, and wait until it takes reports."""
        self.port = self.port or _free_port()
        self.state.mkdir(parents=True, exist_ok=True)
        file = self.state / "central.toml"
        file.write_text("\n".join(self._written()), encoding="utf-8")
        command = [sys.executable, "-c", _ENTRY, "--settings", str(file), "serve", "--quiet"]
        with (self.state / "log").open("ab") as log:
            self._process = subprocess.Popen(
                command, stdout=log, stderr=log, env={**os.environ, "PYTHONPATH": "."}, text=True
            )
        deadline = time.monotonic() + _UP_S
        while not self._ready():
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(self.log[-2_000:])
            time.sleep(0.05)

    def stop(self, how: signal.Signals = signal.SIGTERM) -> None:
        """End it."""
        if self._process is not None:
            self._process.send_signal(how)
            self._process.wait(_DOWN_S)
            self._process = None

    def admits(self, reporter: Reporter) -> None:
        """Let a device in with the organisation's key."""
        secret = hashlib.sha256(reporter.credential.encode()).hexdigest()
        said = {"device": reporter.id, "hostname": reporter.device.hostname, "credential_sha256": secret}
        self._post("/v1/enrolment", orjson.dumps(said), {"Authorization": f"Bearer {self.key}"}).raise_for_status()

    def takes(self, reporter: Reporter) -> None:
        """Take the next batch of a device, and acknowledge it there."""
        batch = reporter.batch()
        headers = {
            "Authorization": f"Bearer {reporter.credential}",
            "Content-Encoding": "gzip",
            "Idempotency-Key": batch.id,
            "X-Device-Id": reporter.id,
        }
        self._post("/v1/events", reporter.envelope(batch).body, headers).raise_for_status()
        reporter.taken(batch)

    def _post(self, path: str, body: bytes, headers: dict[str, str]) -> requests.Response:
        return requests.post(f"{self.url}{path}", body, headers=headers, timeout=20, verify=self.verify)

    @property
    def key(self) -> str:
        """Return the enrolment key that its first start made."""
        return (self.state / "enrolment-key").read_text(encoding="ascii").strip()

    @property
    def log(self) -> str:
        """Return all that it wrote."""
        return (self.state / "log").read_text(errors="replace")

    def _written(self) -> Iterator[str]:
        yield f'state_folder = "{self.state}"'
        if self.database is not None:
            yield f'database = "{self.database}"'
        yield "[listen]"
        yield f"port = {self.port}"
        yield from self.settings

    def _ready(self) -> bool:
        try:
            return requests.get(f"{self.url}/readyz", timeout=5, verify=self.verify).status_code == 200
        except requests.ConnectionError:
            return False


@contextlib.contextmanager
def serving(
    state: Path, database: str | None = None, settings: Sequence[str] = (), *, verify: str | bool = True
) -> Iterator[Served]:
    """Give a running copy; `settings` are lines of its file from `[listen]` on, `verify` the CA of its certificate."""
    served = Served(state, database, settings, verify)
    try:
        served.start()
        yield served
    finally:
        served.stop()


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])
