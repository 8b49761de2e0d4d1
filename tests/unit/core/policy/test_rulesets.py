import pytest

from agent.core.policy.rulesets import NEWEST, NEWEST_RECORDED, differences, parse_version, rules_for


def test_the_recorded_version_has_the_newest_rules_without_a_remark() -> None:
    assert rules_for(NEWEST_RECORDED) == (NEWEST, None)


@pytest.mark.parametrize("version", ["2.1.333", "2.2.0", "3.0.0"])
def test_a_newer_version_takes_the_newest_rules_and_that_is_said(version: str) -> None:
    rules, note = rules_for(version)
    assert rules == NEWEST
    assert note is not None
    assert version in note


@pytest.mark.parametrize("version", [None, "", "unknown"])
def test_an_unknown_version_takes_the_newest_rules_and_that_is_said(version: str | None) -> None:
    rules, note = rules_for(version)
    assert rules == NEWEST
    assert note is not None


@pytest.mark.parametrize(
    ("version", "missing"),
    [
        ("2.1.329", {"project_deny_spares_managed"}),
        ("2.1.298", {"drops_accessors"}),
        ("2.1.281", {"project_deny_spares_managed", "refuses_malformed", "closes_wrong_types"}),
        ("2.1.258", {"exempts_managed", "managed_servers"}),
        ("2.1.256", {"drops_accessors", "spares_siblings"}),
        ("2.1.218", {"pins_environment"}),
        ("2.1.165", {"expands", "drops_bad_value"}),
        ("2.1.153", {"drops_bad_entry"}),
        ("2.1.82", {"dropins", "judges_dynamic"}),
        ("2.0.21", {"lists"}),
    ],
)
def test_an_older_version_lacks_what_came_later(version: str, missing: set[str]) -> None:
    assert missing <= set(differences(rules_for(version)[0]))


def test_a_version_is_found_in_what_programs_print() -> None:
    assert parse_version("2.1.330 (Claude Code)") == (2, 1, 330)
    assert parse_version("9" * 50) is None
