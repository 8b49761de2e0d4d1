"""How a destination stands, in a word and a sentence."""

from dataclasses import replace

import pytest

from central.core.pushing import PATIENCE_S, Pushing, standing

NOW = 1_000_000.0
LONG = NOW - 3 * 3_600
WAITS = Pushing(waiting=7, oldest_at=LONG, accepted_at=LONG, problem="", problem_at=None, carried=True)


@pytest.mark.parametrize(
    ("pushing", "state", "said"),
    [
        (replace(WAITS, waiting=0, oldest_at=None), "up to date", "every alert"),
        (replace(WAITS, waiting=0, problem="400 Bad Request", problem_at=LONG), "up to date", "every alert"),
        (replace(WAITS, oldest_at=NOW - PATIENCE_S + 1), "on its way", "7 alerts just came"),
        (replace(WAITS, oldest_at=NOW - 1, problem="400", problem_at=LONG), "on its way", "7 alerts just came"),
        (replace(WAITS, accepted_at=NOW - 1), "catching up", "one batch after the other"),
        (replace(WAITS, problem="503", problem_at=LONG), "stuck", "7 alerts wait, the oldest for 3 hours: 503."),
        (replace(WAITS, waiting=1, problem="503"), "stuck", "1 alert waits"),
        (replace(WAITS, accepted_at=NOW - 1, problem="503", problem_at=NOW), "stuck", "503"),
        (replace(WAITS, carried=False), "stuck", "no running copy of the program carries it"),
        (replace(WAITS, accepted_at=None), "stuck", "has not answered yet"),
        (replace(WAITS, oldest_at=None, problem="503", problem_at=LONG), "stuck", "for 3 hours"),
        (replace(WAITS, configured=False), "not configured", "no longer name it"),
    ],
)
def test_a_destination_stands(pushing: Pushing, state: str, said: str) -> None:
    word, sentence = standing(pushing, NOW)
    assert word == state
    assert said in sentence
