"""Days of simulated time: nothing is lost or doubled while the network comes and goes; bounds hold while it stays away."""

from pathlib import Path

from agent.store.outbox import Priority
from tests.sim.month import Month, never


def test_days_of_outages_lost_answers_and_kills_lose_nothing_and_double_nothing(tmp_path: Path) -> None:
    month = Month(tmp_path, 2, churn=6.0, kills=12.0)
    month.run()
    month.settle()
    assert month.verify() == {}
    assert month.restarts > 10
    assert month.changes > 100
    month.close()


def test_without_a_network_signs_of_life_take_no_room_and_every_gap_is_declared(tmp_path: Path) -> None:
    month = Month(tmp_path, 1, online=never, churn=0.0, kills=0.0)
    month.run()
    assert (
        month.journal.counters().events <= 4
    )  # started, the policy, and two signs of life: one for all, one in flight
    month.settle()
    assert month.verify() == {}
    month.close()


def test_a_journal_without_room_keeps_its_bound_and_lets_alerts_outlive_the_rest(tmp_path: Path) -> None:
    month = Month(tmp_path, 1, online=never, churn=12.0, kills=0.0, max_bytes=150_000)
    month.run()
    assert month.peak_bytes < 150_000 * 3 + 5_000_000  # the file's own overhead, history, and the write-ahead log
    with month.journal._database.reading() as connection:
        waiting = dict(connection.execute("SELECT priority, count(*) FROM outbox GROUP BY priority"))
    assert waiting.pop(int(Priority.BEAT)) <= 2
    assert set(waiting) == {int(Priority.ALERT)}
    assert month.journal.counters().bytes <= 150_000
    month.settle()
    dropped = month.verify()
    assert set(dropped) >= {"outbox-full-finding"}
    month.close()
