"""Events become sightings; a look turns sightings into what runs and what has ended."""

import threading
from collections.abc import Collection
from dataclasses import dataclass, field, replace

import pytest

from agent.core.observation import Process
from agent.core.recognition import ClientMarks
from agent.ports import EventsLost, Hearing, NoEvents, Noticed, Noticer, Orders, TableView, Told
from agent.sources import launches as module
from agent.sources.launches import Launches
from agent.sources.noticing import Noticing
from agent.sources.processes import RECONCILE_S, ProcessSource

CLIENT = Process(10, 1.0, 1, "claude", command=("claude",))
SERVER = Process(20, 2.0, 10, "tickets", command=("/opt/tickets",))
TOOL = Process(30, 3.0, 10, "git", command=("git", "status"))


@dataclass
class _System:
    """A machine: what runs, what was told, what was asked."""

    running: dict[int, Process] = field(default_factory=dict)
    told: list[Told] = field(default_factory=list)
    followed: frozenset[int] = frozenset()
    sweeps: int = 0
    read_: list[int] = field(default_factory=list)
    updated: list[Process] = field(default_factory=list)
    name: str = "test events"
    broken: bool = False

    def wait(self, timeout_s: float) -> Told:
        assert timeout_s >= 0
        if self.broken:
            raise EventsLost("it broke")
        return self.told.pop(0)

    def follow(self, pids: Collection[int]) -> None:
        self.followed = frozenset(pids)

    def interrupt(self) -> None:
        """Nothing waits here."""

    def close(self) -> None:
        """Nothing to give back."""

    def command(self, pid: int) -> tuple[str, ...]:
        found = self.running.get(pid)
        return found.command or () if found else ()

    def parent(self, pid: int) -> int | None:
        found = self.running.get(pid)
        return found.ppid if found else None

    def read(self, pid: int, command: tuple[str, ...] | None = None) -> Process | None:
        assert command != ()
        self.read_.append(pid)
        return self.running.get(pid)

    def snapshot(self) -> TableView:
        self.sweeps += 1
        return TableView(tuple(self.running.values()))

    def update(self, seen: Collection[Process], gone: Collection[int]) -> TableView:
        assert seen or gone
        self.updated += seen
        return TableView(tuple(self.running.values()))

    def start(self, *processes: Process) -> None:
        self.running |= {process.pid: process for process in processes}
        self.told += [Told(started=(process.pid,)) for process in processes]


class _Agent:
    def __init__(self, *running: Process) -> None:
        self.system = _System({process.pid: process for process in running})
        marks = [ClientMarks("claude-code", frozenset({"claude"}))]
        self.launches = Launches(lambda _: Noticing(self.system, self.system, marks), marks)
        self.at = 0.0
        self.source = ProcessSource(self.system, 5.0, self.launches, lambda: self.at)
        self.wakes = 0
        self.launches.subscribe(self._woken)

    def _woken(self) -> None:
        self.wakes += 1

    def hear(self) -> None:
        while self.system.told:
            self.launches.turn(0.0)


def test_a_server_that_ended_before_the_look_is_in_it() -> None:
    agent = _Agent(CLIENT)
    agent.source.look()
    agent.system.start(SERVER)
    agent.hear()
    del agent.system.running[SERVER.pid]
    assert agent.wakes == 1
    (look,) = agent.source.look()
    assert look.ended == (SERVER,)
    assert look.processes == (CLIENT,)
    (look,) = agent.source.look()
    assert look.ended == (), "it is told once"


def test_a_server_that_runs_on_is_no_ended_one_and_costs_no_sweep() -> None:
    agent = _Agent(CLIENT)
    agent.source.look()
    agent.system.start(SERVER)
    agent.hear()
    (look,) = agent.source.look()
    assert (look.ended, set(look.processes), agent.system.sweeps) == ((), {CLIENT, SERVER}, 1)


