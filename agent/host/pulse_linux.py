"""The pulse and the command line of a process on Linux, each in one read (proc_pid_stat(5), proc_pid_cmdline(5))."""

import os
import sys
from collections.abc import Sequence
from contextlib import suppress

import psutil

from agent.host.pulse import Pulse

assert sys.platform == "linux"  # noqa: S101 - tells the type checker too

GONE = " (deleted)"
"""What the kernel writes behind the path of a file that has no name any more."""

_PF_EXITING, _PF_KTHREAD = 0x00000004, 0x00200000
_MAX_BYTES = 4096
_COMMAND_MAX_BYTES = 64 * 1024
# Positions after the command's closing parenthesis; the manual counts from 1 with pid and comm first.
_STATE, _PPID, _FLAGS, _THREADS, _STARTTIME, _ARG_START = 0, 1, 6, 17, 19, 45
_ENDED = (b"Z", b"X", b"x")


def read_pulse(pid: int) -> Pulse | None:
    """Return the pulse of `pid`, None where there is no such process."""
    text = _read(f"/proc/{pid}/stat", _MAX_BYTES)
    if text is None:
        return None
    opening, closing = text.find(b"("), text.rfind(b")")
    fields = text[closing + 2 :].split()
    if opening < 0 or len(fields) <= _STARTTIME:
        return None
    thread, alive = _running_thread(pid, fields)
    return Pulse(
        started=float(fields[_STARTTIME]),
        ppid=int(fields[_PPID]),
        name=text[opening + 1 : closing].decode("utf-8", "replace"),
        image=int(alive[_ARG_START]) if len(alive) > _ARG_START else 0,
        passed_over=alive[_STATE] in _ENDED or bool(int(alive[_FLAGS]) & (_PF_EXITING | _PF_KTHREAD)),
        thread=thread,
    )


def readable_as(pid: int) -> int:
    """Return under which number the kernel tells what a process runs and holds: a thread's where the first has ended."""
    pulse = read_pulse(pid)
    return (pulse.thread if pulse is not None else 0) or pid


def _running_thread(pid: int, fields: Sequence[bytes]) -> tuple[int, Sequence[bytes]]:
    """Return a thread that runs on, with its fields, where the first has ended; 0 and `fields` anywhere else."""
    if fields[_STATE] in _ENDED and int(fields[_THREADS]) > 1:
        with suppress(OSError):
            for thread in os.listdir(f"/proc/{pid}/task"):  # noqa: PTH208 - names are all that is wanted
                text = _read(f"/proc/{pid}/task/{thread}/stat", _MAX_BYTES) or b""
                found = text[text.rfind(b")") + 2 :].split()
                if len(found) > _STARTTIME and found[_STATE] not in _ENDED:
                    return int(thread), found
    return 0, fields


def read_command(pid: int) -> tuple[str, ...]:
    """Return the words of the command line, empty where the process is gone, runs no program or may not be read."""
    raw = _read(f"/proc/{pid}/cmdline", _COMMAND_MAX_BYTES)
    raw = raw or _read(f"/proc/{readable_as(pid)}/cmdline", _COMMAND_MAX_BYTES)
    return tuple(os.fsdecode(raw).removesuffix("\0").split("\0")) if raw else ()


def read_program(process: psutil.Process) -> str | None:
    """Return the file that was executed, where it was; None where it may not be known or there is none.

    psutil asks the file system whether a file is called as the kernel calls one that is deleted; a user's own file system may
    never answer.
    """
    try:
        return os.readlink(f"/proc/{process.pid}/exe").removesuffix(GONE)  # noqa: PTH115 - no file that a path could lead to
    except OSError:
        return None


def _read(path: str, most: int) -> bytes | None:
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        return os.read(descriptor, most)
    except OSError:
        return None
    finally:
        os.close(descriptor)
