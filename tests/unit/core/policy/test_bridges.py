import pytest

from agent.core.policy.bridges import carried, reached_url
from agent.core.policy.evaluate import evaluate
from agent.core.policy.expansion import Environment, expand
from agent.core.policy.urls import parse_url
from agent.core.verdict import Answer
from tests.sim.policies import COMPLETE, http, lists, stdio

EVIL, OK = "https://evil.example/mcp", "https://ok.example/mcp"
URLS = [{"serverUrl": "https://ok.example/*"}]
DENY = [{"serverUrl": "https://evil.example/*"}]


@pytest.mark.parametrize(
    "command",
    [
        ("npx", "-y", "mcp-remote", EVIL),
        ("npx", "mcp-remote@0.1.2", EVIL, "--header", "A:b"),
        ("supergateway", "--sse", EVIL),
        ("uvx", "mcp-proxy", "--transport", "streamablehttp", EVIL),
        ("sh", "-c", f"npx -y mcp-remote {EVIL}"),
    ],
)
def test_a_bridge_to_a_denied_url_is_blocked_where_the_organisation_judges(command: tuple[str, ...]) -> None:
    policy = lists(deny=DENY)
    verdict = evaluate(policy, stdio(*command, client="cursor"), COMPLETE)
    assert (verdict.answer, verdict.reason.code) == (Answer.BLOCKED, "bridge-denied")
    assert "bridge" in verdict.reason.text
    assert not evaluate(policy, stdio(*command), COMPLETE).blocked, "Claude Code itself looks at the command alone"


def test_a_bridge_must_pass_by_its_url_unless_its_exact_command_is_allowed() -> None:
    by_name = lists(allow=[*URLS, {"serverName": "s"}])
    assert evaluate(by_name, stdio("mcp-remote", OK, client="cursor"), COMPLETE).answer is Answer.ALLOWED
    verdict = evaluate(by_name, stdio("mcp-remote", EVIL, client="cursor"), COMPLETE)
    assert verdict.reason.code == "bridge-not-allowed"
    by_command = [*URLS, {"serverCommand": ["mcp-remote", EVIL]}]
    exact = stdio("mcp-remote", EVIL, client="cursor")
    assert evaluate(lists(allow=by_command), exact, COMPLETE).answer is Answer.ALLOWED
    assert evaluate(lists(allow=by_command, deny=DENY), exact, COMPLETE).reason.code == "bridge-denied"


def test_a_bridge_whose_url_is_not_known_leaves_the_verdict_open() -> None:
    verdict = evaluate(lists(deny=DENY), stdio("npx", "mcp-remote", "${URL}", client="cursor"), Environment())
    assert (verdict.answer, verdict.reason.code) == (Answer.UNDETERMINED, "bridge-depends-on-environment")
    assert "URL" in verdict.reason.text


def test_other_commands_lead_nowhere() -> None:
    for command in (("npx", "-y", "pkg", EVIL), ("mcp-remote",), ()):
        assert reached_url(command, command, COMPLETE) is None


def test_a_known_reference_in_a_bridge_is_followed() -> None:
    environment = Environment({"URL": EVIL}, complete=True)
    written = ("mcp-remote", "${URL}")
    assert reached_url([expand(part, environment) for part in written], written, environment) == EVIL


def test_a_deny_entry_looks_at_the_address_that_a_proxys_url_carries() -> None:
    url = "https://proxy.example/v2/ccr-sessions/x?a=1&mcp_url=https%3A%2F%2Fevil.example%2Fmcp"
    assert carried(parse_url(url)) == parse_url(EVIL)
    assert carried(parse_url("https://proxy.example/v2/ccr-sessions/x?mcp_url=nope")) is None
    assert evaluate(lists(deny=DENY), http(url), COMPLETE).blocked
    assert not evaluate(lists(deny=DENY), http(url.replace("ccr-sessions", "x")), COMPLETE).blocked
    assert evaluate(lists(allow=[{"serverUrl": "https://evil.example/*"}]), http(url), COMPLETE).blocked
