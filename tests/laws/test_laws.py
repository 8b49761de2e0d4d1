import time

from hypothesis import given, settings
from hypothesis import strategies as st


@settings(max_examples=2, database=None)
@given(st.just(0.25))
def test_a_law_holds_however_long_a_busy_machine_takes_for_it(pause_s: float) -> None:
    time.sleep(pause_s)  # by itself hypothesis calls an example of more than 0.2 s a failure
