from hypothesis import given
from hypothesis import strategies as st

from central.core.plot import HEIGHT, WIDTH, plot


def tally(at: float, *numbers: int) -> dict[str, float]:
    return {"at": at, **dict(zip(("compliant", "deviating", "unknown"), numbers, strict=True))}


def test_nothing_is_drawn_of_one_moment() -> None:
    assert plot([]) is None
    assert plot([tally(1, 1, 0, 0)]) is None
    assert plot([tally(1, 1, 0, 0), tally(1, 2, 0, 0)]) is None


def test_layers_lie_on_each_other() -> None:
    drawn = plot([tally(0, 10, 5, 5), tally(10, 10, 0, 10)])
    assert drawn is not None
    assert [band.state for band in drawn.bands] == ["compliant", "unknown", "deviating"]
    assert drawn.bands[0].points == "0.0,90.0 720.0,90.0 720.0,180.0 0.0,180.0"
    assert drawn.bands[2].points == "0.0,0.0 720.0,0.0 720.0,0.0 0.0,45.0"
    assert [tick.value for tick in drawn.numbers] == [0, 10, 20]


NUMBERS = st.integers(0, 10**7)


@given(st.lists(st.tuples(NUMBERS, NUMBERS, NUMBERS), min_size=2, max_size=9))
def test_every_point_lies_in_the_box(rows: list[tuple[int, int, int]]) -> None:
    drawn = plot([tally(at, *row) for at, row in enumerate(rows)])
    assert drawn is not None
    for band in drawn.bands:
        for point in band.points.split():
            x, y = map(float, point.split(","))
            assert 0 <= x <= WIDTH
            assert 0 <= y <= HEIGHT
