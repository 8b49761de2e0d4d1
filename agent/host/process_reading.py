"""Reads one process: what is cheapest to know of it, or everything that can be seen.

Of psutil `NoSuchProcess`, `ZombieProcess` and `AccessDenied` are expected, and `OSError`, as which it passes on what the system
says and it has no name for; anything else is a fault of this program.
"""

import sys
import time
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import replace
from typing import TypeVar

import psutil

from agent.core.commandline import honest
from agent.core.observation import Process
from agent.host.environment import Keeping
from agent.host.pulse import Pulse

if sys.platform == "linux":
    from agent.host.pulse_linux import GONE, read_command, read_program, read_pulse
    from agent.host.wires_linux import read_wires
else:
    from agent.host.pulse_psutil import GONE, read_command, read_program, read_pulse

    def read_wires(pids: Iterable[int]) -> Mapping[int, Mapping[int, str] | None]:
        """Nothing here tells which descriptors lead to another process."""
        return dict.fromkeys(pids)


__all__ = ["GONE", "LiveReader", "read_command", "read_pulse", "read_wires"]

_T = TypeVar("_T")


class LiveReader:
    """Single processes of this machine (`ProcessReader`). One caller at a time.

    `marks` are the names of environment variables that are looked for; besides them only names that change what runs are kept,
    and the values of those in `moving`, where they are paths. `names` tells who a uid is;
    without it a user is called by the number.
    """

    def __init__(
        self, marks: Collection[str] = (), moving: Collection[str] = (), names: Callable[[int], str] = str
    ) -> None:
        self._keeping, self._names = Keeping(marks, moving), names

    def command(self, pid: int) -> tuple[str, ...]:
        """Return the words of the command line."""
        return read_command(pid)

    def parent(self, pid: int) -> int | None:
        """Return the pid of the parent."""
        pulse = read_pulse(pid)
        return None if pulse is None else pulse.ppid

    def read(self, pid: int, command: tuple[str, ...] | None = None) -> Process | None:
        """Return the process, with the descriptors that lead to its parent as both hold them now.

        With a `command` that was read before, it may be gone by the end: what it holds open is read first, being gone first. What
        has given that up already is None.
        """
        own = read_wires((pid,))[pid]
        pulse = read_pulse(pid)
        if pulse is None or (pulse.passed_over and not (own and command)):
            return None
        try:
            handle = psutil.Process(pid)
            with handle.oneshot():
                process = self.facts(handle, pulse, command)
        except psutil.NoSuchProcess:
            if command is None:
                return None
            process = Process(pid, time.time(), pulse.ppid, pulse.name, command=command)
        except (psutil.AccessDenied, OSError):
            process = Process(pid, pulse.started, pulse.ppid, pulse.name, command=command)
        parents = read_wires((pulse.ppid,))[pulse.ppid]
        if own is None or parents is None:
            return replace(process, wires=own)
        shared = set(own.values())
        return replace(process, wires=own, host_wires={fd: name for fd, name in parents.items() if name in shared})

    def facts(self, handle: psutil.Process, pulse: Pulse, read: tuple[str, ...] | None = None) -> Process:
        """Return everything but the descriptors; `read` is the command line where it is known already.

        Where the thread that tells has ended meanwhile, another one of the process does.

        Raises:
            psutil.NoSuchProcess: it is gone.
            psutil.AccessDenied: not even its start may be known.
        """
        try:
            return self._facts(handle, pulse, read)
        except psutil.NoSuchProcess:
            newer = read_pulse(handle.pid) if pulse.thread else None
            if newer is None or newer.started != pulse.started or newer.thread in (0, pulse.thread):
                raise
            return self._facts(handle, newer, read)

    def _facts(self, handle: psutil.Process, pulse: Pulse, read: tuple[str, ...] | None) -> Process:
        pid, create_time = handle.pid, handle.create_time()
        if pulse.thread:
            handle = psutil.Process(pulse.thread)
        command = read or _allowed(handle.cmdline)
        program = read_program(handle)
        environment = _or_none(handle.environ)
        kept = None if environment is None else self._keeping.of(environment)
        return Process(
            pid=pid,
            create_time=create_time,
            ppid=pulse.ppid,
            name=pulse.name,
            user=self._user(handle),
            exe=program,
            command=None if command is None else honest(program, tuple(command)),
            cwd=_or_none(handle.cwd) or None,
            marks=None if kept is None else kept.marks,
            image=pulse.image,
            overrides=None if kept is None else kept.overrides,
            moves=() if kept is None else kept.moves,
        )

    def _user(self, handle: psutil.Process) -> str | None:
        """Return the account; on POSIX without asking the name service, which may wait for a directory for ever."""
        if sys.platform == "win32":
            return _or_none(handle.username)
        else:  # noqa: RET505 - so that the type checker sees which half counts
            uids = _or_none(handle.uids)
            return None if uids is None else self._names(uids.real)


def _allowed(read: Callable[[], _T]) -> _T | None:
    try:
        return read()
    except (psutil.AccessDenied, OSError):
        return None


def _or_none(read: Callable[[], _T]) -> _T | None:
    """Return None too where this one fact is missing of a process that is there (an exe that was deleted)."""
    try:
        return read()
    except (psutil.AccessDenied, psutil.NoSuchProcess, OSError):
        return None
