"""What the system says of the file that a process runs, without a question to the file system that it lies on."""

import contextlib
import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass

from agent.host.process_reading import GONE


@dataclass(frozen=True, slots=True)
class ProgramLink:
    """`unlinked`: the file has no name any more. `here`: the process sees the machine's own file tree."""

    unlinked: bool = False
    here: bool = True


def program_link(pid: int) -> ProgramLink:
    """Return what is known of the program of `pid`. Only Linux tells (proc_pid_exe(5)); elsewhere there is nothing against it."""
    if sys.platform != "linux":
        return ProgramLink()
    else:  # noqa: RET505 - so that the type checker sees which half counts
        try:
            unlinked = _link(f"/proc/{pid}/exe").endswith(GONE)
            here = _link(f"/proc/{pid}/ns/mnt") in _own_trees() and _link(f"/proc/{pid}/root") == "/"
        except OSError:  # it is gone, or not to be seen
            return ProgramLink(here=False)
        return ProgramLink(unlinked, here)


def _own_trees() -> Iterator[str]:
    """Yield the mount namespaces in which a path means what it means here: a sandboxed service has one of its own."""
    for one in ("self", "1"):
        with contextlib.suppress(OSError):
            yield _link(f"/proc/{one}/ns/mnt")


def _link(path: str) -> str:
    return os.readlink(path)  # noqa: PTH115 - no file that a path could lead to