def test_ordinary_tools_wake_nobody_and_are_not_read() -> None:
    agent = _Agent(CLIENT)
    agent.source.look()
    agent.system.start(TOOL)
    agent.hear()
    assert (agent.wakes, agent.system.read_) == (0, [])
    assert agent.launches.counts.started == 1


def test_a_client_that_starts_makes_its_children_matter() -> None:
    agent = _Agent()
    agent.source.look()
    agent.system.start(CLIENT, SERVER)
    agent.hear()
    agent.system.running.clear()
    (look,) = agent.source.look()
    assert set(look.ended) == {CLIENT, SERVER}


def test_the_host_of_a_server_is_read_with_it_even_if_it_is_no_client() -> None:
    host = Process(40, 1.0, 1, "python", command=("python", "host.py"))
    server = Process(41, 2.0, 40, "x", command=("/opt/mcp-server-x",))
    agent = _Agent(host)
    agent.source.look()
    agent.system.start(server)
    agent.hear()
    agent.system.running.clear()
    (look,) = agent.source.look()
    assert set(look.ended) == {host, server}


def test_the_end_of_a_running_server_is_followed_and_wakes_the_look() -> None:
    agent = _Agent(CLIENT, SERVER)
    agent.source.look()
    assert agent.system.followed == {CLIENT.pid, SERVER.pid}
    del agent.system.running[SERVER.pid]
    agent.system.told.append(Told(ended=(SERVER.pid,)))
    agent.hear()
    assert agent.wakes == 1
    (look,) = agent.source.look()
    assert look.processes == (CLIENT,)
    assert agent.system.followed == {CLIENT.pid}


def test_a_pid_that_is_used_again_loses_neither_process() -> None:
    agent = _Agent(CLIENT)
    agent.source.look()
    other = replace(SERVER, create_time=9.0, command=("/opt/other",))
    agent.system.start(SERVER)
    agent.hear()
    agent.system.start(other)
    agent.hear()
    (look,) = agent.source.look()
    assert look.ended == (SERVER,)
    assert other in look.processes


def test_a_server_that_closes_its_wire_before_the_look_is_seen_with_it_once() -> None:
    """`sleep` closes its standard output before it ends; a look in between found a server without a wire, which was none."""
    agent = _Agent(CLIENT)
    agent.source.look()
    noticed = replace(SERVER, wires={0: "pipe:1", 1: "pipe:2"}, host_wires={6: "pipe:1", 7: "pipe:2"})
    ending = replace(SERVER, wires={0: "pipe:1"})
    agent.system.start(noticed)
    agent.hear()
    agent.system.running[SERVER.pid] = ending
    (look,) = agent.source.look()
    assert (noticed in look.processes, look.ended) == (True, ())
    (look,) = agent.source.look()
    assert ending in look.processes


def test_a_sweep_learns_too_how_programs_were_called_when_they_started() -> None:
    agent = _Agent(CLIENT)
    agent.source.look()
    agent.at = RECONCILE_S
    agent.system.start(SERVER)
    agent.hear()
    agent.source.look()
    assert (agent.system.sweeps, agent.system.updated) == (2, [CLIENT, SERVER])


def test_lost_events_are_counted_and_answered_by_a_sweep() -> None:
    agent = _Agent(CLIENT)
    agent.source.look()
    agent.system.told.append(Told(overrun=True))
    agent.hear()
    agent.source.look()
    assert (agent.wakes, agent.system.sweeps, agent.launches.counts.overruns) == (1, 2, 1)


def test_what_ended_before_it_could_be_read_is_counted() -> None:
    agent = _Agent(CLIENT)
    agent.system.told.append(Told(started=(99,)))
    agent.hear()
    assert (agent.launches.counts.missed, agent.wakes) == (1, 0)


