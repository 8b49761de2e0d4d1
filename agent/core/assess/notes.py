"""How a server runs, where that is worth a look: on after its client or its program's file, in a loop, or with an open door.

A stdio server talks to its client alone. One that also listens on a TCP port can be talked to by whoever reaches that port.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from agent.core.assess.results import deviation, of_user
from agent.core.assess.running import SCOPE, JudgedRunning, shown
from agent.core.assess.substituted import copy_of_binary
from agent.core.deviation import Deviation, Evidence
from agent.core.observation import ProcessLook
from agent.core.recognition import Confidence
from agent.core.recognition.outliving import LOOP_STARTS, LOOP_WITHIN_S
from agent.core.redaction import redact_name

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
    worker = item.running.worker
    what = look.superseded.get(worker.identity) if worker is not None else None
    if what is not None:
        yield f"It runs on from a program that {what.text} ({redact_name(what.path)})."
    artifact = item.artifact
    if artifact is not None and artifact.instead_of is not None and copy_of_binary(artifact):
        place = redact_name(artifact.instead_of.path)
        yield f"It is a copy of {place}, byte for byte the same, where its user can change it."
    for pid, address in _doors(item, look):
        reached = "from the network" if _exposed(address) else "from this machine alone"
        yield f"It listens on TCP {address} (pid {pid}), which can be reached {reached}."


def _doors(item: JudgedRunning, look: ProcessLook) -> Iterator[tuple[int, str]]:
    for member in item.running.members:
        yield from ((member.pid, address) for address in look.listens.get(member.identity, ()))


def _exposed(address: str) -> bool:
    """Say whether others than this machine reach the address; what is said of it stands behind a space."""
    return " " not in address and not address.startswith(_LOOPBACK)


def exposed_deviations(judged: Sequence[JudgedRunning], look: ProcessLook) -> Iterator[Deviation]:
    """Yield one deviation for each server, approved or not, that the network reaches."""
    told: set[str] = set()
    for item in judged:
        running = item.running
        doors = {f"TCP {address}": pid for pid, address in _doors(item, look) if _exposed(address)}
        if not doors or item.subject in told or running.confidence is Confidence.LOW:
            continue
        told.add(item.subject)
        yield deviation(
            "server.exposed",
            subject=f"{item.subject} listening",
            label=of_user(running.user, shown(running)),
            text="It is started to talk to its client alone, and listens where others on the network can reach it.",
            user=running.user,
            client=running.client,
            evidence=[Evidence("listens", door, pid=pid) for door, pid in doors.items()],
            depends=(SCOPE,),
        )
