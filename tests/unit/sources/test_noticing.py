"""Noticing from a process of its own: what goes over the line, and what an end or a silence of the other side means."""

from collections.abc import Collection
from dataclasses import dataclass, field, replace

import pytest

from agent.core.observation import Process
from agent.core.recognition import ClientMarks
from agent.ports import EventsLost, Hearing, Noticed, Orders, Told
from agent.sources.noticing import Noticing, NoticingApart, serve

CLIENT = Process(10, 1.0, 1, "claude", command=("claude",))
SERVER = Process(20, 2.0, 10, "tickets", command=("/opt/tickets",))


@dataclass
class _Line:
    """A channel whose other end has sent `waiting`; an exception stands for what happens then."""

    waiting: list[object] = field(default_factory=list)
    sent: list[object] = field(default_factory=list)

    def fileno(self) -> int:
        return -1

    def send(self, value: object) -> None:
        self.sent.append(value)

    def receive(self, timeout_s: float) -> object:
        assert timeout_s >= 0
        value = self.waiting.pop(0)
        if isinstance(value, Exception):
            raise value
        return value

    def interrupt(self) -> None:
        """Nothing waits."""

    def close(self) -> None:
        """Nothing is held."""


@dataclass
class _Machine:
    """A client and a server of it, of which the events tell."""

    told: list[Told]
    running: dict[int, Process] = field(default_factory=lambda: {one.pid: one for one in (CLIENT, SERVER)})
    ended: dict[int, int] = field(default_factory=dict)
    followed: frozenset[int] = frozenset()
    name: str = "test events"

    def wait(self, timeout_s: float) -> Told:
        assert timeout_s
        return self.told.pop(0)

    def follow(self, pids: Collection[int]) -> None:
        self.followed = frozenset(pids)

    def interrupt(self) -> None:
        """Nothing waits."""

    def close(self) -> None:
        """Nothing is held."""

    def command(self, pid: int) -> tuple[str, ...]:
        found = self._found(pid)
        return found.command or () if found else ()

    def parent(self, pid: int) -> int | None:
        found = self._found(pid)
        return found.ppid if found else self.ended.get(pid)

    def read(self, pid: int, command: tuple[str, ...] | None = None) -> Process | None:
        assert command != ()
        return self._found(pid) if pid not in self.ended else None

    def _found(self, pid: int) -> Process | None:
        return self.running.get(pid)


MARKS = [ClientMarks("claude-code", frozenset({"claude"}))]


def noticing(*told: Told) -> Noticing:
    machine = _Machine(list(told))
    return Noticing(machine, machine, MARKS)


def _counts(machine: _Machine, *pids: int, clients: frozenset[int] = frozenset({CLIENT.pid})) -> tuple[int, int]:
    """Return how many of these were missed, and how many of those may have been servers."""
    found = Noticing(machine, machine, MARKS)
    found.heed(Orders(alive=clients, clients=clients))
    machine.told = [Told(started=pids)]
    noticed = found.turn(1.0)
    return noticed.missed, noticed.unjudged


def test_what_could_not_be_read_may_have_been_a_server_where_a_client_or_nobody_knows_who_had_started_it() -> None:
    shell = Process(30, 1.0, 1, "make", command=("make",))
    machine = _Machine([], {CLIENT.pid: CLIENT, shell.pid: shell}, ended={98: CLIENT.pid, 99: shell.pid})
    assert _counts(machine, 97) == (1, 1), "nobody can tell whose it was"
    assert _counts(machine, 98) == (1, 1)
    assert _counts(machine, 99) == (1, 0)
    assert _counts(machine, 97, 98, clients=frozenset()) == (2, 0), "there is no client here"


def test_a_server_that_ended_while_it_was_read_is_counted_and_told_by_its_command_line() -> None:
    machine = _Machine([Told(started=(SERVER.pid,))], ended={SERVER.pid: CLIENT.pid})
    found = Noticing(machine, machine, MARKS, now=lambda: 7.0)
    found.heed(Orders(alive=frozenset({CLIENT.pid}), clients=frozenset({CLIENT.pid})))
    outline = Process(SERVER.pid, 7.0, CLIENT.pid, "tickets", command=SERVER.command)
    assert found.turn(1.0) == Noticed((CLIENT, outline), started=1, missed=1, unjudged=1)


def test_a_storm_of_other_programs_does_not_make_it_forget_who_the_clients_are() -> None:
    """Roles of all programs shared one bound: 8,192 launches after a client, its servers were noticed by their names alone."""
    others = {pid: Process(pid, 3.0, 1, "true", command=("true",)) for pid in range(100, 9_100)}
    machine = _Machine([Told(started=tuple(others)), Told(started=(SERVER.pid,))])
    machine.running |= others
    found = Noticing(machine, machine, MARKS)
    found.heed(Orders(alive=frozenset({CLIENT.pid}), clients=frozenset({CLIENT.pid})))
    assert found.turn(1.0).processes == ()
    assert found.turn(1.0).processes == (CLIENT, SERVER)


def test_only_what_matters_goes_over_the_line_with_the_counts_of_everything() -> None:
    line = _Line([None, None, None, None, EOFError()])
    events = [Told(started=(99,)), Told(started=(CLIENT.pid,)), Told(), Told(started=(SERVER.pid,)), Told()]
    with pytest.raises(EOFError):
        serve(noticing(*events), line)
    assert line.sent == [
        Hearing("test events"),
        Noticed((CLIENT,), started=2, missed=1),
        Noticed((CLIENT, SERVER), started=1),
    ]


def test_orders_are_obeyed_and_answered() -> None:
    line = _Line([Orders(followed=frozenset({7})), Orders(), None, EOFError()])
    found = noticing(Told(), Told())
    with pytest.raises(EOFError):
        serve(found, line)
    assert line.sent == [Hearing("test events"), Noticed()]


def test_what_comes_over_the_line_is_what_was_noticed() -> None:
    seen = Noticed((SERVER,), started=3)
    assert NoticingApart(_Line([seen]), Hearing("test")).turn(1.0) == seen


def test_who_a_user_is_is_told_at_this_end_of_the_line() -> None:
    seen = Noticed((replace(SERVER, user="1000"), CLIENT))
    apart = NoticingApart(_Line([seen]), Hearing("test"), {1000: "ada"}.__getitem__)
    assert apart.turn(1.0).processes == (replace(SERVER, user="ada"), CLIENT)


def test_an_ended_process_ends_the_events() -> None:
    with pytest.raises(EventsLost, match="has ended"):
        NoticingApart(_Line([EOFError()]), Hearing("test")).turn(1.0)


def test_a_silent_process_is_asked_once_and_then_given_up() -> None:
    line = _Line([None, Noticed(), None, None])
    apart = NoticingApart(line, Hearing("test"))
    apart.turn(1.0)
    apart.turn(1.0)
    apart.turn(1.0)
    assert line.sent == [Orders(), Orders()]
    with pytest.raises(EventsLost, match="does not answer"):
        apart.turn(1.0)
