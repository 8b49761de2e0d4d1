"""Pieces of this program in processes of their own, and the line to them.

Threads of one Python wait for one another, and a thread that holds the interpreter waits for the processor like any other
program: on a busy machine longer than some programs live. And what waits for a dead file system waits for ever. A process of
its own waits for nobody, and keeps nobody waiting.
"""

import contextlib
import gc
import os
import resource
import signal
import sys
import traceback
import warnings
from collections.abc import Callable

from agent.host.line_linux import Line, pair

assert sys.platform == "linux"  # noqa: S101 - tells the type checker too

END = 3
"""The descriptor at which a part that `beside` starts finds its end of the line."""

_NICE = -10
_AWAKE_US = 10_000_000
_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def beside(part: str) -> Line:
    """Start a part of this program (`agent.__main__`) as a fresh process, which holds no more than that part needs.

    It ends by itself when the line is closed, also by the death of this process.

    Raises:
        OSError: the system gives no process.
    """
    # Isolated: neither the folder that the agent was started in nor its environment says what `agent` is.
    program = [sys.executable] if getattr(sys, "frozen", False) else [sys.executable, "-I", "-m", "agent"]
    ours, theirs = pair()
    with contextlib.closing(theirs):
        files = [(os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0), (os.POSIX_SPAWN_DUP2, theirs.fileno(), END)]
        try:
            process = os.posix_spawn(program[0], [*program, part], os.environ, file_actions=files, setsigmask=_SIGNALS)
        except OSError:
            ours.close()
            raise
    return Line(ours, process)


def settle_beside(name: bytes) -> None:
    """Live as a process that `beside` started: called `name`, with nothing but the line, deaf to the signals of a terminal."""
    _settle(END, name)


def go_first() -> str | None:
    """Let this process go before all other programs; return why it doesn't, None if it does.

    With real-time priority the kernel ends what then never sleeps; where that is not permitted, niceness has to do.
    """
    try:
        resource.setrlimit(resource.RLIMIT_RTTIME, (_AWAKE_US, _AWAKE_US))
        os.sched_setscheduler(0, os.SCHED_RR | os.SCHED_RESET_ON_FORK, os.sched_param(1))
    except (OSError, ValueError):
        try:
            os.setpriority(os.PRIO_PROCESS, 0, _NICE)
        except OSError as error:
            return f"neither real-time priority nor niceness {_NICE} is granted to it ({error.strerror}): give it CAP_SYS_NICE"
    return None


def apart(serve: Callable[[Line], None], name: bytes) -> Line:
    """Run `serve` in a fork of this process, with one end of a line; return the other end.

    `name` is how it shows in the process list, at most 15 bytes. The fork knows all that this process knows, and costs what
    either of them writes to. It ends with `serve`, or when the line is closed.

    Raises:
        OSError: the system gives no process.
    """
    ours, theirs = pair()
    with warnings.catch_warnings():
        # It is made beside threads, none of which it needs.
        warnings.simplefilter("ignore", DeprecationWarning)
        process = os.fork()
    if process == 0:
        try:
            _settle(theirs.fileno(), name)
            gc.freeze()  # what was known before stays shared with the agent
            serve(Line(theirs))
        except EOFError:
            os._exit(0)
        except BaseException:  # noqa: BLE001 - nothing of the agent may go on in this process
            traceback.print_exc()
            os._exit(1)
        os._exit(0)
    theirs.close()
    return Line(ours, process)


def _settle(kept: int, name: bytes) -> None:
    for number in _SIGNALS:
        signal.signal(number, signal.SIG_IGN)  # they go to the agent, whose end is this one's
    os.closerange(3, kept)  # after standard input, output and error
    os.closerange(kept + 1, os.sysconf("SC_OPEN_MAX"))
    with contextlib.suppress(OSError), open("/proc/self/comm", "wb", buffering=0) as comm:  # noqa: PTH123
        comm.write(name)
