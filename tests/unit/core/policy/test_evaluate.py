from dataclasses import replace

import pytest

from agent.core.observation import DocumentKind
from agent.core.policy.effective import Policy
from agent.core.policy.evaluate import evaluate
from agent.core.policy.expansion import Environment
from agent.core.server import Server, ServerScope, Transport
from agent.core.verdict import Answer
from tests.sim.policies import COMPLETE, document, http, lists, managed, policy, stdio

A, B = ({"serverCommand": ["npx", name]} for name in "ab")
GH = {"serverName": "gh"}
URL = {"serverUrl": "https://ok.example/*"}
PARTLY = Environment()


def code(found: Policy, server: Server, environment: Environment = COMPLETE) -> str:
    return evaluate(found, server, environment).reason.code


def answer(found: Policy, server: Server, environment: Environment = COMPLETE) -> Answer:
    return evaluate(found, server, environment).answer


def test_without_a_managed_policy_nothing_is_decided() -> None:
    verdict = evaluate(policy(), stdio("npx"), COMPLETE)
    assert (verdict.answer, verdict.reason.code) == (Answer.UNDETERMINED, "no-policy")


def test_a_verdict_names_the_entry_and_its_file() -> None:
    reason = evaluate(lists(deny=[B, A]), stdio("npx", "a"), COMPLETE).reason
    assert reason.entry == '{"serverCommand": ["npx", "a"]}'
    assert reason.source == "/etc/claude-code/managed-settings.json at /deniedMcpServers/1"
    assert "/etc/claude-code/managed-settings.json" in reason.text


def test_names_count_only_while_the_list_has_no_entry_of_the_servers_kind() -> None:
    assert code(lists(allow=[GH]), stdio("x", name="gh")) == "allowed-by-name"
    assert code(lists(allow=[GH, A]), stdio("x", name="gh")) == "not-allowed"
    assert code(lists(allow=[GH, A]), http("https://evil.example", name="gh")) == "allowed-by-name"
    assert code(lists(allow=[GH, URL]), http("https://evil.example", name="gh")) == "not-allowed"
    assert code(lists(allow=[GH, {"serverUrl": ""}]), http("https://evil.example", name="gh")) == "not-allowed"


def test_an_empty_list_blocks_and_no_list_lets_pass() -> None:
    assert answer(lists(allow=[]), stdio("npx")) is Answer.BLOCKED
    assert code(lists(deny=[A]), stdio("npx")) == "no-allow-list"


def test_a_denial_beats_any_permission_by_name_command_or_url() -> None:
    for entry, server in (
        (GH, stdio("npx", "a", name="gh")),
        (A, stdio("npx", "a")),
        (URL, http("https://ok.example/x")),
    ):
        assert code(lists(allow=[A, URL, GH], deny=[entry]), server) == "denied"


def test_a_lock_without_a_list_lets_everything_pass_and_says_so() -> None:
    assert code(policy(managed({"allowManagedMcpServersOnly": True})), stdio("npx")) == "lock-without-list"


def test_an_in_process_server_passes_both_lists() -> None:
    server = replace(stdio("x"), transport=Transport.SDK, command=None)
    assert code(lists(allow=[], deny=[{"serverName": "s"}]), server) == "in-process"


def test_exclusive_control_shuts_out_all_but_provided_servers() -> None:
    found = policy(document(DocumentKind.MANAGED_MCP, {"mcpServers": {"m": {"command": "npx", "args": ["m"]}}}))
    assert code(found, stdio("npx", "m")) == "exclusive"
    assert code(found, found.managed_servers[0]) == "provided"


