"""A server that runs on after its client, again and again, or with a door of its own: it stays what it was, and it is said."""

from dataclasses import replace

import pytest

from agent.core.assess import Assessment, assess
from agent.core.observation import Process, ProcessLook
from agent.core.recognition import Before
from agent.core.recognition.recalling import traces
from agent.core.world import World
from tests.sim.worlds import LOCKED, TERMS, configs, managed, running, server

CONTROL = "server.unapproved.running"


def first(*command: str, entry: bool = True) -> tuple[World, Assessment]:
    look = running("cursor", *command)
    world = World(configs(*([server("x", *command, client="cursor")] if entry else [])), managed(LOCKED), look)
    return world, assess(world, TERMS, now=100.0)[0]


def then(world: World, earlier: Assessment, look: ProcessLook, *, now: float = 110.0) -> Assessment:
    return assess(replace(world, processes=look, before=earlier.before), TERMS, now=now)[0]


def without_host(look: ProcessLook) -> ProcessLook:
    """The client has ended: its child is the child of pid 1 now, and no wire leads from it."""
    _, child = look.processes
    init = Process(1, 0.5, 0, "systemd", "root", "/sbin/init", ("/sbin/init",), wires={})
    return replace(look, processes=(init, replace(child, ppid=1, wires={})))


def test_its_deviation_stays_open_and_says_that_the_client_has_ended() -> None:
    world, before = first("npx", "-y", "x-mcp")
    after = then(world, before, without_host(running("cursor", "npx", "-y", "x-mcp")))
    (opened,) = (item for item in before.deviations if item.key.control == CONTROL)
    (kept,) = (item for item in after.deviations if item.key.control == CONTROL)
    assert kept.key == opened.key
    assert "runs on, though cursor (pid 10), which started it, ended by 1970-01-01 00:01:50Z." in kept.text
    (row,) = after.processes
    assert row.notes == ("It runs on: cursor (pid 10), which started it, ended by 1970-01-01 00:01:50Z.",)
    assert not {"wire", "no-wire"} & {fact.kind for fact in row.evidence}


def test_it_is_remembered_over_many_looks_and_gone_when_it_ends() -> None:
    world, last = first("npx", "-y", "x-mcp")
    orphaned = without_host(running("cursor", "npx", "-y", "x-mcp"))
    for _ in range(3):
        last = then(world, last, orphaned)
        assert len(last.processes) == 1
    last = then(world, last, replace(orphaned, processes=orphaned.processes[:1]))
    assert last.processes == ()
    assert last.before.running == ()


@pytest.mark.parametrize(
    "changes",
    [
        {"create_time": 90.0},
        {"command": ("sleep", "9"), "exe": "/bin/sleep", "image": 7},
    ],
    ids=["its pid was reused", "it has become another program"],
)
def test_another_program_in_its_place_is_not_it(changes: dict[str, object]) -> None:
    world, before = first("npx", "-y", "x-mcp")
    look = without_host(running("cursor", "npx", "-y", "x-mcp"))
    other = replace(look.processes[1], **changes)  # type: ignore[arg-type] # fields of the dataclass
    assert then(world, before, replace(look, processes=(look.processes[0], other))).processes == ()


def test_one_whose_entry_was_taken_out_while_it_runs_is_still_reported() -> None:
    world, before = first("work-tool", "--serve")
    assert [row.confidence for row in before.processes] == ["high"]
    gone = replace(world, configs=configs())
    after = then(gone, before, running("cursor", "work-tool", "--serve"))
    (row,) = after.processes
    assert "not configured any more" in row.notes[0]
    assert [item.key.control for item in after.deviations if item.key.control == CONTROL] == [CONTROL]


def test_a_mere_guess_is_not_held_on_to() -> None:
    world, before = first("python3", "work.py", entry=False)
    assert [row.confidence for row in before.processes] == ["low"]
    assert then(world, before, without_host(running("cursor", "python3", "work.py"))).processes == ()


def test_a_server_that_ends_and_starts_again_and_again_restarts_in_a_loop() -> None:
    look = running("cursor", "npx", "-y", "x-mcp")
    host, child = look.processes
    world = World(configs(server("x", "npx", "-y", "x-mcp", client="cursor")), managed(LOCKED), look)
    notes = []
    for number in range(6):
        again = replace(child, pid=20 + number, create_time=10.0 + number)
        found = assess(replace(world, processes=replace(look, processes=(host, again))), TERMS, now=20.0 + number)[0]
        world = replace(world, before=found.before)
        notes += [row.notes for row in found.processes]
    assert notes == [()] * 5 + [("It restarts in a loop: 5 of it ended within 10 minutes.",)]
    later = assess(replace(world, processes=look), TERMS, now=9_000.0)[0]
    assert later.processes[0].notes == ()


