"""Laws of the policy engine: denying never lets in, dropping a permission never lets in, order means nothing, nothing raises."""

import json
from dataclasses import replace
from random import Random
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from agent.core.observation import Document, DocumentKind
from agent.core.place import Data, Facts
from agent.core.policy.effective import Policy
from agent.core.policy.evaluate import Judge, evaluate
from agent.core.policy.expansion import Environment
from agent.core.policy.flags import Flags
from agent.core.policy.rules import CommandRule, NameRule, UrlRule
from agent.core.policy.session import judge
from agent.core.policy.urls import compile_pattern, parse_url
from agent.core.server import Server
from agent.core.verdict import Answer
from tests.sim.policies import PATHS, http, lists, session, stdio

Entry = dict[str, Any]
NAMES = st.sampled_from(["a", "b", "gh"])
WORDS = st.sampled_from(["npx", "node", "${A}", "${B:-npx}", "-y", "pkg"])
HOSTS = st.sampled_from(["h.example", "*.example", "*", "${A}.example", "a.h.example", "h.example:8443", "h.example:*"])
SCHEMES = st.sampled_from(["https", "http", "*", "${S}"])
PATHS_ = st.sampled_from(["", "/", "/*", "/mcp", "/mcp/*", "/mcp?x=*", "/${A}"])
URLS = st.builds("{}://{}{}".format, SCHEMES, HOSTS, PATHS_)
ENTRIES = st.one_of(
    NAMES.map(lambda name: {"serverName": name}),
    st.lists(WORDS, min_size=1, max_size=3).map(lambda command: {"serverCommand": command}),
    URLS.map(lambda url: {"serverUrl": url}),
    st.just({"serverUrl": "*"}),
)
LISTS = st.lists(ENTRIES, max_size=5)
SERVERS = st.one_of(
    st.builds(lambda name, command: stdio(*command, name=name), NAMES, st.lists(WORDS, min_size=1, max_size=3)),
    st.builds(lambda name, url: http(url.replace("*", "x"), name=name), NAMES, URLS),
)
ENVIRONMENTS = st.builds(
    Environment,
    st.dictionaries(st.sampled_from("ABS"), st.sampled_from(["npx", "https", "*", "x/", ""])),
    st.booleans(),
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)
KEYS = st.sampled_from(
    [
        "allowedMcpServers",
        "deniedMcpServers",
        "allowManagedMcpServersOnly",
        "managedMcpServers",
        "strictPluginOnlyCustomization",
        "env",
        "mcpServers",
        "projects",
        "disabledMcpjsonServers",
    ]
)
SETTINGS = st.dictionaries(KEYS, JSON | LISTS, max_size=5).map(json.dumps).map(str.encode)
BYTES = st.binary(max_size=80) | SETTINGS | SETTINGS.map(lambda raw: b"\xef\xbb\xbf" + raw)
_LENIENCE = {Answer.BLOCKED: 0, Answer.UNDETERMINED: 1, Answer.ALLOWED: 2}


def lenience(policy: Policy, server: Server, environment: Environment) -> int:
    return _LENIENCE[evaluate(policy, server, environment).answer]


@given(LISTS | st.none(), LISTS, ENTRIES, SERVERS, ENVIRONMENTS)
def test_adding_a_deny_entry_never_lets_a_server_in(
    allow: list[Any] | None, deny: list[Any], more: Entry, server: Server, environment: Environment
) -> None:
    before = lenience(lists(allow=allow, deny=deny), server, environment)
    assert lenience(lists(allow=allow, deny=[*deny, more]), server, environment) <= before


@given(LISTS, LISTS, ENTRIES, SERVERS, ENVIRONMENTS)
def test_removing_an_allow_entry_never_lets_a_server_in_except_by_a_name_that_counts_again(
    allow: list[Any], deny: list[Any], less: Entry, server: Server, environment: Environment
) -> None:
    """The one exception that the client knows: without the last serverCommand (or serverUrl) entry, names count for that kind."""
    with_it = lenience(lists(allow=[*allow, less], deny=deny), server, environment)
    verdict = evaluate(lists(allow=allow, deny=deny), server, environment)
    if _LENIENCE[verdict.answer] > with_it:
        assert verdict.reason.code in ("allowed-by-name", "deny-depends-on-environment")
        kind = next(iter(less))
        assert kind != "serverName"
        assert not any(kind in entry for entry in allow)


