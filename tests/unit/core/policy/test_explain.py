import json
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.core.observation import DocumentKind
from agent.core.policy.effective import Policy
from agent.core.policy.expansion import Environment
from agent.core.policy.explain import Explanation, explain
from agent.core.policy.session import judge
from agent.core.redaction import redact_command
from agent.core.server import Server, ServerScope
from agent.core.verdict import Answer
from tests.sim.policies import COMPLETE, document, http, lists, managed, policy, session, stdio

PKG = {"serverCommand": ["npx", "-y", "pkg"]}


def plain(command: Sequence[str]) -> Sequence[str]:
    return command


def told(found: Policy, server: Server, environment: Environment = COMPLETE) -> Explanation:
    return explain(found, server, environment, redact=plain)


def near(found: Policy, server: Server) -> list[str]:
    return [miss.text.partition(" (")[0] for miss in told(found, server).near]


def test_the_steps_end_with_the_entry_and_file_that_decided() -> None:
    steps = told(lists(allow=[PKG], deny=[{"serverName": "x"}]), stdio("npx", "-y", "pkg")).steps
    assert [step.rule for step in steps][-3:] == [
        "The denied servers",
        "How the allowlist counts",
        "The allowed servers",
    ]
    assert (steps[-1].result, steps[-1].entry) == ("allows", json.dumps(PKG))
    assert steps[-1].source == "/etc/claude-code/managed-settings.json at /allowedMcpServers/0"


@pytest.mark.parametrize(
    ("denied", "said"),
    [
        ((), "There is no deny entry."),
        (("x",), "The one deny entry does not match."),
        (("x", "y"), "None of 2 deny entries matches."),
    ],
)
def test_deny_entries_are_counted_in_words(denied: tuple[str, ...], said: str) -> None:
    found = lists(allow=[PKG], deny=[{"serverName": name} for name in denied])
    steps = told(found, stdio("npx", "-y", "pkg")).steps
    assert [step.text for step in steps if step.rule == "The denied servers"] == [said]


def test_a_denial_ends_the_steps_early() -> None:
    steps = told(lists(allow=[PKG], deny=[PKG]), stdio("npx", "-y", "pkg")).steps
    assert (steps[-1].rule, steps[-1].result) == ("The denied servers", "blocks")


def test_what_a_session_makes_of_it_is_the_last_step() -> None:
    outcome = judge(session(stdio("a"), stdio("b", scope=ServerScope.LOCAL)))
    judged = outcome.judged[0]
    steps = explain(outcome.policy, judged.server, COMPLETE, redact=plain, judged=judged).steps
    assert (steps[-1].rule, steps[-1].result) == ("What a session loads", "blocks")
    assert "Another server of this name" in steps[-1].text


@pytest.mark.parametrize(
    ("command", "differs"),
    [
        (("npx", "-y", "pkg@1.2.0"), "argument 2: `pkg` / `pkg@1.2.0`"),
        (("npx", "pkg"), "argument 1: the entry has `-y`, the server nothing"),
        (("npx", "-y", "pkg", "--flag"), "argument 3: the server has `--flag`, the entry nothing"),
        (("/usr/bin/npx", "-y", "pkg"), "the command: `npx` / `/usr/bin/npx`"),
    ],
)
def test_a_command_that_nearly_matches_says_where_it_differs(command: tuple[str, ...], differs: str) -> None:
    found = lists(allow=[{"serverName": "a"}, {"serverUrl": "https://h/*"}, {"serverCommand": ["node", "x"]}, PKG])
    assert near(found, stdio(*command)) == [f"entry 4 of allowedMcpServers differs in {differs}"]


def test_a_command_that_was_not_meant_is_no_near_miss() -> None:
    assert near(lists(allow=[PKG]), stdio("npx", "-y", "quite-another")) == []
    assert near(lists(allow=[PKG]), stdio("npx", "-y", "pkg")) == []


@pytest.mark.parametrize(
    ("pattern", "url", "differs"),
    [
        ("https://h.example/*", "https://h.example:8443/x", "the port: `default` / `8443`"),
        ("https://h.example/*", "http://h.example/x", "the scheme: `https` / `http`"),
        ("https://h.example/mcp", "https://h.example/mcp/", "the path: `/mcp` / `/mcp/`"),
        ("https://example.com/*", "https://mcp.example.com/x", "the host: `example.com` / `mcp.example.com`"),
        ("h.example/*", "https://h.example/x", "the scheme: `h.example/*` / `https`"),
    ],
)
def test_a_url_that_nearly_matches_says_where_it_differs(pattern: str, url: str, differs: str) -> None:
    found = lists(allow=[{"serverUrl": pattern}])
    assert near(found, http(url)) == [f"entry 1 of allowedMcpServers differs in {differs}"]


