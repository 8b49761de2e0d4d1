"""A blocked server that runs all the same is told with the reason that can be known."""

from dataclasses import replace

import pytest

from agent.core.assess import Terms, assess
from agent.core.observation import Process, ProcessLook
from agent.core.place import Data
from agent.core.superseded import Superseded
from agent.core.world import World
from tests.sim.worlds import LOCKED, TERMS, configs, judged, managed, running, server

DENY = {"deniedMcpServers": [{"serverCommand": ["rogue"]}], "allowManagedMcpServersOnly": True}


def why(world: World, terms: Terms = TERMS) -> str:
    (deviation,) = (item for item in assess(world, terms)[0].deviations if item.key.control.endswith(".running"))
    (fact,) = (fact for fact in deviation.evidence if fact.kind == "cause")
    assert fact.text in deviation.text
    return fact.text


def test_a_client_that_enforces_nothing_is_named() -> None:
    world = World(configs(server("x", "rogue", client="cursor")), managed(DENY), running("cursor", "rogue"))
    assert why(world) == "cursor does not enforce the organisation's policy."


def test_a_client_that_started_before_the_policy_changed_is_to_be_restarted() -> None:
    look = managed(DENY)
    (document,) = look.documents
    content = document.content
    assert isinstance(content, Data)
    young = replace(content, access=(*content.access[:-1], replace(content.facts, mtime_ns=5_000_000_000)))
    look = replace(look, documents=(replace(document, content=young),))
    assert "restart it" in why(World(configs(server("x", "rogue")), look, running("claude", "rogue")))


def test_a_server_that_no_entry_yields_came_from_inside_a_session() -> None:
    look = running("claude", "x-mcp")
    assert "something inside a session" in why(World(configs(), managed(LOCKED), look))


def test_where_nothing_is_known_it_is_said() -> None:
    assert why(World(configs(server("x", "rogue")), managed(DENY), running("claude", "rogue"))) == (
        "claude-code should have refused it; what let it through is not known."
    )


@pytest.mark.parametrize("name", ["x-mcp", "mcp-server-x"])
def test_a_host_that_is_no_known_client_asked_nobody(name: str) -> None:
    host = Process(10, 1.0, 1, "host", "ann", "/usr/bin/host", ("host",), wires={5: "pipe:1", 6: "pipe:2"})
    child = Process(11, 2.0, 10, "npx", "ann", None, ("npx", name), wires={0: "pipe:1", 1: "pipe:2"})
    look = replace(running("claude", "x"), processes=(host, child))
    found = assess(World(configs(), managed(LOCKED), look), TERMS)[0]
    assert all("no known client" in item.text or "No known MCP client" in item.text for item in found.deviations)


def test_an_allowed_server_needs_no_reason() -> None:
    look: ProcessLook = running("claude", "npx", "-y", "approved@1.0.0")
    assert judged(LOCKED, server("a", "npx", "-y", "approved@1.0.0"), processes=look).deviations == ()


def test_an_outdated_client_is_named_with_what_it_lets_through() -> None:
    look = tuple(replace(one, client_versions={"claude-code": "2.1.100"}) for one in configs(server("x", "rogue")))
    text = why(World(look, managed(DENY), running("claude", "rogue")))
    assert text.startswith("claude-code 2.1.100 is outdated and lets servers past the policy: ")
    assert text.endswith(". Update it.")


def test_what_only_bears_the_clients_name_is_said_to() -> None:
    marks = tuple(replace(one, paths=("@anthropic-ai/claude-code",)) for one in TERMS.marks)
    world = World(configs(server("x", "rogue")), managed(DENY), running("claude", "rogue"))
    (found,) = (
        i for i in assess(world, replace(TERMS, marks=marks))[0].deviations if i.key.control.endswith(".running")
    )
    assert "What runs as claude-code lies at /usr/bin/claude, where no installer of it puts it" in found.text
    assert world.processes is not None
    host, child = world.processes.processes
    placed = replace(host, exe="/usr/lib/node_modules/@anthropic-ai/claude-code/bin/claude.exe")
    look = replace(world.processes, processes=(placed, child))
    (found,) = (
        item
        for item in assess(replace(world, processes=look), replace(TERMS, marks=marks))[0].deviations
        if item.key.control.endswith(".running")
    )
    assert "what let it through is not known" in found.text


@pytest.mark.parametrize(
    ("what", "said"),
    [
        (Superseded("/opt/claude", at=120.0), "was replaced on disk at 1970-01-01 00:02Z, after it was started"),
        (Superseded("/opt/claude", deleted=True), "was deleted from disk since it was started"),
        (Superseded("/opt/claude", deleted=None), "was replaced or deleted on disk since it was started"),
    ],
)
def test_a_client_that_was_replaced_on_disk_while_it_runs_is_to_be_restarted(what: Superseded, said: str) -> None:
    look = running("claude", "rogue")
    host, child = look.processes
    world = World(configs(server("x", "rogue")), managed(DENY), replace(look, superseded={host.identity: what}))
    text = why(world)
    assert text.startswith(f"The program of claude-code (/opt/claude) {said}: what runs is still the old one")
    assert "Restart it" in text
    untouched = assess(replace(world, processes=look), TERMS)[0]
    assert {item.key for item in assess(world, TERMS)[0].deviations} == {item.key for item in untouched.deviations}
    of_server = replace(look, superseded={child.identity: what})
    (found,) = (
        item
        for item in assess(replace(world, processes=of_server), TERMS)[0].deviations
        if item.key.control == "server.denied.running"
    )
    assert f"its program, /opt/claude, {said}" in [fact.text for fact in found.evidence if fact.kind == "superseded"]
    (row,) = assess(replace(world, processes=of_server), TERMS)[0].processes
    assert row.notes == (f"It runs on from a program that {said} (/opt/claude).",)


def test_an_update_that_was_installed_beside_the_outdated_client_that_runs_asks_for_a_restart() -> None:
    updated = tuple(replace(one, client_versions={"claude-code": "2.1.330"}) for one in configs(server("x", "rogue")))
    look = running("claude", "rogue")
    host, child = look.processes
    old = replace(host, exe="/home/ann/.local/share/claude/versions/2.1.100")
    terms = replace(TERMS, marks=tuple(replace(one, paths=("share/claude/versions",)) for one in TERMS.marks))
    text = why(World(updated, managed(DENY), replace(look, processes=(old, child))), terms)
    assert text.startswith("claude-code 2.1.100 is outdated and lets servers past the policy: ")
    assert text.endswith(". Version 2.1.330 is installed: restart it.")
    new = replace(host, exe="/home/ann/.local/share/claude/versions/2.1.330")
    outdated = tuple(replace(one, client_versions={"claude-code": "2.1.100"}) for one in updated)
    assert "outdated" not in why(World(outdated, managed(DENY), replace(look, processes=(new, child))), terms)
