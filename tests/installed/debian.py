"""A whole Debian with systemd as its first process, started from a folder that stays as it is: what it writes, goes with it.

It has namespaces of its own for everything, and no network but the cable that a test plugs in.
"""

import contextlib
import os
import shlex
import signal
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path

import psutil

from tests.e2e.daemon import until

_ENVIRONMENT = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LANG": "C.UTF-8", "DEBIAN_FRONTEND": "noninteractive"}
_LONGEST_S = 120.0
_BOOT_S = 60.0
_OFF_S = 30.0

Done = subprocess.CompletedProcess[str]


class Debian:
    """The machine, booted. `mounts` are folders of the host, read-only, by the path at which the machine has them."""

    def __init__(self, base: Path, mounts: Mapping[str, Path], console: Path) -> None:
        binds = [f"--bind-ro={source}:{path}" for path, source in mounts.items()]
        command = ["systemd-nspawn", "--quiet", "--boot", "--register=no", "--keep-unit", "--private-network"]
        command += ["--system-call-filter=fanotify_init fanotify_mark"]  # which a machine has, and a container has not
        command += [f"--machine=laptop-{os.getpid()}", "--volatile=overlay", f"--directory={base}", *binds]
        with console.open("wb") as stream:
            self._nspawn = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=stream, stderr=subprocess.STDOUT, start_new_session=True
            )
        self._console = console
        try:
            self.leader = until("the machine's first process", self._first, _BOOT_S)
            until("the machine to have started", self._started, _BOOT_S)
        except AssertionError as error:
            told = console.read_text(errors="replace")
            self.close()
            raise AssertionError(f"{error}\n{told[-3000:]}") from None

    def run(self, *argv: str, user: str | None = None, stdin: str | None = None) -> Done:
        """Run `argv` on the machine, as root or as an ordinary user, to its end."""
        become = ["setpriv", f"--reuid={user}", f"--regid={user}", "--init-groups"] if user else []
        home = f"/home/{user}" if user else "/root"
        assignments = [f"{name}={value}" for name, value in {**_ENVIRONMENT, "HOME": home}.items()]
        enter = ["nsenter", f"--target={self.leader}", "--all"]
        return subprocess.run(
            [*enter, *become, "env", "-i", "-C", "/", *assignments, *argv],
            check=False,
            capture_output=True,
            text=True,
            input=stdin if stdin is not None else "",
            timeout=_LONGEST_S,
        )

    def must(self, *argv: str, user: str | None = None, stdin: str | None = None) -> str:
        """Run `argv`, which has to succeed, and return what it printed."""
        done = self.run(*argv, user=user, stdin=stdin)
        assert done.returncode == 0, f"{shlex.join(argv)}: {done.stdout[-2000:]}{done.stderr[-2000:]}"
        return done.stdout

    def write(self, path: str, content: str, *, owner: str = "root", mode: str = "0644") -> None:
        """Put a file on the machine; missing folders are its owner's too."""
        self.must("install", "-d", "-o", owner, "-g", owner, str(Path(path).parent))
        self.must("sh", "-c", f"umask 077; cat > {shlex.quote(path)}", stdin=content)
        self.must("chown", f"{owner}:{owner}", path)
        self.must("chmod", mode, path)

    def read(self, path: str) -> str:
        """Return what a file on the machine holds."""
        return self.must("cat", path)

    def start(self, *argv: str, user: str) -> None:
        """Leave `argv` running as an ordinary user, as a session's program would be."""
        self.must("systemd-run", "--quiet", f"--uid={user}", "--", *argv)

    def shows(self, unit: str, *names: str) -> dict[str, str]:
        """Return properties of a unit."""
        said = self.must("systemctl", "show", unit, *(f"--property={name}" for name in names))
        return dict(line.split("=", 1) for line in said.splitlines())

    def until(self, what: str, ask: Callable[[], object], patience_s: float = 30.0) -> None:
        """Wait until `ask` says yes."""
        try:
            until(what, lambda: ask() or None, patience_s)
        except AssertionError as error:
            told = self.run("sh", "-c", "mcp-compliance status --details; journalctl --no-pager -n 30")
            raise AssertionError(f"{error}\n{told.stdout}{told.stderr}") from None

    def close(self) -> None:
        """Switch it off; pull the plug where that takes too long."""
        if self._nspawn.poll() is None:
            self._nspawn.send_signal(signal.SIGTERM)
            try:
                self._nspawn.wait(_OFF_S)
            except subprocess.TimeoutExpired:
                os.killpg(self._nspawn.pid, signal.SIGKILL)
                self._nspawn.wait()

    def _first(self) -> int | None:
        if self._nspawn.poll() is not None:
            raise RuntimeError(f"systemd-nspawn ended: {self._console.read_text(errors='replace')[-2000:]}")
        with contextlib.suppress(psutil.NoSuchProcess):  # there is another child before it, which goes
            return next(
                (child.pid for child in psutil.Process(self._nspawn.pid).children() if child.name() == "systemd"), None
            )
        return None

    def _started(self) -> bool:
        return self.run("systemctl", "is-system-running").stdout.strip() in ("running", "degraded")