def test_five_windows_that_each_have_their_own_are_no_loop() -> None:
    look = running("cursor", "npx", "-y", "x-mcp")
    host, child = look.processes
    many = tuple(replace(child, pid=20 + n, create_time=10.0 + n) for n in range(6))
    world = World(configs(server("x", "npx", "-y", "x-mcp", client="cursor")), managed(LOCKED))
    found = assess(replace(world, processes=replace(look, processes=(host, *many))), TERMS, now=30.0)[0]
    assert {row.notes for row in found.processes} == {()}


@pytest.mark.parametrize(
    ("address", "reached"),
    [
        ("127.0.0.1:8080", "from this machine alone"),
        ("[::1]:8080", "from this machine alone"),
        ("0.0.0.0:8080", "from the network"),
        ("[::]:8080", "from the network"),
    ],
)
def test_a_server_with_a_door_of_its_own_is_noted_and_who_can_reach_it(address: str, reached: str) -> None:
    world, _ = first("npx", "-y", "x-mcp")
    look = running("cursor", "npx", "-y", "x-mcp")
    look = replace(look, listens={look.processes[1].identity: (address,)})
    (row,) = then(world, Assessment(complete=True, findings=None, before=Before()), look).processes  # type: ignore[arg-type]
    assert row.notes == (f"It listens on TCP {address} (pid {look.processes[1].pid}), which can be reached {reached}.",)


def restarted(world: World, earlier: Assessment, look: ProcessLook) -> Assessment:
    """The agent itself was started anew: it knows traces alone."""
    before = Before(traces=traces(earlier.before.running))
    return assess(replace(world, processes=look, before=before), TERMS, now=110.0)[0]


def test_a_start_of_the_agent_does_not_close_what_runs_on() -> None:
    world, before = first("npx", "-y", "x-mcp")
    after = restarted(world, before, without_host(running("cursor", "npx", "-y", "x-mcp")))
    (opened,) = (item for item in before.deviations if item.key.control == CONTROL)
    (kept,) = (item for item in after.deviations if item.key.control == CONTROL)
    assert kept.key == opened.key
    assert "cursor (pid 10), which started it, ended by" in kept.text
    assert after.before.traces == ()
    again = then(world, after, without_host(running("cursor", "npx", "-y", "x-mcp")), now=500.0)
    assert [item.text for item in again.deviations if item.key.control == CONTROL] == [kept.text]


def test_a_start_of_the_agent_keeps_one_that_no_entry_names() -> None:
    world, before = first("npx", "-y", "x-mcp", entry=False)
    after = restarted(world, before, without_host(running("cursor", "npx", "-y", "x-mcp")))
    keys = [[item.key for item in one.deviations if item.key.control == CONTROL] for one in (before, after)]
    assert keys[0] == keys[1] != []


def test_a_start_of_the_agent_while_all_is_as_it_was_changes_nothing() -> None:
    world, before = first("npx", "-y", "x-mcp")
    assert world.processes is not None
    after = restarted(world, before, world.processes)
    assert after.processes == before.processes
    moved = replace(world.processes.processes[0], create_time=1.5)  # the clock was set
    look = replace(world.processes, processes=(moved, *world.processes.processes[1:]))
    assert restarted(world, before, look).processes[0].notes == ()


@pytest.mark.parametrize("changes", [{"create_time": 90.0}, {"image": 7}, {"pid": 99}])
def test_another_process_is_not_taken_for_one_that_was_seen(changes: dict[str, int]) -> None:
    world, before = first("npx", "-y", "x-mcp")
    look = without_host(running("cursor", "npx", "-y", "x-mcp"))
    init, child = look.processes
    after = restarted(world, before, replace(look, processes=(init, replace(child, **changes))))  # type: ignore[arg-type]
    assert after.processes == ()


def test_a_server_that_the_network_reaches_is_a_deviation_also_where_it_is_approved() -> None:
    command = ("npx", "-y", "approved@1.0.0")
    look = running("claude", *command)
    child = look.processes[1]
    doors = ("127.0.0.1:1", "[::1]:1", "0.0.0.0:9 in another network namespace")
    harmless = replace(look, listens={child.identity: doors})
    world = World(configs(server("a", *command)), managed(LOCKED), harmless)
    assert [item.key.control for item in assess(world, TERMS)[0].deviations] == []
    open_door = replace(look, listens={child.identity: (*doors, "0.0.0.0:8080", "[::]:8080")})
    (found,) = assess(replace(world, processes=open_door), TERMS)[0].deviations
    assert found.key.control == "server.exposed"
    assert [(fact.text, fact.pid) for fact in found.evidence] == [("TCP 0.0.0.0:8080", 11), ("TCP [::]:8080", 11)]
    assert "8080" not in found.text
