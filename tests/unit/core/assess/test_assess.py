from dataclasses import replace

import pytest

from agent.core.assess import assess
from agent.core.control import CONTROLS
from agent.core.deviation import Evidence, Key, Severity, Sighting
from agent.core.ledger import TRANSITIONS
from agent.core.observation import (
    ConfigLook,
    Coverage,
    CoverageState,
    Process,
    Scope,
)
from agent.core.world import World
from tests.sim.worlds import ANN, APPROVED, LOCKED, QUIET, TERMS, configs, controls, judged, managed, running, server

BAD = configs(server("bad", "bad", client="cursor"))


@pytest.mark.parametrize(
    "world",
    [World(None, managed(LOCKED), QUIET), World(BAD, None, QUIET), World(BAD, managed(LOCKED), None)],
    ids=["no configs", "no managed files", "no processes"],
)
def test_nothing_is_decided_before_every_source_has_looked_once(world: World) -> None:
    assessment, _ = assess(world, TERMS)
    assert not assessment.complete
    assert assessment.findings.present == {}
    assert assessment.findings.sighting(Key("policy.missing", "policy"), ("managed",)) is Sighting.UNKNOWN


def test_a_device_on_which_every_server_is_approved_complies() -> None:
    assessment = judged(LOCKED, server("a", "npx", "-y", "approved@1.0.0"))
    assert controls(assessment) == set()
    assert assessment.summary.state == "compliant"
    (row,) = assessment.servers
    assert (row.verdict, row.loads, row.enforced_by_client) == ("allowed", True, True)


def test_an_entry_that_the_client_will_refuse_is_told_and_does_not_make_the_device_deviate() -> None:
    assessment = judged(LOCKED, server("bad", "npx", "bad"))
    assert controls(assessment) == {"server.blocked.configured"}
    assert assessment.summary.state == "compliant"


def test_an_entry_of_a_client_that_enforces_nothing_makes_the_device_deviate() -> None:
    assessment = judged(LOCKED, server("bad", "npx", "bad", client="cursor"))
    assert controls(assessment) == {"server.unapproved.configured"}
    assert assessment.summary.state == "deviating"
    (row,) = assessment.servers
    assert (row.verdict, row.enforced_by_client) == ("blocked", False)


def test_a_switched_off_entry_of_such_a_client_is_no_deviation() -> None:
    assessment = judged(LOCKED, replace(server("bad", "npx", "bad", client="cursor"), disabled=True))
    assert controls(assessment) == set()


def test_a_running_server_that_nobody_approved_is_reported_with_what_it_is_and_who_runs_it() -> None:
    bad = server("bad", "bad-server", "--token", "hunter2SECRET", client="cursor")
    processes = running("cursor", "bad-server", "--token", "hunter2SECRET")
    assessment = judged(LOCKED, bad, processes=processes)
    assert "server.unapproved.running" in controls(assessment)
    (row,) = assessment.processes
    assert (row.pid, row.client, row.matches, row.verdict) == (11, "cursor", bad.key, "blocked")
    assert "hunter2SECRET" not in repr(assessment)


def test_a_server_that_a_deny_entry_names_and_that_runs_all_the_same_is_the_top_alert() -> None:
    settings = {"deniedMcpServers": [{"serverCommand": ["bad-server"]}]}
    bad = server("bad", "bad-server", client="cursor")
    assessment = judged(settings, bad, processes=running("cursor", "bad-server"))
    assert Severity.CRITICAL in {
        item.severity for key, item in assessment.findings.present.items() if key.control == "server.denied.running"
    }


def test_an_enforcing_client_that_runs_what_it_should_refuse_is_the_top_alert() -> None:
    bad = server("bad", "bad-server")
    assessment = judged(LOCKED, bad, processes=running("claude", "bad-server"))
    assert "server.denied.running" in controls(assessment)