@given(LISTS, LISTS, SERVERS, ENVIRONMENTS, st.randoms(use_true_random=False))
def test_the_order_of_entries_changes_no_verdict(
    allow: list[Any], deny: list[Any], server: Server, environment: Environment, random: Random
) -> None:
    shuffled = [random.sample(entries, len(entries)) for entries in (allow, deny)]
    one, other = lists(allow=allow, deny=deny), lists(allow=shuffled[0], deny=shuffled[1])
    assert evaluate(one, server, environment).answer is evaluate(other, server, environment).answer


@given(
    LISTS | st.none(),
    LISTS,
    SERVERS,
    st.dictionaries(st.sampled_from("ABS"), st.sampled_from(["npx", "https", "x/", "*"])),
)
def test_what_is_decided_without_knowing_the_environment_holds_in_every_environment(
    allow: list[Any] | None, deny: list[Any], server: Server, values: dict[str, str]
) -> None:
    policy = lists(allow=allow, deny=deny)
    unknown = evaluate(policy, server, Environment()).answer
    known = evaluate(policy, server, Environment(values, complete=True)).answer
    assert unknown in (Answer.UNDETERMINED, known)


@given(LISTS, SERVERS, ENVIRONMENTS)
def test_the_index_says_what_asking_every_rule_alone_says(
    deny: list[Any], server: Server, environment: Environment
) -> None:
    policy = lists(deny=deny)
    together = evaluate(policy, server, environment).answer
    alone = [evaluate(replace(policy, deny=(rule,)), server, environment).answer for rule in policy.deny]
    assert together is min(alone, key=_LENIENCE.__getitem__, default=Answer.ALLOWED)


@settings(max_examples=200)
@given(st.lists(st.tuples(st.sampled_from(list(DocumentKind)), BYTES), max_size=5), SERVERS, st.text(max_size=20))
def test_a_session_never_raises_whatever_the_files_hold(
    files: list[tuple[DocumentKind, bytes]], server: Server, text: str
) -> None:
    paths = {kind: PATHS.get(kind, f"/etc/{kind}") for kind in DocumentKind}
    documents = tuple(Document(kind, paths[kind], Data(raw, (Facts(paths[kind], "file"),))) for kind, raw in files)
    flags = Flags(settings=text, agents=text, agent="x")
    outcome = judge(session(server, documents=documents, flags=flags, environment=Environment()))
    assert len(outcome.judged) >= 1
    assert all(item.loads is not None or item.loads_reason for item in outcome.judged)


@given(st.text(), st.text(), st.lists(st.text(), min_size=1, max_size=3), ENVIRONMENTS)
def test_any_text_can_be_a_pattern_a_url_a_name_and_a_command(
    pattern: str, url: str, command: list[str], environment: Environment
) -> None:
    for lenient in (True, False):
        compile_pattern(pattern).matches(parse_url(url), lenient=lenient)
    policy = lists(allow=[{"serverUrl": pattern}, {"serverCommand": command}], deny=[{"serverName": pattern or "x"}])
    compiled = Judge(policy, environment)
    for server in (http(url, name=pattern), stdio(*command, name=url)):
        assert compiled.verdict(server).answer in Answer


@given(st.sampled_from(["https://", "*://", "http:/", ""]), st.text(alphabet="ah.*:8/?#[]@%${}A-", max_size=14))
def test_a_pattern_without_stars_matches_the_url_it_spells(scheme: str, rest: str) -> None:
    text = (scheme + rest).replace("*", "")
    address = parse_url(text)
    if address is not None and text.startswith("http"):
        assert compile_pattern(text).matches(address, lenient=False)


def test_the_rules_of_every_kind_are_met() -> None:
    rules = lists(allow=[{"serverName": "a"}, {"serverCommand": ["a"]}, {"serverUrl": "a"}]).allow or ()
    assert [type(rule) for rule in rules] == [NameRule, CommandRule, UrlRule]
