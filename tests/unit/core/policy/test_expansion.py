import pytest

from agent.core.policy.expansion import (
    Environment,
    Open,
    Unknown,
    Unstated,
    both,
    expand,
    has_reference,
    same,
    same_command,
)

KNOWN = Environment({"A": "/opt/ok", "B": "${A}", "EMPTY": ""}, complete=True)
PARTLY = Environment({"A": "/opt/ok"})


@pytest.mark.parametrize(
    ("text", "expanded"),
    [
        ("${A}", "/opt/ok"),
        ("${B}", "${A}"),
        ("${EMPTY:-x}", ""),
        ("${NOPE:-/opt}/ok", "/opt/ok"),
        ("${NOPE:-a:-b}", "a:-b"),
        ("${NOPE:-}", ""),
        ("${NOPE:-${A}}", "${A}"),
        ("${NOPE}", "${NOPE}"),
        ("${NOPE-x}", "${NOPE-x}"),
        ("${NOPE:=x}", "${NOPE:=x}"),
        ("${ A }", "${ A }"),
        ("$A %A% ~ ${} ${A", "$A %A% ~ ${} ${A"),
        ("${a}", "${a}"),
    ],
)
def test_a_reference_is_replaced_once_and_only_in_its_two_forms(text: str, expanded: str) -> None:
    assert expand(text, KNOWN) == expanded


def test_windows_looks_names_up_without_case() -> None:
    assert expand("${a}", Environment({"A": "x"}, complete=True, ignore_case=True)) == "x"


def test_a_variable_that_nobody_stated_is_unknown_unless_the_environment_is_complete() -> None:
    assert KNOWN.lookup("NOPE") is Unstated.UNSET
    assert PARTLY.lookup("NOPE") is Unstated.UNKNOWN
    assert isinstance(expand("${NOPE:-x}", PARTLY), Open)


def test_the_same_unknown_on_both_sides_is_equal_whatever_its_value() -> None:
    assert same(expand("a${X}b", PARTLY), expand("a${X}b", PARTLY)) is True


def test_an_unknown_that_cannot_fit_is_no_match() -> None:
    assert same(expand("/opt/${X}/srv", PARTLY), "/usr/srv") is False
    assert same(expand("/opt/${X}", PARTLY), expand("/usr/${Y}", PARTLY)) is False


def test_an_unknown_that_may_fit_names_the_variables() -> None:
    assert same("/opt/y/srv", expand("/opt/${X}/srv", PARTLY)) == Unknown(frozenset({"X"}))
    assert same(expand("${X}", PARTLY), expand("${Y}", PARTLY)) == Unknown(frozenset({"X", "Y"}))


def test_one_false_argument_settles_a_command_whatever_is_unknown_beside_it() -> None:
    command = tuple(expand(part, PARTLY) for part in ("npx", "${X}"))
    assert same_command(command, ("node", "y")) is False
    assert same_command(command, ("npx",)) is False
    assert same_command(command, ("npx", "y")) == Unknown(frozenset({"X"}))


def test_kleenes_and() -> None:
    unknown = Unknown(frozenset({"X"}))
    assert both([True, unknown, False]) is False
    assert both([True, unknown]) == unknown
    assert both([]) is True


def test_filling_in_below_an_unknown_environment_decides_nothing() -> None:
    assert PARTLY.under({"X": "y"}).lookup("X") is Unstated.UNKNOWN
    assert KNOWN.under({"X": "y", "A": "z"}).values["X"] == "y"
    assert KNOWN.under({"A": "z"}).lookup("A") == "/opt/ok"
    assert KNOWN.over({"A": "z"}).lookup("A") == "z"


def test_well_formed_references_are_told_from_their_look_alikes() -> None:
    assert [has_reference(text) for text in ("${A}", "x${A:-}y", "$A", "${}", "${A", "${A-}")] == [
        True,
        True,
        False,
        False,
        False,
        False,
    ]


def test_values_never_show_in_a_repr() -> None:
    assert "hunter2" not in repr(Environment({"TOKEN": "hunter2"}))
