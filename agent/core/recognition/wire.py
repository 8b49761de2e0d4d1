"""The wire between a server and its host: two descriptors of their own, one for each direction.

Measured: Rust, Go and Python hosts use two pipes, Node and bun hosts socket pairs, one for each descriptor. A child also
inherits wires of its parent on the same descriptors (a terminal's pipe, a log), and its standard error is a wire that says
nothing. Servers on the Python SDK 2 move the wire to descriptors above 2 and put standard error in place of standard output.
"""

from dataclasses import dataclass
from enum import StrEnum

from agent.core.observation import Process

_STDIN, _STDOUT, _STDERR = 0, 1, 2


class Wired(StrEnum):
    """Whether two processes talk to one another; `UNKNOWN` where the system did not let us look."""

    BOTH_WAYS = "both-ways"
    NO = "no"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Wire:
    """The wire, and the names of the descriptors that make it."""

    wired: Wired
    names: frozenset[str] = frozenset()


def wire(child: Process, host: Process) -> Wire:
    """Return the wire between a process and the one that started it."""
    ends = host.wires if child.host_wires is None else child.host_wires
    if child.wires is None or ends is None:
        return Wire(Wired.UNKNOWN)
    held, hosts = set(ends.items()), set(ends.values())
    own = {fd: name for fd, name in child.wires.items() if name in hosts and (fd, name) not in held}
    names = frozenset(own.values())
    return Wire(Wired.BOTH_WAYS if _both_ways(own) else Wired.NO, names)


def _both_ways(own: dict[int, str]) -> bool:
    stdin, stdout = own.get(_STDIN), own.get(_STDOUT)
    if stdin is not None and stdout is not None:
        return stdin != stdout or stdin.startswith("socket:")
    moved = {name for fd, name in own.items() if fd > _STDERR and name != own.get(_STDERR)}
    return len(moved) > 1
