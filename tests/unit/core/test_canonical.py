import json
import math

import pytest

from agent.core.canonical import canonical, digest


def test_the_spelling_does_not_depend_on_the_order_of_keys() -> None:
    assert canonical({"b": 1, "a": {"d": "é", "c": None}}) == '{"a":{"c":null,"d":"\\u00e9"},"b":1}'


def test_reading_and_spelling_again_gives_the_same_bytes() -> None:
    line = canonical({"path": "/home/\udc80", "n": 1.5, "s": "\u2028"})
    assert canonical(json.loads(line)) == line
    assert digest(canonical(json.loads(line))) == digest(line)


def test_what_json_cannot_hold_is_refused() -> None:
    with pytest.raises(ValueError, match="JSON"):
        canonical({"n": math.nan})
