import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.core.control import CONTROLS
from agent.core.observation import Document, DocumentKind
from agent.core.policy.lint import document_from, lint
from agent.core.policy.lint_files import Finding
from agent.core.policy.lint_report import Format, as_json, as_sarif, as_text, render
from tests.sim.policies import data, document

BASE, DROPINS = "/etc/claude-code/managed-settings.json", "/etc/claude-code/managed-settings.d"
LOCK = {"allowManagedMcpServersOnly": True}


def base(value: object) -> Document:
    raw = value if isinstance(value, bytes) else json.dumps(value, indent=2).encode()
    return document_from(BASE, raw)


def drop(name: str, value: object) -> Document:
    return document_from(f"{DROPINS}/{name}", json.dumps(value).encode())


def codes(*documents: Document, whole: bool = True) -> dict[str, str]:
    return {finding.code: finding.control for finding in lint(documents, whole=whole)}


def allow(entry: object) -> dict[str, Finding]:
    return {f.code: f for f in lint([base({**LOCK, "allowedMcpServers": [entry]})])}


def deny(entry: object) -> dict[str, Finding]:
    return {f.code: f for f in lint([base({"deniedMcpServers": [entry]})])}


def test_a_good_policy_has_no_findings() -> None:
    value = {
        **LOCK,
        "allowedMcpServers": [{"serverCommand": ["/opt/mcp/server"]}, {"serverUrl": "https://mcp.example.com/mcp"}],
        "deniedMcpServers": [{"serverUrl": "*://evil.example:*/*"}],
    }
    assert lint([base(value)]) == ()


def test_a_finding_names_line_column_and_pointer() -> None:
    raw = b'{\n  "allowManagedMcpServersOnly": true,\n  "allowedMcpServers": [\n    {"serverName": "a"}]}'
    (finding,) = lint([base(raw)])
    assert (finding.path, finding.pointer, finding.line, finding.column) == (BASE, "/allowedMcpServers/0", 4, 5)
    assert (finding.control, finding.severity) == ("policy.name-only", CONTROLS["policy.name-only"].severity)


@pytest.mark.parametrize(
    ("url", "code", "corrected"),
    [
        ("*", "everything", None),
        ("*://h.example/*", "any-scheme", "https://h.example/*"),
        ("http://h.example/*", "clear-text", "https://h.example/*"),
        ("https://mcp.example.com*", "look-alike-host", "https://mcp.example.com/*"),
        ("https://*example.com/*", "look-alike-host", "https://*.example.com/*"),
        ("https://*/*", "shared-suffix", None),
        ("https://*.com/*", "shared-suffix", None),
        ("https://*.workers.dev/*", "shared-suffix", None),
        ("https://*.corp.example/*", "any-port", None),
        ("https://*.corp.example:443/*", "any-port", None),
        ("https://h.example/mcp/..", "path-resolves-to-root", None),
        ("https://h.example/#mcp", "path-resolves-to-root", None),
        ("https://h.example/mcp/../*", "path-resolves", None),
        ("https://u:p@h.example/*", "ignored-user", None),
        ("https://h.example:84*/*", "raw-text", None),
        ("h.example/*", "no-scheme", "https://h.example/*"),
    ],
)
def test_a_wide_allow_pattern_is_told_with_the_one_that_was_meant(url: str, code: str, corrected: str | None) -> None:
    found = allow({"serverUrl": url})
    assert code in found
    wanted = None if corrected is None else json.dumps({"serverUrl": corrected})
    assert found[code].corrected == wanted
    if corrected is not None:
        assert code not in allow({"serverUrl": corrected})


@pytest.mark.parametrize(
    "url", ["http://localhost:3000/*", "http://127.0.0.1:*/*", "https://h.example", "https://h.example/"]
)
def test_a_narrow_allow_pattern_has_no_findings(url: str) -> None:
    assert allow({"serverUrl": url}) == {}