def test_a_denial_that_was_evaded_is_a_near_miss_too() -> None:
    assert near(lists(deny=[PKG]), stdio("npx", "-y", "pkg@2"))[0].startswith("entry 1 of deniedMcpServers")
    assert near(lists(deny=[{"serverName": "GH"}]), stdio("x", name="gh")) == [
        "entry 1 of deniedMcpServers differs in the name: `GH` / `gh`"
    ]


def test_the_remedy_names_the_exact_command_and_what_it_brings_with_it() -> None:
    remedy = told(lists(allow=[{"serverName": "a"}]), stdio("npx", "x")).allow
    assert remedy is not None
    assert (remedy.key, remedy.json) == ("allowedMcpServers", '{"serverCommand": ["npx", "x"]}')
    assert "names allow no local server any more" in remedy.text


def test_the_remedy_names_the_narrowest_url_and_leaves_its_query_out() -> None:
    server = http("https://u:p@H.example:443/mcp?token=hunter2#f")
    remedy = told(lists(allow=[]), server).allow
    assert remedy is not None
    assert remedy.entry == {"serverUrl": "https://h.example/mcp?*"}


def test_a_denied_server_is_not_helped_by_a_permission() -> None:
    remedy = told(lists(allow=[], deny=[PKG]), stdio("npx", "-y", "pkg")).allow
    assert remedy is not None
    assert remedy.entry is None
    assert "/deniedMcpServers/0" in remedy.text


def test_under_exclusive_control_the_file_itself_must_provide_it() -> None:
    file = document(DocumentKind.MANAGED_MCP, {"mcpServers": {}})
    remedy = told(policy(file), stdio("npx", "x")).allow
    assert remedy is not None
    assert (remedy.key, remedy.entry) == ("mcpServers", {"s": {"command": "npx", "args": ["x"]}})


def test_an_unread_policy_must_be_mended_first() -> None:
    remedy = told(policy(managed("{bad")), stdio("npx")).allow
    assert remedy is not None
    assert remedy.entry is None


def test_secrets_of_the_server_and_of_entries_never_show() -> None:
    token = "ghp_0123456789abcdefghij0123"
    found = lists(allow=[{"serverCommand": ["npx", "x", "--token", token]}], deny=[{"serverName": "q"}])
    commands = (("npx", "x", "--token", token), ("npx", "x", "--token", token, "y"))
    for told_ in (explain(found, stdio(*command), COMPLETE, redact=redact_command) for command in commands):
        assert token not in repr((told_.steps, told_.near, told_.allow, told_.block))
        remedy = told_.allow or told_.block
        assert remedy is not None
        assert remedy.incomplete


WORDS = st.sampled_from(["npx", "-y", "pkg", "pkg@1", "/x", ""])
COMMANDS = st.lists(WORDS, min_size=1, max_size=4).filter(lambda command: bool(command[0]))
URLS = st.builds(
    "{}://{}{}".format,
    st.sampled_from(["https", "http", "wss"]),
    st.sampled_from(["h.example", "H.example:8443", "127.1", "[::1]:3000"]),
    st.sampled_from(["", "/", "/mcp", "/mcp/", "/a?k=1", "//x"]),
)
SERVERS = st.one_of(COMMANDS.map(lambda command: stdio(*command)), URLS.map(http))
RULES = st.lists(
    st.one_of(
        COMMANDS.map(lambda command: {"serverCommand": command}),
        URLS.map(lambda url: {"serverUrl": url}),
        st.just({"serverName": "s"}),
    ),
    max_size=4,
)


@given(RULES, SERVERS)
def test_what_the_remedy_says_works(allow: list[dict[str, object]], server: Server) -> None:
    told_ = told(lists(allow=allow), server)
    if told_.allow is not None:
        assert told_.allow.entry is not None
        assert told(lists(allow=[*allow, dict(told_.allow.entry)]), server).verdict.answer is Answer.ALLOWED
    if told_.block is not None:
        assert told_.block.entry is not None
        assert told(lists(allow=allow, deny=[dict(told_.block.entry)]), server).verdict.answer is Answer.BLOCKED
