"""The pulse of a process where psutil is the cheapest way to it (macOS, Windows).

On Windows psutil passes errors of the system that it has no name for on as `OSError`: then one fact of one process is unknown.
"""

from contextlib import suppress

import psutil

from agent.host.pulse import Pulse

GONE = "\0"
"""Nothing here marks the path of a file that was deleted."""

_SYSTEM = frozenset({"kernel_task", "System Idle Process", "System", "Registry", "MemCompression", "Secure System"})


def read_pulse(pid: int) -> Pulse | None:
    """Return the pulse of `pid`, None where there is no such process."""
    try:
        process = psutil.Process(pid)
        with process.oneshot():
            name = ""
            with suppress(OSError):
                name = process.name()
            return Pulse(
                started=process.create_time(),
                ppid=process.ppid(),
                name=name,
                passed_over=name in _SYSTEM or process.status() == psutil.STATUS_ZOMBIE,
            )
    except psutil.ZombieProcess:
        return Pulse(started=0.0, ppid=0, name="", passed_over=True)
    except psutil.NoSuchProcess:
        return None
    except (psutil.AccessDenied, OSError):
        return Pulse(started=0.0, ppid=0, name="")


def read_command(pid: int) -> tuple[str, ...]:
    """Return the words of the command line, empty where the process is gone, runs no program or may not be read."""
    try:
        return tuple(psutil.Process(pid).cmdline())
    except (psutil.NoSuchProcess, psutil.AccessDenied, OSError):
        return ()


def read_program(process: psutil.Process) -> str | None:
    """Return the file that was executed, where it was; None where it may not be known or there is none."""
    try:
        return process.exe() or None
    except (psutil.NoSuchProcess, psutil.AccessDenied, OSError):  # also where the file was deleted
        return None
