from agent.status.health import CONDITIONS, Health


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
    health.set("delivery.failing", "connection refused")
    clock.at = 9
    health.set("delivery.failing", "timed out")
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
    health = Health(Hand())
    for code in reversed(CONDITIONS):
        health.set(code, "x")
    assert [row.code for row in health.rows()] == list(CONDITIONS)
