from hypothesis import given
from hypothesis import strategies as st

from agent.core.sparing import STRETCH, Chore, Sparing

SECONDS = st.floats(0.0, 1e6)


@given(st.sampled_from(Chore), SECONDS)
def test_on_mains_nothing_waits_longer_and_on_battery_nothing_waits_shorter(chore: Chore, seconds: float) -> None:
    assert Sparing(lambda: False).wait_s(chore, seconds) == seconds
    assert Sparing(lambda: True).wait_s(chore, seconds) >= seconds


def test_every_chore_has_its_stretch_and_all_of_them_wait_longer() -> None:
    assert set(STRETCH) == set(Chore)
    assert min(STRETCH.values()) > 1.0
