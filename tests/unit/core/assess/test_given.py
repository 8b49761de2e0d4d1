"""Servers of a command line: judged, shown, and told of unless the policy allows them."""

from dataclasses import replace

from agent.core.assess import Terms, assess
from agent.core.observation import Document, DocumentKind, Given, ProcessLook
from agent.core.place import Data, Place
from agent.core.recognition import ClientMarks
from agent.core.server import ServerScope
from agent.core.verdict import Answer
from agent.core.world import World
from tests.sim.worlds import LOCKED, TERMS, configs, controls, facts, judged, managed, running, server

HOST = (10, 1.0)


def given(*command: str, runs: bool = True) -> ProcessLook:
    entry = replace(server("x", *command), scope=ServerScope.DYNAMIC, place=Place("command line", "/mcpServers/x"))
    look = running("claude", *command) if runs else running("claude", "git", "status")
    return replace(look, given=(Given(HOST, "--mcp-config", entry),))


def test_an_unapproved_server_of_a_command_line_is_told_of_even_before_it_runs() -> None:
    found = judged(LOCKED, processes=given("rogue", runs=False))
    assert controls(found) == {"server.flag-injected"}
    (deviation,) = found.deviations
    assert "--mcp-config" in deviation.text
    assert {fact.kind for fact in deviation.evidence} >= {"option", "process", "command"}
    (row,) = found.servers
    assert (row.scope, row.verdict) == (ServerScope.DYNAMIC, Answer.BLOCKED)


def test_a_running_server_of_a_command_line_is_matched_with_it() -> None:
    found = judged(LOCKED, processes=given("rogue"))
    assert controls(found) == {"server.flag-injected", "server.denied.running"}
    assert found.processes[0].matches == found.servers[0].key
    assert found.servers[0].running == (11,)


def test_an_approved_server_may_come_by_any_way() -> None:
    assert controls(judged(LOCKED, processes=given("npx", "-y", "approved@1.0.0", runs=False))) == set()


def test_without_a_policy_nothing_is_decided_about_it() -> None:
    assert "server.flag-injected" not in controls(judged(None, processes=given("rogue", runs=False)))


def test_many_clients_that_were_given_the_same_server_are_one_deviation() -> None:
    look = given("rogue", runs=False)
    (item,) = look.given
    look = replace(look, given=(item, replace(item, process=(99, 3.0))))
    (deviation,) = assess(World(configs(), managed(LOCKED), look), TERMS)[0].deviations
    assert any(fact.text == "pid 10, 99" for fact in deviation.evidence)


def test_an_option_that_could_not_be_read_costs_nothing_else_and_is_told_of() -> None:
    look = given("rogue", runs=False)
    unread = Given(HOST, "--mcp-config", problem="a file that it names could not be read")
    look = replace(look, given=(unread, unread, *look.given))
    found = judged(LOCKED, processes=look)
    assert [key.control for key in found.findings.present] == ["server.flag-injected"] * 2
    (text,) = (item.text for item in found.deviations if "not known" in item.text)
    assert text == (
        "A running claude-code was given servers by --mcp-config, and which is not known: a file that it names could not be read."
    )
    assert "server.flag-injected" not in controls(judged(None, processes=replace(look, given=(unread,))))


CODEX = Terms(marks=(ClientMarks("codex", frozenset({"codex"})),))


def requirements(text: str) -> Document:
    path = "/etc/codex/requirements.toml"
    way = (facts("/", "folder", 0o755), facts("/etc", "folder", 0o755), facts("/etc/codex", "folder", 0o755))
    return Document(DocumentKind.CODEX_REQUIREMENTS, path, Data(text.encode(), (*way, facts(path))))


def test_a_server_by_minus_c_is_held_to_codexs_own_requirements_too() -> None:
    """Codex applies its requirements to what `-c` gives as to what stands in files."""
    entry = replace(server("x", "npx", "-y", "approved@1.0.0", client="codex"), scope=ServerScope.DYNAMIC)
    look = replace(running("codex", "git", "status"), given=(Given(HOST, "-c mcp_servers", entry),))
    policy = managed(LOCKED)
    others = (requirements("[mcp_servers.other.identity]\ncommand = 'other'\n"),)
    alone = assess(World(configs(), policy, look), CODEX)[0]
    both = assess(World(configs(), replace(policy, others=others), look), CODEX)[0]
    assert [(row.verdict, row.enforced_by_client, row.loads) for row in alone.servers] == [("allowed", False, None)]
    assert [(row.verdict, row.enforced_by_client, row.loads) for row in both.servers] == [("blocked", True, False)]
    assert controls(alone) == set()
    assert controls(both) == {"server.flag-injected"}
