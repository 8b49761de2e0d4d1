"""How a server runs, where that is worth a look: on after its client, again and again, or with a door of its own.

A stdio server talks to its client alone. One that also listens on a TCP port can be talked to by whoever reaches that port.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from agent.core.assess.running import JudgedRunning
from agent.core.observation import ProcessLook
from agent.core.recognition.outliving import LOOP_STARTS, LOOP_WITHIN_S

_LOOPBACK = ("127.", "[::1]")


def noted(
    judged: Sequence[JudgedRunning], starts: Mapping[str, tuple[float, ...]], look: ProcessLook
) -> tuple[JudgedRunning, ...]:
    """Return the servers, each with what is to be noted of it; `starts` are the latest starts of each subject."""
    return tuple(replace(item, notes=tuple(_notes(item, judged, starts, look))) for item in judged)


def _notes(
    item: JudgedRunning, judged: Sequence[JudgedRunning], starts: Mapping[str, tuple[float, ...]], look: ProcessLook
) -> Iterator[str]:
    if item.running.outlives:
        yield f"It runs on: {item.running.outlives}."
    known = starts.get(item.subject, ())
    running = {other.running.process.create_time for other in judged if other.subject == item.subject}
    ended = {process.create_time for process in look.ended}
    again = sum(at not in running or at in ended for at in known)
    if again >= LOOP_STARTS:
        yield f"It restarts in a loop: {again} of it ended within {LOOP_WITHIN_S / 60:.0f} minutes."
    for member in item.running.members:
        for address in look.listens.get(member.identity, ()):
            reached = "from this machine alone" if address.startswith(_LOOPBACK) else "from the network"
            yield f"It listens on TCP {address} (pid {member.pid}), which can be reached {reached}."