def test_for_clients_that_enforce_nothing_exclusive_control_means_these_endpoints() -> None:
    servers = {"m": {"command": "npx", "args": ["m"]}, "u": {"type": "http", "url": "https://h.example:443/x"}}
    file = document(DocumentKind.MANAGED_MCP, {"mcpServers": servers})
    found = policy(file)
    assert code(found, stdio("npx", "m", client="cursor")) == "provided"
    assert code(found, http("https://H.example/x", client="cursor")) == "provided"
    assert code(found, stdio("npx", "x", client="cursor")) == "not-provided"
    listed = policy(file, managed({"allowedMcpServers": [A]}))
    assert answer(listed, stdio("npx", "a", client="cursor")) is Answer.ALLOWED
    assert answer(listed, stdio("npx", "x", client="cursor")) is Answer.BLOCKED
    denied = policy(file, managed({"deniedMcpServers": [{"serverCommand": ["npx", "m"]}]}))
    assert code(denied, stdio("npx", "m", client="cursor")) == "denied"


@pytest.mark.parametrize(
    ("entry", "exempt"),
    [
        ({"command": "npx", "args": ["$HOME", "${}", "${X"], "env": {"X": "${HOME}"}}, True),
        ({"command": "${HOME}/m"}, False),
        ({"command": "npx", "args": ["${X:-z}"]}, False),
        ({"type": "http", "url": "https://m.example/${HOME}"}, False),
        ({"type": "http", "url": "https://m.example", "headers": {"X": "${HOME}"}}, False),
        ({"type": "http", "url": "https://m.example", "headersHelper": "/bin/${X}"}, True),
    ],
)
def test_a_provided_server_needs_an_allow_entry_only_with_a_reference_in_it(entry: object, *, exempt: bool) -> None:
    file = document(DocumentKind.MANAGED_MCP, {"mcpServers": {"m": entry}})
    found = policy(file, managed({"allowedMcpServers": []}))
    assert (answer(found, found.managed_servers[0]) is Answer.ALLOWED) is exempt
    before = policy(file, managed({"allowedMcpServers": []}), client_version="2.1.258")
    assert answer(before, before.managed_servers[0]) is Answer.BLOCKED


@pytest.mark.parametrize(
    ("kind", "blocks"),
    [
        (DocumentKind.USER_SETTINGS, True),
        (DocumentKind.PROJECT_SETTINGS, False),
        (DocumentKind.LOCAL_SETTINGS, False),
    ],
)
def test_a_projects_denials_do_not_bind_the_organisations_servers(kind: DocumentKind, *, blocks: bool) -> None:
    file = document(DocumentKind.MANAGED_MCP, {"mcpServers": {"m": {"command": "npx"}}})
    found = policy(file, document(kind, {"deniedMcpServers": [{"serverName": "m"}]}))
    assert (answer(found, found.managed_servers[0]) is Answer.BLOCKED) is blocks


@pytest.mark.parametrize(
    ("organisation", "project", "loads"),
    [
        (None, [], True),
        ([], [{"serverCommand": ["npx", "a"]}], True),
        ([], [{"serverName": "m"}], True),
        ([{"serverName": "m"}], [{"serverCommand": ["x"]}], True),
        ([{"serverCommand": ["x"]}], [{"serverName": "m"}], False),
        ([], [{"serverCommand": ["x"]}], False),
    ],
)
def test_a_projects_permissions_can_admit_the_organisations_servers_and_not_keep_them_out(
    organisation: list[object] | None, project: list[object], *, loads: bool
) -> None:
    file = document(DocumentKind.MANAGED_MCP, {"mcpServers": {"m": {"command": "npx", "args": ["${A}"]}}})
    own = document(DocumentKind.PROJECT_SETTINGS, {"allowedMcpServers": project})
    found = policy(file, own, *([] if organisation is None else [managed({"allowedMcpServers": organisation})]))
    verdict = evaluate(found, found.managed_servers[0], Environment({"A": "a"}, complete=True))
    assert (verdict.answer is Answer.ALLOWED) is loads


def test_plugin_only_shuts_out_users_and_projects_and_not_plugins_or_the_command_line() -> None:
    found = policy(managed({"strictPluginOnlyCustomization": True}))
    shut = {ServerScope.USER, ServerScope.LOCAL, ServerScope.PROJECT, ServerScope.AGENT}
    assert {scope for scope in ServerScope if code(found, stdio("npx", scope=scope)) == "plugin-only"} == shut


