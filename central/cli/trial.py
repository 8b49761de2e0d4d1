"""The whole chain on this machine: the endpoint on loopback with SQLite, and this machine's agent, which lets itself in.

Prints the address of the page of this device, and, while nobody has an account, a link that signs an administrator in once.
Ctrl-C ends both. The agent takes its settings from here and not from the system's place; its state folder is the usual one.
"""

import argparse
import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType

import uvicorn
from sqlalchemy import Engine, select

from agent.core.refusal import CannotStart
from central import app
from central.cli.serve import server_options
from central.config import Settings, load
from central.store import enrolling
from central.store.engine import reading, writing
from central.store.schema import devices

_KEY, _AGENT = "trial-enrolment-key", "trial-agent.toml"
_HOUR_S = 3_600.0
_PATIENCE_S = 120.0
_STOP_S = 20.0
_EVERY_S = 0.2


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the verb's own options."""
    parser.add_argument("--quiet-agent", action="store_true", help="do not print what the agent finds")


def run(arguments: argparse.Namespace) -> int:
    """Bring both up, until told to stop."""
    settings = load(arguments.settings)
    if settings.url.startswith("https:"):
        raise CannotStart("a trial listens on loopback without TLS: use `serve` with these settings")
    central = app.central(settings)
    print(f"The endpoint: {settings.url}", flush=True)
    link = app.first_link(settings, central.engine)
    server = _Server(uvicorn.Config(central.app, **server_options(settings)))
    agent = _Agent(settings, central.engine, server, link, ["--quiet"] if arguments.quiet_agent else [])
    server.before_exit = agent.stop
    agent.start()
    try:
        with contextlib.suppress(KeyboardInterrupt):  # which uvicorn repeats once it has ended: the way a trial ends
            server.run()
    finally:
        agent.stop()
    return 0 if server.started else 2


class _Server(uvicorn.Server):
    """Ends only after `before_exit`: the agent tells the endpoint that it ends."""

    before_exit: Callable[[], None] = staticmethod(lambda: None)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Hear a signal to end."""

        def end() -> None:
            self.before_exit()
            super(_Server, self).handle_exit(sig, frame)

        threading.Thread(target=end, name="ending", daemon=True).start()


@dataclass(eq=False)
class _Agent:
    """This machine's agent as a process of its own, started once the endpoint answers."""

    settings: Settings
    engine: Engine
    server: uvicorn.Server
    link: str | None
    options: Sequence[str]
    _process: "subprocess.Popen[bytes] | None" = field(default=None, init=False)
    _ending: threading.Event = field(default_factory=threading.Event, init=False)
    _thread: threading.Thread | None = field(default=None, init=False)

    def start(self) -> None:
        self._thread = threading.Thread(target=self._run, name="agent", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        self._ending.set()
        if self._thread is not None:
            self._thread.join(_STOP_S)
        if self._process is not None and self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)
            self._process.wait(_STOP_S)

    def _run(self) -> None:
        while not self.server.started:
            if self._ending.wait(_EVERY_S):
                return
        since = time.time()
        command = [*_program(), "run", "--settings", str(self._written()), *self.options]
        self._process = subprocess.Popen(command, start_new_session=True)  # Ctrl-C is for us, who end it in order
        device = self._device(since)
        if device is None:
            if not self._ending.is_set():
                print("The agent has not reported yet; `mcp-compliance status` says why.", flush=True)
            return
        page = f"/devices/{device}"
        print(f"This device:  {self.settings.url}{page}", flush=True)
        if self.link is not None:
            print(f"Sign in once, as administrator, within the hour: {self.link}?next={page}", flush=True)

    def _written(self) -> Path:
        """Write the agent's settings and a key that lets devices in for an hour; return the settings' path."""
        state, now = self.settings.state, time.time()
        with writing(self.engine) as connection:
            key = enrolling.new_key(connection, f"trial {now:.3f}", "trial", now, now + _HOUR_S)
        file, written = state / _KEY, state / _AGENT
        for path, text in (
            (file, key + "\n"),
            (written, f'[endpoint]\nurl = "{self.settings.url}/v1/events"\nenrolment_key_file = "{file}"\n'),
        ):
            path.unlink(missing_ok=True)
            with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as stream:
                stream.write(text)
        return written

    def _device(self, since: float) -> str | None:
        """Return the id of the device that reported since then."""
        until = time.monotonic() + _PATIENCE_S
        while time.monotonic() < until and not self._ending.wait(_EVERY_S):
            with reading(self.engine) as connection:
                found = connection.execute(select(devices.c.device).where(devices.c.contact_at >= since)).scalar()
            if found is not None:
                return str(found)
        return None


def _program() -> list[str]:
    beside = Path(sys.executable).with_name("mcp-compliance")
    return [str(beside)] if beside.is_file() else [sys.executable, "-c", "from agent.cli.main import entry; entry()"]
