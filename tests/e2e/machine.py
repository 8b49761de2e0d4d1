"""A laptop of its own: a folder laid out like a machine, entered by private namespaces for mounts and processes.

Inside, the programs see `/etc`, `/home`, `/var` and the processes of the laptop, and `/usr` and the interpreter of the host, so
the paths that a client records are the paths that its user would read. Outside, the same folder serves `--root`. Nothing of the
host's own `/etc` and `/home` is touched, and nothing on the laptop has a network unless it asks for one. As an ordinary user all
this takes a user namespace, in which that user is both root and ann.
"""

import contextlib
import os
import shlex
import shutil
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import psutil

CHECKOUT = Path(__file__).parents[2]
COMMAND = str(CHECKOUT / ".venv/bin/mcp-compliance")
PRIVILEGED = os.geteuid() == 0
ROOT = 0
ANN = 4242 if PRIVILEGED else 0
HOME = "/home/ann"
PROJECT = f"{HOME}/proj"
_FROM_ETC = ("nsswitch.conf", "ld.so.cache", "localtime", "os-release", "hosts", "machine-id")
_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_LONGEST_RUN_S = 120.0
_LONGEST_START_S = 30.0


class Machine:
    """One laptop with the user ann and her project folder. Closing it ends whatever still runs there.

    `mounts` are folders of the host by the path at which the laptop has them; some it always has. With `own_processes` off it
    shares the host's process table, to which alone the kernel's process events belong.
    """

    def __init__(self, root: Path, mounts: Mapping[str, Path], *, own_processes: bool = True) -> None:
        self.root = root
        self._own_processes = own_processes
        _lay_out(root)
        self.mounts = {**_host_folders(), **mounts}
        self._keeper = _keeper(root, self.mounts, own_processes=own_processes)
        self._first = self.pid_of(self._keeper)

    def close(self) -> None:
        """Switch the laptop off."""
        self._keeper.communicate()
        if not self._own_processes:
            _end_all_in(self.root)

    def at(self, path: str) -> Path:
        """Return where a path of the laptop stands on the host."""
        return self.root / path.lstrip("/")

    def write(self, path: str, content: str | bytes, owner: int = ROOT) -> Path:
        """Put a file on the laptop; folders that are missing get the same owner."""
        target = self.at(path)
        self.folder(str(Path(path).parent), owner)
        target.write_bytes(content.encode() if isinstance(content, str) else content)
        _own(target, owner)
        return target

    def folder(self, path: str, owner: int = ROOT) -> Path:
        """Make a folder of the laptop, and those above it that are missing."""
        target = self.at(path)
        missing = [folder for folder in (target, *target.parents) if not folder.exists()]
        for folder in reversed(missing):
            folder.mkdir(mode=0o755)
            _own(folder, owner)
        return target

    def command(
        self,
        argv: Sequence[str],
        *,
        user: int = ROOT,
        folder: str = "/",
        environment: Mapping[str, str] | None = None,
        online: bool = False,
        network: int | None = None,
    ) -> list[str]:
        """Return the host's command that runs `argv` on the laptop; `pid_of` tells which process becomes `argv`.

        `online` is the host's network; `network` is a process of the host whose network it shares instead.
        """
        home = HOME if user == ANN else "/root"
        variables = {"HOME": home, "PATH": _PATH, "LANG": "C.UTF-8", **(environment or {})}
        enter = ["nsenter", f"--target={self._first}", "--mount", "--root", *(["--pid"] if self._own_processes else [])]
        if not PRIVILEGED:
            enter += ["--user", "--preserve-credentials"]
        if network is not None:
            enter.append(f"--net=/proc/{network}/ns/net")
        cut_off = [] if online or network is not None else ["unshare", "--net"]
        become = ["setpriv", f"--reuid={user}", f"--regid={user}", "--clear-groups"] if user else []
        assignments = [f"{name}={value}" for name, value in variables.items()]
        return [*enter, *cut_off, *become, "env", "-i", "-C", folder, *assignments, *argv]

    def run(
        self, argv: Sequence[str], *, user: int = ROOT, folder: str = "/", environment: Mapping[str, str] | None = None
    ) -> subprocess.CompletedProcess[str]:
        """Run `argv` on the laptop, without a network, to its end."""
        return _finished(self.command(argv, user=user, folder=folder, environment=environment))

    def pid_of(self, process: "subprocess.Popen[Any]") -> int:
        """Return the host's pid of the program that a command of this laptop runs; both end with the same status."""
        return _only_child(process) if self._own_processes else process.pid

    def examine(self, *argv: str) -> subprocess.CompletedProcess[str]:
        """Run mcp-compliance on the host, with this laptop as the root that it looks at."""
        as_root = [] if PRIVILEGED else ["unshare", "--map-root-user"]
        return _finished([*as_root, COMMAND, *argv, "--root", str(self.root)])


