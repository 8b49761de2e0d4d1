from agent.runtime.waiting import WakeBit


def test_a_bit_that_was_set_before_ends_the_wait_at_once_and_only_once() -> None:
    bit, beats = WakeBit(), []
    bit.set()
    bit.set()
    assert bit.wait(None, lambda: beats.append(1), 30.0) is True
    assert bit.wait(0, lambda: beats.append(1), 30.0) is False
    assert len(beats) == 2