@pytest.mark.parametrize(
    ("url", "code", "corrected"),
    [
        ("*.evil.example/*", "no-scheme", "*://*.evil.example:*/*"),
        ("evil.example", "no-scheme", "*://evil.example:*/*"),
        ("http*://evil.example/*", "no-scheme", "*://evil.example:*/*"),
        ("**", "no-scheme", None),
        ("*://evil.example:443/*", "default-port", "*://evil.example:*/*"),
        ("*://bücher.example/*", "host-not-canonical", "*://xn--bcher-kva.example:*/*"),
        ("*://127.1/*", "host-not-canonical", "*://127.0.0.1:*/*"),
        ("*://evil.example?k=1", "query-without-path", "*://evil.example/?k=1"),
        ("http://evil.example:84*/*", "raw-text", None),
        ("https://evil.example/*", "one-origin", "*://evil.example:*/*"),
        ("*://evil.example:*/mcp", "denied-path", "*://evil.example:*/*"),
        ("*://evil.example:*/mcp?x=1", "exact-query", "*://evil.example:*/mcp"),
    ],
)
def test_a_denial_that_does_not_hold_is_told_with_the_one_that_does(url: str, code: str, corrected: str | None) -> None:
    found = deny({"serverUrl": url})
    assert code in found
    wanted = None if corrected is None else json.dumps({"serverUrl": corrected})
    assert found[code].corrected == wanted
    if corrected is not None:
        assert code not in deny({"serverUrl": corrected})


def test_commands_that_are_not_what_they_look_like() -> None:
    assert set(deny({"serverCommand": ["npx", "evil"]})) == {"changed-argument"}
    assert allow({"serverCommand": ["npx -y pkg"]})["one-word"].corrected == '{"serverCommand": ["npx", "-y", "pkg"]}'
    assert set(allow({"serverCommand": ["npx", "*"]})) == {"no-wildcards"}
    assert (
        set(allow({"serverCommand": ["~/srv"]}))
        == set(allow({"serverCommand": ["%APPDATA%\\srv"]}))
        == {"not-expanded"}
    )
    assert set(deny({"serverName": "x"})) == {"denied-name"}


def test_a_variable_is_a_weakness_unless_managed_settings_set_it() -> None:
    entry = {"serverCommand": ["${SRV}"]}
    assert codes(base({**LOCK, "allowedMcpServers": [entry]})) == {"variable": "policy.environment-dependent"}
    assert codes(base({**LOCK, "env": {"SRV": "/opt/x"}, "allowedMcpServers": [entry]})) == {}


def test_a_name_beside_both_other_kinds_does_nothing() -> None:
    entries = [{"serverName": "a"}, {"serverCommand": ["x"]}, {"serverUrl": "https://h.example/x"}]
    assert codes(base({**LOCK, "allowedMcpServers": entries})) == {"name-demoted": "policy.inert-entry"}


@pytest.mark.parametrize(
    ("entry", "corrected"),
    [
        ({"serverName": "a", "serverCommand": ["x"]}, {"serverCommand": ["x"]}),
        ({"serverCommand": "npx -y x"}, {"serverCommand": ["npx", "-y", "x"]}),
        ({"serverUrl": ["https://h.example/*"]}, {"serverUrl": "https://h.example/*"}),
        ("https://h.example/*", {"serverUrl": "https://h.example/*"}),
        (3, None),
        ({}, None),
    ],
)
def test_an_invalid_entry_is_told_with_the_one_that_was_meant(entry: object, corrected: object) -> None:
    finding = allow(entry)["invalid-entry"]
    assert finding.control == "policy.invalid-entry"
    assert (None if finding.corrected is None else json.loads(finding.corrected)) == corrected


def test_locks_that_do_not_lock() -> None:
    entries = {"allowedMcpServers": [{"serverCommand": ["/opt/x"]}]}
    assert codes(base(entries)) == {"no-lock": "policy.soft-allowlist"}
    assert codes(base({"allowedMcpServers": []})) == {"no-lock": "policy.soft-allowlist"}
    assert codes(base(LOCK)) == {"lock-without-list": "policy.lock-without-list"}
    reset = lint([base({**entries, **LOCK}), drop("20.json", {"allowManagedMcpServersOnly": False})])
    assert [(finding.code, finding.path) for finding in reset] == [("lock-reset", f"{DROPINS}/20.json")]
    assert codes(base({**entries, **LOCK}), drop("20.json", {"allowManagedMcpServersOnly": None})) == {}


