import subprocess
import sys

from agent.status.conditions import CONDITIONS
from agent.status.health import Health


class Hand:
    """A clock that moves when told."""

    def __init__(self) -> None:
        self.at = 0.0

    def now(self) -> float:
        return self.at

    def monotonic(self) -> float:
        return self.at


def test_a_condition_keeps_the_time_at_which_it_began_while_its_text_changes() -> None:
    clock = Hand()
    health = Health(clock)
    clock.at = 5
    health.set("journal.failing", "disk full")
    clock.at = 9
    health.set("journal.failing", "timed out")
    (row,) = health.rows()
    assert row.since == 5
    assert row.text.endswith("timed out")


def test_a_cleared_condition_holds_no_more_and_clearing_twice_is_harmless() -> None:
    health = Health(Hand())
    health.set("endpoint.none", "")
    health.clear("endpoint.none")
    health.clear("endpoint.none")
    assert health.rows() == ()


def test_conditions_are_listed_in_the_order_of_the_table() -> None:
    clock = Hand()
    health = Health(clock)
    shown = [code for code, condition in CONDITIONS.items() if not condition.causes]
    for code in reversed(shown):
        health.set(code, "x")
    clock.at = 1e9
    assert [row.code for row in health.rows()] == shown


def test_a_condition_hides_behind_its_cause_and_shows_once_the_cause_is_gone() -> None:
    health = Health(Hand())
    health.set("status.unwritable", "no space")
    health.set("journal.failing", "no space")
    assert [row.code for row in health.rows()] == ["journal.failing"]
    health.clear("journal.failing")
    assert [row.code for row in health.rows()] == ["status.unwritable"]


def test_programs_that_ended_unread_show_unless_it_is_said_why_they_would() -> None:
    health = Health(Hand())
    health.hold("launches.missed", "3 since the agent started")
    (row,) = health.rows()
    assert (row.code, row.severity.counts) == ("launches.missed", False), "it is told, and no deviation"
    assert row.text.endswith("ended before they could be read: 3 since the agent started")
    health.hold("launches.hindered", "no priority")
    assert [row.code for row in health.rows()] == ["launches.hindered"]


def test_a_laptop_that_is_offline_overnight_is_not_in_bad_health_and_one_that_stays_offline_is() -> None:
    clock = Hand()
    health = Health(clock)
    health.set("delivery.failing", "no route")
    clock.at = 10 * 3_600
    assert health.rows() == ()
    clock.at = 25 * 3_600
    assert [row.code for row in health.rows()] == ["delivery.failing"]
    assert health.rows()[0].since == 0


def test_every_cause_is_a_condition_itself() -> None:
    assert {cause for condition in CONDITIONS.values() for cause in condition.causes} <= set(CONDITIONS)


def test_who_reads_the_status_waits_for_no_pydantic() -> None:
    loads = "import sys, agent.cli.status; sys.exit('pydantic' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", loads], check=False).returncode == 0
