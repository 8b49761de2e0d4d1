"""A real PostgreSQL that is thrown away: a cluster in a temporary folder, on a Unix socket, run by an unprivileged user."""

import contextlib
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

_PROGRAMS = sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
_START_S = 30.0
_STOP_S = 20.0


def program(name: str) -> Path | None:
    """Return PostgreSQL's program `name` (`initdb`, `postgres`, `pg_dump` …), None where it is not installed."""
    for folder in _PROGRAMS:
        if (folder / name).is_file():
            return folder / name
    found = shutil.which(name)
    return Path(found) if found else None


@dataclass(eq=False)
class Cluster:
    """A cluster in `folder`. It may be stopped and started again; its data stay until `throwaway` ends."""

    folder: Path
    owner: str | None
    settings: Sequence[str] = ()
    _server: "subprocess.Popen[bytes] | None" = field(default=None, init=False)

    def url(self, database: str = "postgres") -> str:
        """Return the URL of one of its databases, for SQLAlchemy."""
        return f"postgresql://postgres@/{database}?host={self.folder}"

    def fresh(self, name: str, template: str = "template0") -> str:
        """Make a database, empty or a copy of `template`, and return its URL."""
        statement = f"CREATE DATABASE {name} TEMPLATE {template}"
        self._run("psql", "-h", str(self.folder), "-U", "postgres", "-qc", statement, "postgres")
        return self.url(name)

    def drop(self, name: str) -> None:
        """Drop a database, whoever is connected to it."""
        self._run("psql", "-h", str(self.folder), "-U", "postgres", "-qc", f"DROP DATABASE {name} (FORCE)", "postgres")

    def create(self) -> None:
        """Make the cluster."""
        data = str(self.folder / "data")
        self._run("initdb", "-D", data, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync")

    def start(self) -> None:
        """Start the server, and wait until it answers."""
        options = [f"unix_socket_directories={self.folder}", "listen_addresses=", *self.settings]
        given = [word for option in options for word in ("-c", option)]
        with (self.folder / "log").open("ab") as log:
            self._server = subprocess.Popen(
                [_needed("postgres"), "-D", self.folder / "data", *given],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=self.folder,
                **self._as_owner(),
            )
        deadline = time.monotonic() + _START_S
        ready = [str(_needed("pg_isready")), "-q", "-h", str(self.folder), "-U", "postgres"]
        while subprocess.run(ready, check=False, cwd=self.folder).returncode != 0:
            if self._server.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError((self.folder / "log").read_text(errors="replace")[-2_000:])
            time.sleep(0.05)

    def stop(self, how: signal.Signals = signal.SIGINT) -> None:
        """Stop the server: SIGINT cuts its clients off (fast), SIGQUIT is a crash (immediate)."""
        if self._server is not None:
            self._server.send_signal(how)
            self._server.wait(_STOP_S)
            self._server = None

    @property
    def pid(self) -> int:
        """The server's first process; what serves connections are its children."""
        if self._server is None:
            raise RuntimeError("the server does not run")
        return self._server.pid

    def _run(self, name: str, *words: str) -> None:
        done = subprocess.run(
            [_needed(name), *words], check=False, capture_output=True, text=True, cwd=self.folder, **self._as_owner()
        )
        if done.returncode != 0:
            raise RuntimeError(f"{name}: {done.stderr or done.stdout}")

    def _as_owner(self) -> dict[str, Any]:
        """Return what makes a program of this one run as the owner of the cluster."""
        if self.owner is None:
            return {}
        return {"user": self.owner, "group": pwd.getpwnam(self.owner).pw_gid, "extra_groups": []}


@contextlib.contextmanager
def throwaway(*settings: str) -> Iterator[Cluster]:
    """Give a running cluster with `settings` (`name=value`); afterwards nothing of it is left.

    Raises:
        RuntimeError: PostgreSQL is not installed, or does not start; the message says which.
    """
    owner = None if os.geteuid() != 0 else _unprivileged()
    folder = Path(tempfile.mkdtemp(prefix="postgres-", dir="/tmp"))  # a socket's path has 107 bytes at most
    try:
        if owner is not None:
            shutil.chown(folder, owner)
        cluster = Cluster(folder, owner, settings)
        cluster.create()
        cluster.start()
        try:
            yield cluster
        finally:
            cluster.stop(signal.SIGQUIT)  # it is thrown away: nothing needs to be on the disk
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _unprivileged() -> str:
    """Return a user to run the server as; PostgreSQL refuses to be root."""
    for name in ("postgres", "nobody"):
        with contextlib.suppress(KeyError):
            return pwd.getpwnam(name).pw_name
    raise RuntimeError("PostgreSQL does not run as root, and there is neither a user postgres nor nobody")


def _needed(name: str) -> Path:
    found = program(name)
    if found is None:
        raise RuntimeError(f"PostgreSQL's {name} is not here; on Debian: apt install postgresql")
    return found
