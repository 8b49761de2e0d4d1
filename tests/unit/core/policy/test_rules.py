import pytest

from agent.core.policy.rules import (
    ALLOW,
    DENY,
    CommandRule,
    NameRule,
    RuleScope,
    UrlRule,
    read_list,
)

M, U = RuleScope.MANAGED, RuleScope.USER


@pytest.mark.parametrize(
    "item",
    [
        None,
        1,
        True,
        "a",
        [],
        ["npx", "a"],
        {},
        {"foo": "x"},
        {"servername": "a"},
        {"serverName": 1},
        {"serverName": None},
        {"serverName": ""},
        {"serverName": " a"},
        {"serverName": "a\n"},
        {"serverCommand": "npx a"},
        {"serverCommand": []},
        {"serverCommand": ["npx", 1]},
        {"serverCommand": None},
        {"serverUrl": 1},
        {"serverUrl": ["https://h.example/*"]},
        {"serverName": "a", "serverCommand": ["npx", "a"]},
        {"serverName": "a", "serverCommand": None},
    ],
)
@pytest.mark.parametrize("key", [ALLOW, DENY])
def test_an_invalid_entry_is_dropped_alone_and_told_where_it_stands(item: object, key: str) -> None:
    found = read_list({key: [item, {"serverCommand": ["npx", "b"]}]}, key, M, "/f")
    assert [rule.text for rule in found.rules or ()] == ['{"serverCommand": ["npx", "b"]}']
    assert [problem.place.pointer for problem in found.problems] == [f"/{key}/0"]


@pytest.mark.parametrize("name", ["a b", "a.b", "é", "plugin:x:y", "a\nb"])
def test_a_name_with_other_characters_can_be_denied_and_never_allowed(name: str) -> None:
    assert read_list({ALLOW: [{"serverName": name}]}, ALLOW, M, "/f").rules == ()
    assert read_list({DENY: [{"serverName": name}]}, DENY, M, "/f").rules is not None
    assert len(read_list({DENY: [{"serverName": name}]}, DENY, M, "/f").rules or ()) == 1


def test_further_keys_and_patterns_that_match_nothing_leave_an_entry_valid() -> None:
    value = {ALLOW: [{"serverCommand": ["npx"], "comment": 1}, {"serverUrl": "not a url"}, {"serverName": "a"}]}
    rules = read_list(value, ALLOW, M, "/f").rules or ()
    assert [type(rule) for rule in rules] == [CommandRule, UrlRule, NameRule]
    assert rules[1].entry.place.pointer == "/allowedMcpServers/1"


@pytest.mark.parametrize("value", [None, "x", 1, True, False, {}, {"serverName": "a"}])
def test_what_is_no_list_closes_the_managed_allow_list_and_is_dropped_elsewhere(value: object) -> None:
    assert read_list({ALLOW: value}, ALLOW, M, "/f").rules == ()
    assert read_list({ALLOW: value}, ALLOW, U, "/f").rules is None
    assert read_list({DENY: value}, DENY, M, "/f").rules is None
    assert read_list({ALLOW: value}, ALLOW, M, "/f").broken


def test_a_key_that_is_not_there_sets_no_list() -> None:
    assert read_list({}, ALLOW, M, "/f").rules is None
    assert not read_list({}, ALLOW, M, "/f").broken