def test_sweeps_are_rare_while_nothing_happens_and_soon_after_something_did() -> None:
    agent = _Agent(CLIENT)
    agent.source.look()
    assert agent.source.interval_s == RECONCILE_S
    agent.system.start(SERVER)
    agent.hear()
    agent.source.look()
    assert agent.source.interval_s == 5.0
    agent.source.look()
    assert (agent.source.interval_s, agent.system.sweeps) == (RECONCILE_S, 2)


def test_a_busy_machine_is_swept_all_the_same() -> None:
    agent = _Agent(CLIENT)
    agent.source.look()
    agent.at = RECONCILE_S
    agent.system.start(SERVER)
    agent.hear()
    agent.source.look()
    assert agent.system.sweeps == 2


def test_when_nothing_is_told_any_more_every_look_is_a_sweep_and_says_why() -> None:
    agent = _Agent(CLIENT)
    agent.source.look()
    agent.system.broken = True
    assert not agent.launches.turn(0.0)
    assert (agent.launches.how, agent.launches.problem, agent.wakes) == ("", "it broke", 1)
    for sweeps in (2, 3):
        agent.source.look()
        assert (agent.system.sweeps, agent.source.interval_s) == (sweeps, 5.0)


def test_where_nothing_is_told_from_the_start_every_look_is_a_sweep() -> None:
    system = _System()
    launches = Launches(lambda _: NoEvents("not here"), ())
    source = ProcessSource(system, 5.0, launches)
    source.look()
    source.look()
    assert (launches.problem, launches.how, system.sweeps, source.interval_s) == ("not here", "", 2, 5.0)


def test_what_the_system_describes_itself_is_not_read() -> None:
    agent = _Agent(CLIENT)
    agent.source.look()
    agent.system.told.append(Told(started=(SERVER.pid,), described={SERVER.pid: SERVER}))
    agent.hear()
    assert agent.system.read_ == [CLIENT.pid]
    (look,) = agent.source.look()
    assert look.ended == (SERVER,)


def test_what_can_be_read_no_more_is_known_by_what_was_told_of_it() -> None:
    agent = _Agent(CLIENT)
    agent.source.look()
    agent.system.told.append(Told(started=(SERVER.pid,), outlined={SERVER.pid: SERVER}))
    agent.hear()
    (look,) = agent.source.look()
    assert look.ended == (SERVER,)
    assert agent.launches.counts.missed == 0


def test_what_can_be_read_is_better_than_what_was_told_of_it() -> None:
    agent = _Agent(CLIENT, SERVER)
    agent.source.look()
    outline = replace(SERVER, create_time=2.5, user=None)
    agent.system.told.append(Told(started=(SERVER.pid,), outlined={SERVER.pid: outline}))
    agent.hear()
    assert agent.launches.take().processes[SERVER.pid] is SERVER


class _Attempts:
    """Nothing tells at first; the second attempt succeeds and tells of an end of the test."""

    hearing = Hearing("second attempt", "it has no priority")

    def __init__(self, stop: threading.Event) -> None:
        self.stop, self.made, self.orders = stop, 0, list[Orders]()

    def listen(self, _ended: threading.Event) -> Noticer | NoEvents:
        self.made += 1
        return self if self.made > 1 else NoEvents("not permitted yet")

    def turn(self, timeout_s: float) -> Noticed:
        assert timeout_s
        self.stop.set()
        return Noticed()

    def heed(self, orders: Orders) -> None:
        self.orders.append(orders)

    def interrupt(self) -> None:
        """Nothing waits."""

    def close(self) -> None:
        """Nothing is held."""


def test_listening_is_tried_again_and_begins_with_a_sweep(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "RETRY_FIRST_S", 0.01)
    stop = threading.Event()
    attempts = _Attempts(stop)
    launches = Launches(attempts.listen, ())
    launches.run(stop, lambda: None)
    assert (attempts.made, launches.problem, launches.how) == (2, None, "second attempt")
    assert launches.hindered == "it has no priority"
    assert launches.take().lost
    assert attempts.orders[0].keys == frozenset()