def _end_all_in(root: Path) -> None:
    """End the processes whose root folder this is."""
    for process in psutil.process_iter():
        with contextlib.suppress(OSError, psutil.Error):
            if Path(f"/proc/{process.pid}/root").readlink() == root:
                process.kill()


def _only_child(process: "subprocess.Popen[Any]") -> int:
    deadline = time.monotonic() + _LONGEST_START_S
    while time.monotonic() < deadline and process.poll() is None:
        for child in psutil.Process(process.pid).children():
            return child.pid
        time.sleep(0.01)
    raise RuntimeError(f"{process.args!r} did not start")


def _finished(command: Sequence[str]) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(
        command, check=False, capture_output=True, text=True, timeout=_LONGEST_RUN_S, stdin=subprocess.DEVNULL
    )
    assert "Traceback (most recent call last)" not in done.stderr, done.stderr
    return done


def _lay_out(root: Path) -> None:
    for folder in ("etc/claude-code", "home", "root", "tmp", "var/lib", "var/tmp"):
        (root / folder).mkdir(parents=True)
    (root / "tmp").chmod(0o1777)
    root.chmod(0o755)
    for home in (HOME, PROJECT):
        (root / home[1:]).mkdir(mode=0o755)
        _own(root / home[1:], ANN)
    accounts = {"root": (ROOT, "/root"), "ann": (ANN, HOME)} if PRIVILEGED else {"ann": (ANN, HOME)}
    passwd = [f"{name}:x:{uid}:{uid}::{home}:/bin/sh\n" for name, (uid, home) in accounts.items()]
    group = [f"{name}:x:{uid}:\n" for name, (uid, _) in accounts.items()]
    (root / "etc/passwd").write_text("".join(passwd))
    (root / "etc/group").write_text("".join(group))
    for name in _FROM_ETC:
        if Path("/etc", name).is_file():
            shutil.copy(Path("/etc", name), root / "etc" / name)


def _host_folders() -> dict[str, Path]:
    """Return what the laptop shares with the host: system programs, the interpreter, and this checkout."""
    shared = ["/usr", "/dev", "/sys", "/etc/ssl", "/etc/alternatives"]
    shared += [f"/{name}" for name in ("bin", "sbin", "lib", "lib32", "lib64") if not Path("/", name).is_symlink()]
    shared += [path for path in (sys.base_prefix, str(CHECKOUT)) if not path.startswith("/usr")]
    return {path: Path(path) for path in shared if Path(path).is_dir()}


def _keeper(root: Path, mounts: Mapping[str, Path], *, own_processes: bool) -> subprocess.Popen[str]:
    """Start the process that holds the namespace until its standard input ends."""
    for name in ("bin", "sbin", "lib", "lib32", "lib64"):
        if Path("/", name).is_symlink():
            (root / name).symlink_to(Path("/", name).readlink())
    script = ["set -e"]
    for path, source in mounts.items():
        (root / path[1:]).mkdir(parents=True, exist_ok=True)
        target = shlex.quote(str(root / path[1:]))
        script.append(f"mount --rbind {shlex.quote(str(source))} {target}")
        if PRIVILEGED and path not in ("/dev", "/sys"):
            script.append(f"mount -o remount,bind,ro {target}")
    (root / "proc").mkdir()
    proc = "-t proc proc" if own_processes else "--rbind /proc"
    script.append(f"mount {proc} {shlex.quote(str(root / 'proc'))}")
    inside = (
        "echo ready; cat; true"  # said from inside, so that nobody enters too early; a shell, since it reaps orphans
    )
    script.append(f"exec chroot {shlex.quote(str(root))} sh -c '{inside}'")
    namespace = ["unshare", "--mount", *(["--pid", "--fork", "--kill-child"] if own_processes else [])]
    namespace += [] if PRIVILEGED else ["--map-root-user"]
    keeper = subprocess.Popen(
        [*namespace, "sh", "-c", "\n".join(script)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert keeper.stdout is not None
    if keeper.stdout.readline() != "ready\n":
        keeper.communicate()
        raise RuntimeError("no private mount namespace is to be had here: run as root, or allow user namespaces")
    return keeper


def _own(path: Path, uid: int) -> None:
    if PRIVILEGED:
        os.chown(path, uid, uid)
