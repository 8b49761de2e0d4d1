import threading

from agent.core.observation import ConfigLook, Process, ProcessLook
from agent.core.place import User
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