def test_rules_take_variables_from_managed_settings_first_and_never_from_user_settings() -> None:
    allow = {"allowedMcpServers": [{"serverCommand": ["${SRV}"]}]}
    user = document(DocumentKind.USER_SETTINGS, {"env": {"SRV": "/user"}})
    found = policy(managed({**allow, "env": {"SRV": "/opt"}}), user)
    environment = Environment({"SRV": "/mine"}, complete=True)
    assert answer(found, stdio("/opt"), environment) is Answer.ALLOWED
    assert answer(found, stdio("${SRV}"), environment) is Answer.ALLOWED
    assert answer(policy(managed(allow), user), stdio("/user")) is Answer.BLOCKED


def test_deny_rules_take_unset_variables_from_user_settings_and_not_from_a_projects() -> None:
    deny = managed({"deniedMcpServers": [{"serverCommand": ["${SRV}"]}]})
    for kind, blocked in ((DocumentKind.USER_SETTINGS, True), (DocumentKind.PROJECT_SETTINGS, False)):
        found = policy(deny, document(kind, {"env": {"SRV": "/evil"}}))
        assert evaluate(found, stdio("/evil"), COMPLETE).blocked is blocked


@pytest.mark.parametrize(
    ("written", "value"),
    [
        *(("https://${V}/*", value) for value in ("*", "evil.com/", "evil.com#", "evil.com?", "u@evil.com", "", "a b")),
        ("https://${V}.h.example/*", "evil.com:80"),
        ("https://h.example${V}/*", ":8443"),
        ("https://h.example${V}", "/a"),
        ("https://h.example:${V}/*", "8443/x"),
        ("https://h.example:${V}/*", "8443*"),
        ("https://h.example:${V}/*", ""),
        ("https://h.example/a/${V}/*", ".."),
        ("https://h.example/a/${V}/*", "b/../../c"),
        ("https://h.example/a/${V}/*", "%2e%2e"),
        ("https://h.example/${V}/x", "*"),
        ("https://h.example/${V}", "a?k=1"),
        ("https://h.example/${V}", "a#f"),
        ("${V}://h.example/*", ""),
        ("${V}//h.example/*", "https:"),
        ("${V}/*", "https://h.example"),
        ("https://${V:-*}.h.example/*", "*"),
        ("https://${V}/x/..", "h.example"),
        ("https://${V}/%2e/x", "h.example"),
        ("https://${V}:84*/*", "h.example"),
    ],
)
def test_a_variable_that_changes_an_allow_urls_structure_makes_it_inert(written: str, value: str) -> None:
    found = lists(allow=[{"serverUrl": written}])
    urls = (
        "https://evil.com/x",
        "https://h.example/x",
        "https://h.example:8443/x",
        "https://h.example/c/x",
        "https://q.h.example/x",
    )
    for url in urls:
        assert answer(found, http(url), Environment({"V": value}, complete=True)) is Answer.BLOCKED


@pytest.mark.parametrize(
    ("written", "value", "url"),
    [
        ("${V}://h.example/*", "https", "https://h.example/x"),
        ("https://${V}.h.example/*", "a.b", "https://a.b.h.example/x"),
        ("https://${V}h.example/*", "", "https://h.example/x"),
        ("https://h.example${V}", ".evil.com", "https://h.example.evil.com/x"),
        ("https://${V}/*", "h.example:8443", "https://h.example:8443/x"),
        ("http://${V}:80/*", "[::1]", "http://[::1]/x"),
        ("https://${V}@h.example/*", "u:p", "https://h.example/x"),
        ("https://h.example:${V}/*", "8443", "https://h.example:8443/x"),
        ("https://h.example/${V}/*", "a/b", "https://h.example/a/b/x"),
        ("https://h.example/${V}", "", "https://h.example/"),
        ("https://h.example/x?k=${V}", "a&b=c", "https://h.example/x?k=a&b=c"),
        ("https://h.example/x#${V}", "f", "https://h.example/x"),
        ("https:/${V}/x", "h.example", "https://h.example/x"),
        ("https://${NONE:-*}.h.example/*", "", "https://q.h.example/x"),
        ("${NONE:-https://h.example/*}", "", "https://h.example/x"),
    ],
)
def test_a_variable_that_stays_in_its_part_of_an_allow_url_is_honoured(written: str, value: str, url: str) -> None:
    environment = Environment({"V": value}, complete=True)
    assert answer(lists(allow=[{"serverUrl": written}]), http(url), environment) is Answer.ALLOWED


