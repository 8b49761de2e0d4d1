"""The evidence of a blocked server names the entry that nearly matched, and the conditions of the agent reach the findings."""

from agent.core.assess import assess
from agent.core.deviation import Key, Severity
from agent.core.documents import ConditionRow
from agent.core.world import World
from tests.sim.worlds import LOCKED, TERMS, configs, managed, running, server

NEARLY = ("npx", "-y", "approved@1.0.1")


def test_a_blocked_server_has_the_entry_that_nearly_matched_in_its_evidence() -> None:
    world = World(configs(server("x", *NEARLY, client="cursor")), managed(LOCKED), running("cursor", *NEARLY))
    found, _ = assess(world, TERMS)
    by_control = {item.key.control: item for item in found.deviations}
    for control in ("server.unapproved.configured", "server.unapproved.running"):
        (near,) = [fact.text for fact in by_control[control].evidence if fact.kind == "nearest-entry"]
        assert "approved@1.0.0" in near
        assert "approved@1.0.1" in near
        assert by_control[control].client == "cursor"


def test_bad_health_of_the_agent_is_among_the_findings_and_gone_with_it() -> None:
    world = World(configs(), managed(LOCKED), running("claude", "sleep"))
    row = ConditionRow("journal.replaced", Severity.HIGH, "The journal was damaged.", 1.0)
    key = Key("agent.degraded", "journal.replaced")
    bad, _ = assess(world, TERMS, conditions=[row])
    good, _ = assess(world, TERMS)
    assert key in bad.findings.present
    assert bad.summary.state == "deviating"
    assert good.findings.sighting(key, ()).value == "gone"