def test_an_approved_running_server_is_no_deviation() -> None:
    good = server("good", "good-server", client="cursor")
    settings = {"allowedMcpServers": [{"serverCommand": ["good-server"]}], "allowManagedMcpServersOnly": True}
    assessment = judged(settings, good, processes=running("cursor", "good-server"))
    assert controls(assessment) == set()
    assert assessment.servers[0].running == (11,)


def test_no_policy_decides_nothing_and_says_so() -> None:
    assessment = judged(None, server("any", "npx", "any", client="cursor"))
    assert controls(assessment) == {"policy.missing"}
    assert {row.verdict for row in assessment.servers} == {"undetermined"}
    assert assessment.policy is not None
    assert assessment.policy.state == "none"


def test_a_policy_that_vanishes_leaves_open_deviations_open() -> None:
    bad = server("bad", "npx", "bad", client="cursor")
    before = judged(LOCKED, bad)
    after = judged(None, bad)
    (key,) = before.findings.present
    depends = tuple(str(scope) for scope in before.findings.present[key].depends)
    assert after.findings.sighting(key, depends) is Sighting.UNKNOWN
    assert TRANSITIONS  # unknown leaves every standing as it is: tests/laws/test_ledger.py


def test_a_config_that_could_not_be_read_closes_nothing_and_the_device_is_unknown() -> None:
    bad = server("bad", "npx", "bad", client="cursor")
    before = judged(LOCKED, bad)
    unreadable = ConfigLook(
        ANN,
        coverage=(
            Coverage(Scope("config", "ann", "cursor", "/home/ann/.cursor.json"), CoverageState.MALFORMED, "line 3"),
        ),
    )
    after, _ = assess(World((unreadable,), managed(LOCKED), QUIET), TERMS)
    (key,) = before.findings.present
    depends = tuple(str(scope) for scope in before.findings.present[key].depends)
    assert after.findings.sighting(key, depends) is Sighting.UNKNOWN
    assert after.summary.state == "unknown"
    assert "line 3" in after.summary.why


def test_a_removed_entry_is_gone() -> None:
    before = judged(LOCKED, server("bad", "npx", "bad", client="cursor"))
    after = judged(LOCKED)
    (key,) = before.findings.present
    depends = tuple(str(scope) for scope in before.findings.present[key].depends)
    assert after.findings.sighting(key, depends) is Sighting.GONE


@pytest.mark.parametrize(
    ("settings", "mode", "control"),
    [
        ("{", 0o644, "managed-file.malformed"),
        ("{", 0o644, "policy.client-refuses"),
        (LOCKED, 0o600, "managed-file.unreadable"),
        (LOCKED, 0o666, "managed-file.exposed"),
        ({"allowedMcpServers": [APPROVED]}, 0o644, "policy.soft-allowlist"),
        ({"allowManagedMcpServersOnly": True}, 0o644, "policy.lock-without-list"),
        ({"allowedMcpServers": [{"serverName": "x"}], "allowManagedMcpServersOnly": True}, 0o644, "policy.name-only"),
        ({**LOCKED, "deniedMcpServers": [{"serverName": 1}]}, 0o644, "policy.invalid-entry"),
    ],
)
def test_a_weakness_of_the_managed_files_fails_its_control(settings: object, mode: int, control: str) -> None:
    assessment, _ = assess(World(configs(), managed(settings, mode=mode), QUIET), TERMS)
    assert control in controls(assessment)


def test_the_organisations_own_severity_takes_the_place_of_the_default() -> None:
    terms = replace(TERMS, severities={"server.unapproved.configured": Severity.LOW})
    assessment = judged(LOCKED, server("bad", "npx", "bad", client="cursor"), terms=terms)
    assert assessment.summary.state == "compliant"


def test_a_verdict_that_hangs_on_an_unknown_variable_leaves_the_device_unknown_and_names_it() -> None:
    settings = {"allowedMcpServers": [{"serverCommand": ["/opt/x"]}], "allowManagedMcpServersOnly": True}
    assessment = judged(settings, server("x", "${TOOLS}/x"))
    assert assessment.summary.state == "unknown"
    assert "TOOLS" in assessment.summary.why


