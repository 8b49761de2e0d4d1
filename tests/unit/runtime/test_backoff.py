from random import Random

from hypothesis import given
from hypothesis import strategies as st

from agent.runtime.backoff import Backoff
from tests.sim.clock import MostRandom

MOST = Backoff(MostRandom(), base_s=1.0, cap_s=3_600.0)


def test_the_upper_end_doubles_with_each_failure_up_to_the_cap() -> None:
    assert [MOST.delay(n) for n in (1, 2, 3, 11, 12, 50, 10_000)] == [2, 4, 8, 2048, 3600, 3600, 3600]


def test_the_jitter_is_full() -> None:
    delays = [Backoff(Random(seed), 1.0, 3_600.0).delay(10) for seed in range(200)]
    assert min(delays) < 100
    assert max(delays) > 900


def test_the_wish_of_the_other_side_is_honoured_with_jitter_on_top() -> None:
    assert MOST.delay(1, after_s=30.0) == 32.0
    assert 30.0 <= Backoff(Random(1), 1.0, 3_600.0).delay(9, after_s=30.0) <= 61.0


@given(st.integers(1, 10_000), st.one_of(st.none(), st.floats(-10, 1e9)), st.integers())
def test_a_delay_is_never_negative_nor_above_the_cap_nor_below_the_wish(
    failures: int, after_s: float | None, seed: int
) -> None:
    delay = Backoff(Random(seed), 1.0, 3_600.0).delay(failures, after_s)
    assert min(max(after_s or 0.0, 0.0), 3_600.0) <= delay <= 3_600.0