def test_files_that_do_nothing() -> None:
    assert codes(drop("x.JSON", LOCK), whole=False) == {"ignored-name": "policy.ignored-file"}
    assert codes(base(b""), whole=False) == {"empty-file": "policy.not-effective"}
    private = document(DocumentKind.MANAGED_SETTINGS, data({"deniedMcpServers": []}, mode=0o600))
    assert codes(private) == {"unreadable-for-users": "policy.not-effective"}


def test_a_file_that_keeps_the_client_from_starting_is_told_with_the_place_of_the_error() -> None:
    (finding,) = lint([base(b'{\n  "a": 1,\n}')])
    assert (finding.control, finding.line) == ("policy.client-refuses", 3)


def test_keys_that_the_client_does_not_know_or_meets_twice() -> None:
    assert codes(base({"deniedMCPServers": []}), whole=False) == {"wrong-case-key": "policy.inert-entry"}
    twice = b'{"deniedMcpServers": [],\n "deniedMcpServers": []}'
    assert [(f.code, f.line, f.column) for f in lint([base(twice)])] == [("duplicate-key", 1, 22)]


def test_nothing_about_servers_is_a_missing_policy() -> None:
    assert codes(base({"model": "x"})) == {"missing": "policy.missing"}
    assert codes() == {"missing": "policy.missing"}
    assert codes(base({"model": "x"}), whole=False) == {}


def test_a_managed_mcp_file_is_known_by_its_name_or_by_what_it_holds() -> None:
    good = b'{"mcpServers": {"m": {"command": "/opt/x"}}}'
    kinds = [document_from(path, good).kind for path in ("managed-mcp.json", "-", "x/managed-settings.json")]
    assert kinds == [DocumentKind.MANAGED_MCP, DocumentKind.MANAGED_MCP, DocumentKind.MANAGED_SETTINGS]
    assert codes(document_from("managed-mcp.json", good)) == {}
    assert codes(document_from("managed-mcp.json", b"")) == {"no-servers": "policy.invalid-entry"}


def test_a_provided_server_that_needs_a_permission_and_has_none_is_told() -> None:
    file = document_from("managed-mcp.json", b'{"mcpServers": {"m": {"command": "${HOME}/x"}}}')
    found = lint([file, base({**LOCK, "allowedMcpServers": []})])
    assert [(finding.code, finding.pointer) for finding in found] == [("provided-and-blocked", "/mcpServers/m")]


def test_the_three_reports_hold_every_finding() -> None:
    found = lint([base({"allowedMcpServers": [{"serverName": "a"}, {"serverUrl": "https://*example.com/*"}]})])
    text, value, sarif = as_text(found), as_json(found), as_sarif(found, version="1.2.3")
    assert text.count("[policy.") == len(found) == len(value["findings"])
    run = sarif["runs"][0]
    assert len(run["results"]) == len(found)
    for result in run["results"]:
        assert run["tool"]["driver"]["rules"][result["ruleIndex"]]["id"] == result["ruleId"]
        assert result["locations"][0]["physicalLocation"]["region"]["startLine"] >= 1
    forms: tuple[Format, ...] = ("text", "json", "sarif")
    assert all(render(found, form, version="1") for form in forms)
    assert as_text(()) == "No weakness found."


ENTRY_TEXT = st.text(alphabet="*:/?#[]@.%${}A-bücher https", max_size=24)
ENTRIES = st.lists(
    st.one_of(
        ENTRY_TEXT.map(lambda text: {"serverUrl": text}),
        st.lists(ENTRY_TEXT, min_size=1, max_size=3).map(lambda command: {"serverCommand": command}),
        ENTRY_TEXT.map(lambda text: {"serverName": text}),
        st.integers(),
    ),
    max_size=4,
)


@given(ENTRIES, ENTRIES, st.binary(max_size=60), st.sampled_from(["managed-mcp.json", BASE, f"{DROPINS}/a.json", "-"]))
def test_the_linter_never_raises_whatever_it_is_given(
    allowed: list[Any], denied: list[Any], raw: bytes, path: str
) -> None:
    value = {"allowedMcpServers": allowed, "deniedMcpServers": denied}
    for finding in lint([base(value), document_from(path, raw)]):
        assert finding.text
        assert finding.remedy
        assert finding.control in CONTROLS