def test_what_depends_on_files_alone_is_not_judged_again_when_only_processes_changed() -> None:
    world = World(configs(server("a", "npx", "-y", "approved@1.0.0")), managed(LOCKED), QUIET)
    first, memo = assess(world, TERMS)
    second, _ = assess(replace(world, processes=running("cursor", "x")), TERMS, memo)
    assert second.policy is first.policy
    assert [one is other for one, other in zip(first.servers, second.servers, strict=True)] == [True]


def test_one_changed_entry_costs_a_judgement_of_that_entry() -> None:
    old, new = server("a", "npx", "bad", client="cursor"), server("a", "npx", "worse", client="cursor")
    others = [server(f"s{number}", "npx", f"bad{number}", client="cursor") for number in range(3)]
    before, memo = assess(World(configs(old, *others), managed(LOCKED), QUIET), TERMS)
    after, _ = assess(World(configs(new, *others), managed(LOCKED), QUIET), TERMS, memo)
    pairs = zip(before.deviations, after.deviations, strict=True)
    assert [one is other for one, other in pairs] == [False, True, True, True]


def test_a_scope_out_of_sight_for_too_long_is_a_deviation() -> None:
    scope = Scope("config", "ann", "cursor", "/home/ann/.cursor.json")
    look = ConfigLook(ANN, coverage=(Coverage(scope, CoverageState.UNREADABLE, "no permission"),))
    assessment, _ = assess(World((look,), managed(LOCKED), QUIET), TERMS, blind=frozenset({scope}))
    assert controls(assessment) == {"agent.blind"}
    assert "no permission" in assessment.deviations[0].text


def test_every_control_that_can_fail_is_in_the_table_of_controls() -> None:
    assert {"server.denied.running", "agent.blind", "policy.missing"} <= set(CONTROLS)
    assert all(item.remedy.endswith((".", "everything.")) for item in CONTROLS.values())


def test_evidence_is_redacted() -> None:
    bad = server("bad", "npx", "bad", "--api-key", "hunter2SECRET", client="cursor")
    assessment = judged(LOCKED, bad)
    assert "hunter2SECRET" not in repr(assessment.deviations)
    deviation = next(item for item in assessment.deviations if item.key.control == "server.unapproved.configured")
    assert Evidence("command", "npx bad --api-key ***") in deviation.evidence


def test_what_must_be_done_about_a_policy_is_said_once_and_clients_are_counted() -> None:
    [missing] = judged(None, server("a", "npx", client="cursor"), server("b", "npx", client="windsurf")).deviations
    assert missing.text == "cursor, windsurf are used here and no managed policy exists: every server may run."
    [soft] = [
        item
        for item in judged({"allowedMcpServers": [{"serverUrl": "https://a.example/x"}]}).deviations
        if item.key.control == "policy.soft-allowlist"
    ]
    assert soft.remediation.count("allowManagedMcpServersOnly") == 1


def test_to_allow_a_server_that_is_denied_is_not_advised_and_an_unknown_host_is_no_client_to_look_into() -> None:
    deny = {"deniedMcpServers": [{"serverCommand": ["rogue-mcp"]}], "allowManagedMcpServersOnly": True}
    host = Process(10, 1.0, 1, "host", "ann", "/usr/bin/host", ("host",), wires={5: "pipe:1", 6: "pipe:2"})
    child = Process(11, 2.0, 10, "rogue-mcp", "ann", None, ("rogue-mcp",), wires={0: "pipe:1", 1: "pipe:2"})
    look = replace(running("claude", "x"), processes=(host, child))
    told = {
        item.key.control: item.remediation
        for item in judged(deny, server("r", "rogue-mcp", client="cursor"), processes=look).deviations
    }
    assert told["server.unapproved.configured"].startswith("Remove the entry from that client: the policy denies")
    assert told["server.denied.running"] == "Stop the server, and find out what started it: no known client did."
