"""The recorded process trees: every server is found, whole and under its client, and nothing else is."""

from dataclasses import replace

import pytest

from agent.catalog.rows import catalog
from agent.core.observation import Process
from agent.core.recognition import Confidence, recognise
from agent.core.recognition.clients import index_of
from tests.golden.trees import CASES, CLIENTS, Case, expected, processes, seen, servers


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"])
def test_a_recorded_tree_yields_its_servers_whole_and_under_their_client(case: Case) -> None:
    assert seen(recognise(processes(case), servers(case), CLIENTS, now=2000.0)) == expected(case)


def _unwired(case: Case) -> Case:
    return {**case, "processes": [{**row, "wires": {}} for row in case["processes"]]}


def test_precision_and_recall_on_the_recorded_trees_are_whole() -> None:
    found = {(case["name"], *row) for case in CASES for row in seen(recognise(processes(case), servers(case), CLIENTS))}
    wanted = {(case["name"], *row) for case in CASES for row in expected(case)}
    assert len(wanted) > 40
    assert len(found & wanted) / len(found) == 1.0, found - wanted
    assert len(found & wanted) / len(wanted) == 1.0, wanted - found


@pytest.mark.parametrize("case", [c for c in CASES if c["expected"]], ids=lambda case: case["name"])
def test_confidence_is_high_for_configured_servers_of_known_clients_and_never_for_unknown_hosts(case: Case) -> None:
    for server in recognise(processes(case), servers(case), CLIENTS):
        if server.client is None:
            assert server.confidence is Confidence.MEDIUM
        elif server.server is not None:
            assert server.confidence is Confidence.HIGH


@pytest.mark.parametrize(
    "name", ["npx_node", "uvx", "venvbin", "pipx_pip", "pnpm_dlx", "bunx", "deno_npm", "mcp_remote"]
)
def test_a_launched_mcp_package_is_found_under_an_unknown_host_without_any_entry(name: str) -> None:
    case = next(case for case in CASES if case["name"] == name)
    (server,) = recognise(processes(case), (), CLIENTS)
    assert (server.client, server.server, server.confidence) == (None, None, Confidence.MEDIUM)


@pytest.mark.parametrize("case", [c for c in CASES if c["name"] in {"npx_node", "uvx"}], ids=lambda case: case["name"])
def test_without_wires_an_unconfigured_server_of_an_unknown_host_is_not_guessed(case: Case) -> None:
    assert recognise(processes(_unwired(case)), (), CLIENTS) == ()


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"])
def test_evidence_holds_no_argument_and_no_path(case: Case) -> None:
    for server in recognise(processes(case), servers(case), CLIENTS):
        for row in server.evidence:
            assert "X-Team" not in row.text
            assert "http" not in row.text
            assert "/home/" not in row.text
            assert "/opt/" not in row.text


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"])
def test_what_the_catalog_knows_of_clients_suffices(case: Case) -> None:
    assert seen(recognise(processes(case), servers(case), catalog().marks, now=2000.0)) == expected(case)


@pytest.mark.parametrize(
    "program",
    [
        "/home/ann/.local/share/claude/versions/2.1.330",
        "/opt/homebrew/Caskroom/claude-code/2.1.330/claude",
        "/home/ann/.npm-global/lib/node_modules/@anthropic-ai/claude-code/bin/claude.exe",
    ],
)
def test_claude_code_is_known_wherever_its_installers_put_it(program: str) -> None:
    """The native installer's program is called by its version; what the link to it is called the kernel does not tell."""
    host = Process(1, 1.0, None, "claude", exe=program, command=("claude",))
    index = index_of(catalog().marks)
    found = index.of(host)
    assert found is not None
    assert (found.client, index.misplaced(host)) == ("claude-code", None)
    assert index.misplaced(replace(host, exe="/home/ann/bin/claude")) == "/home/ann/bin/claude"
