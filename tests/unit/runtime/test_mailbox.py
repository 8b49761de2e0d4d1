import threading
from dataclasses import replace

from agent.core.observation import ConfigLook, Process, ProcessLook
from agent.core.place import User
from agent.core.recognition.wire import Wired, wire
from agent.runtime import mailbox as mailbox_module
from agent.runtime.mailbox import Mailbox, merged

ANN, BOB = ConfigLook(User("ann", "/home/ann")), ConfigLook(User("bob", "/home/bob"))


def process(pid: int) -> Process:
    return Process(pid, 1.0, 1, "node")


def beat() -> None:
    """Nobody listens."""


def test_each_source_has_one_slot_that_holds_its_newest_look() -> None:
    box = Mailbox(30.0)
    box.post("configs", [ANN])
    box.post("configs", [BOB])
    box.post("processes", [ProcessLook()])
    assert box.take(0, beat) == {"configs": (BOB,), "processes": (ProcessLook(),)}
    assert box.take(0, beat) == {}


def test_a_process_that_came_and_went_between_two_takes_was_seen() -> None:
    box = Mailbox(30.0)
    box.post("processes", [ProcessLook((process(1), process(2)))])
    box.post("processes", [ProcessLook((process(1),))])
    [look] = box.take(0, beat)["processes"]
    assert look == ProcessLook((process(1),), ended=(process(2),))


HOST = Process(1, 1.0, 0, "host", wires={6: "pipe:1", 7: "pipe:2"})
WIRED = Process(2, 2.0, 1, "server", wires={0: "pipe:1", 1: "pipe:2"}, image=5)
NOTICED = replace(WIRED, host_wires=HOST.wires)
LET_GO = replace(HOST, wires={})


def _wired(before: ProcessLook, now: ProcessLook) -> Wired:
    """Return the wire of the server in a look that came while `before` was not judged yet."""
    [look] = merged([before], [now])
    assert isinstance(look, ProcessLook)
    found = {process.pid: process for process in (*look.processes, *look.ended)}
    return wire(found[WIRED.pid], found[HOST.pid]).wired


def test_a_server_that_ended_before_it_was_judged_keeps_its_wire_though_its_host_has_closed_it() -> None:
    assert _wired(ProcessLook((HOST, WIRED)), ProcessLook((LET_GO,))) is Wired.BOTH_WAYS
    assert _wired(ProcessLook((LET_GO,), (NOTICED,)), ProcessLook((LET_GO,))) is Wired.BOTH_WAYS


def test_a_server_that_gives_up_its_wire_before_it_was_judged_counts_as_it_was_noticed() -> None:
    ending = replace(WIRED, wires={0: "pipe:1"})
    assert _wired(ProcessLook((HOST, NOTICED)), ProcessLook((LET_GO, ending))) is Wired.BOTH_WAYS
    other = replace(ending, image=6)
    assert _wired(ProcessLook((HOST, NOTICED)), ProcessLook((LET_GO, other))) is Wired.NO, "it became another program"


def test_a_take_waits_for_the_first_post() -> None:
    box, got = Mailbox(30.0), []
    reader = threading.Thread(target=lambda: got.append(box.take(None, beat)))
    reader.start()
    box.post("configs", [ANN])
    reader.join(10)
    assert got == [{"configs": (ANN,)}]


def test_a_wake_ends_a_take_without_anything() -> None:
    box = Mailbox(30.0)
    box.wake()
    assert box.take(None, beat) == {}


def test_a_waiting_reader_beats() -> None:
    beats: list[int] = []
    Mailbox(0.001).take(0.01, lambda: beats.append(1))
    assert len(beats) > 3


def test_ended_processes_are_carried_over_within_bounds_newest_first() -> None:
    assert mailbox_module.ENDED_MAX > 1_000
    many = ProcessLook(ended=tuple(process(pid) for pid in range(mailbox_module.ENDED_MAX)))
    [look] = merged([many], [ProcessLook(ended=(process(-1),))])
    assert isinstance(look, ProcessLook)
    assert len(look.ended) == mailbox_module.ENDED_MAX
    assert look.ended[0] == process(-1)