def test_a_whole_url_from_a_variable_never_allows_and_still_denies() -> None:
    environment = Environment({"URL": "https://*.example/*"}, complete=True)
    entry = {"serverUrl": "${URL}"}
    assert answer(lists(allow=[entry]), http("https://a.example/x"), environment) is Answer.BLOCKED
    assert answer(lists(deny=[entry]), http("https://a.example/x"), environment) is Answer.BLOCKED


def test_an_unknown_variable_that_matters_leaves_the_verdict_open_and_is_named() -> None:
    for found, server in (
        (lists(allow=[{"serverCommand": ["${SRV}"]}]), stdio("/opt/x")),
        (lists(allow=[A]), stdio("npx", "${SRV}")),
        (lists(deny=[A]), stdio("npx", "${SRV}")),
        (lists(deny=[{"serverUrl": "https://${SRV}/*"}]), http("https://ok.example")),
        (lists(allow=[URL]), http("https://${SRV}/x")),
    ):
        verdict = evaluate(found, server, PARTLY)
        assert verdict.answer is Answer.UNDETERMINED
        assert "SRV" in verdict.reason.text


def test_an_unknown_variable_that_does_not_matter_leaves_nothing_open() -> None:
    for found, server, wanted in (
        (lists(allow=[{"serverCommand": ["npx", "${X}"]}]), stdio("npx", "${X}"), Answer.ALLOWED),
        (lists(allow=[A]), stdio("node", "${X}"), Answer.BLOCKED),
        (lists(allow=[URL]), http("https://ok.example/${X}"), Answer.ALLOWED),
        (lists(allow=[URL]), http("http://ok.example/${X}"), Answer.BLOCKED),
        (lists(allow=[URL]), http("https://no.example/${X}"), Answer.BLOCKED),
        (lists(allow=[{"serverUrl": "https://ok.example/${X}"}]), http("https://no.example/a"), Answer.BLOCKED),
        (lists(allow=[A], deny=[{"serverCommand": ["npx", "${X}"]}]), stdio("npx", "c"), Answer.BLOCKED),
        (lists(deny=[{"serverUrl": "*"}]), http("${X}"), Answer.BLOCKED),
    ):
        assert answer(found, server, PARTLY) is wanted


def test_a_refused_policy_decides_nothing() -> None:
    assert code(policy(managed("{bad")), stdio("npx")) == "policy-refused"
    assert code(policy(managed({"policyHelper": {}})), stdio("npx")) == "policy-indeterminate"


def test_versions_before_2_1_83_do_not_ask_about_the_command_lines_servers() -> None:
    old = policy(managed({"allowedMcpServers": []}), client_version="2.1.82")
    assert code(old, stdio("npx", scope=ServerScope.DYNAMIC)) == "not-judged"
    assert code(old, stdio("npx")) == "not-allowed"


def test_versions_before_2_1_166_take_references_in_rules_as_text() -> None:
    old = policy(managed({"allowedMcpServers": [{"serverCommand": ["${HOME}"]}]}), client_version="2.1.165")
    assert answer(old, stdio("/home/ann")) is Answer.BLOCKED


def test_a_server_without_an_endpoint_is_left_open_under_an_allow_list() -> None:
    server = replace(stdio("x", client="zed"), transport=Transport.UNKNOWN, command=None)
    assert code(lists(allow=[A]), server) == "no-endpoint"
    assert code(lists(deny=[{"serverName": "s"}]), server) == "denied"
