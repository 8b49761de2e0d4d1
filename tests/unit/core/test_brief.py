import tracemalloc

from agent.core.brief import remembered
from agent.core.launchers import launch


def test_what_is_brief_is_answered_once_and_what_is_long_each_time() -> None:
    asked: list[str] = []

    @remembered(2)
    def answer(text: str, more: int) -> int:
        asked.append(text)
        return len(text) + more

    assert [answer("brief", 1), answer("brief", 1), answer("brief", 2)] == [6, 6, 7]
    assert [answer("long" * 1_000, 1), answer("long" * 1_000, 1)] == [4_001, 4_001]
    assert asked == ["brief", "brief", *["long" * 1_000] * 2]


def test_long_command_lines_are_not_kept_for_long() -> None:
    launch(("sh",))
    tracemalloc.start()
    for number in range(200):
        launch(("cc", f"{number}", "x" * 64_000))
    held, _peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert held < 1_000_000
