"""Approved entries that leave open what runs."""

from dataclasses import replace

from agent.core.artifact import Artifact
from agent.core.deviation import Severity
from agent.core.server import ServerScope
from tests.sim.worlds import judged, running, server

PINNED, LOOSE = ("npx", "-y", "approved@1.0.0"), ("npx", "-y", "loose")
POLICY = {
    "allowedMcpServers": [{"serverCommand": list(PINNED)}, {"serverCommand": list(LOOSE)}],
    "allowManagedMcpServersOnly": True,
}


def test_an_approved_command_without_a_version_is_low_and_leaves_the_device_compliant() -> None:
    found = judged(POLICY, server("a", *LOOSE), server("b", *PINNED))
    (deviation,) = found.deviations
    assert (deviation.key.control, deviation.severity) == ("server.unpinned", Severity.LOW)
    assert "loose" in deviation.text
    assert found.summary.state == "compliant"


def test_an_approved_server_whose_entry_bends_what_runs_is_told_with_the_names_alone() -> None:
    entry = replace(server("a", *PINNED), env={"NODE_OPTIONS": "--require /tmp/evil.js", "API_KEY": "x"})
    found = judged(POLICY, entry)
    (deviation,) = found.deviations
    assert deviation.key.control == "server.env-override"
    assert "NODE_OPTIONS" in deviation.text
    assert not any("evil" in text for text in (deviation.text, *(fact.text for fact in deviation.evidence)))
    assert "API_KEY" not in deviation.text


def test_a_blocked_entry_is_told_as_blocked_and_not_for_its_variables() -> None:
    found = judged(POLICY, replace(server("a", "rogue"), env={"LD_PRELOAD": "/tmp/x.so"}))
    assert {deviation.key.control for deviation in found.deviations} == {"server.blocked.configured"}


def test_what_the_organisation_sets_itself_is_its_own() -> None:
    entry = replace(server("a", *PINNED), scope=ServerScope.MANAGED, env={"NODE_OPTIONS": "--x"})
    assert "server.env-override" not in {deviation.key.control for deviation in judged(POLICY, entry).deviations}


def test_an_approved_server_that_runs_with_variables_of_its_users_shell_is_told_once() -> None:
    look = running("claude", *PINNED)
    child = look.processes[1]
    artifact = Artifact(package="approved", version="1.0.0", variables=("HOME", "LD_LIBRARY_PATH", "NODE_OPTIONS"))
    found = judged(POLICY, server("a", *PINNED), processes=replace(look, artifacts={child.identity: artifact}))
    (deviation,) = found.deviations
    assert deviation.key.control == "server.env-override"
    assert "NODE_OPTIONS" in deviation.text
    assert "LD_LIBRARY_PATH" not in deviation.text
    assert found.processes[0].artifact == {
        "name": "approved",
        "version": "1.0.0",
        "variables": "HOME, LD_LIBRARY_PATH, NODE_OPTIONS",
    }
