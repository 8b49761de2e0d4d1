import tracemalloc
from collections.abc import Callable

import pytest

from agent.catalog.paths import folders_above
from agent.core.brief import remembered
from agent.core.launchers import launch
from agent.core.policy.urls import compile_pattern, parse_url
from agent.core.redaction import redact_command, redact_text


def test_what_is_brief_is_answered_once_and_what_is_long_each_time() -> None:
    asked: list[str] = []

    @remembered(2)
    def answer(text: str, more: int) -> int:
        asked.append(text)
        return len(text) + more

    assert [answer("brief", 1), answer("brief", 1), answer("brief", 2)] == [6, 6, 7]
    assert [answer("long" * 1_000, 1), answer("long" * 1_000, 1)] == [4_001, 4_001]
    assert asked == ["brief", "brief", *["long" * 1_000] * 2]


def test_how_long_it_is_is_the_length_of_all_texts() -> None:
    asked: list[tuple[str, ...]] = []

    @remembered(2, longest=10)
    def answer(*texts: str) -> None:
        asked.append(texts)

    for _ in range(2):
        answer("five5", "five5")
        answer("five5", "sixsix")
    assert asked == [("five5", "five5"), *[("five5", "sixsix")] * 2]


@pytest.mark.parametrize(
    "ask",
    [
        lambda number: launch(("cc", f"{number}", "x" * 64_000)),
        lambda number: redact_command(("cc", f"{number}", "x" * 64_000)),
        lambda number: redact_text(f"{number} " + "x" * 64_000),
        lambda number: parse_url(f"https://h.example/{number}/" + "x" * 64_000),
        lambda number: compile_pattern(f"https://h.example/{number}/" + "x" * 64_000),
        lambda number: folders_above("linux", f"/{number}" + "/x" * 500),
    ],
)
def test_long_texts_of_users_are_not_kept_for_long(ask: Callable[[int], object]) -> None:
    ask(0)
    tracemalloc.start()
    for number in range(50):
        ask(number)
    held, _peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert held < 1_000_000
