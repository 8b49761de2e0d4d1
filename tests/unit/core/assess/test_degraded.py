from agent.core.assess.degraded import degraded_deviations
from agent.core.deviation import Severity
from agent.core.documents import ConditionRow


def test_a_condition_of_medium_and_above_is_a_deviation_and_a_lesser_one_is_not() -> None:
    rows = [ConditionRow(f"code.{severity.value}", severity, "Something is wrong.", 1.0) for severity in Severity]
    found = list(degraded_deviations(rows))
    assert [item.key.subject for item in found] == ["code.critical", "code.high", "code.medium"]
    assert {item.key.control for item in found} == {"agent.degraded"}


def test_what_ails_the_agent_is_named_in_words() -> None:
    row = ConditionRow(
        "settings.invalid", Severity.MEDIUM, "A setting is wrong; its default is in force: /etc/x: a: b", 1.0
    )
    [found] = degraded_deviations([row])
    assert found.label == "agent: a setting is wrong; its default is in force"
