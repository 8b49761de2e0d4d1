"""A stacked plot of how many devices stood how over time, as the points of SVG polygons, so that a page needs no script."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

WIDTH, HEIGHT = 720.0, 180.0
_LAYERS = ("compliant", "unknown", "deviating")
_STEPS = (1, 1.5, 2, 2.5, 3, 4, 5, 6, 8, 10)


@dataclass(frozen=True, slots=True)
class Band:
    """One layer: its state, and the points of its polygon as SVG writes them."""

    state: str
    points: str


@dataclass(frozen=True, slots=True)
class Tick:
    """A mark on an axis: where, and what it says (a number of devices, or a Unix time)."""

    at: float
    value: float


@dataclass(frozen=True, slots=True)
class Plot:
    """Bands from the bottom up, in a box of `width` by `height`; ticks of numbers and of times."""

    bands: tuple[Band, ...]
    numbers: tuple[Tick, ...]
    times: tuple[Tick, ...]
    width: float = WIDTH
    height: float = HEIGHT


def plot(tallies: Sequence[Mapping[str, float]]) -> Plot | None:
    """Return the plot of `tallies` (each with `at` and a number by state), oldest first; None where no time lies between them."""
    if len(tallies) < 2 or tallies[-1]["at"] <= tallies[0]["at"]:  # noqa: PLR2004 - a line has two ends
        return None
    most = max(sum(tally[state] for state in _LAYERS) for tally in tallies)
    top = _round_up(most)
    begin, end = tallies[0]["at"], tallies[-1]["at"]
    across = [(tally["at"] - begin) / (end - begin) * WIDTH for tally in tallies]
    below = [0.0] * len(tallies)
    bands: list[Band] = []
    for state in _LAYERS:
        above = [low + tally[state] for low, tally in zip(below, tallies, strict=True)]
        edge = [*_points(across, above, top), *reversed(list(_points(across, below, top)))]
        bands.append(Band(state, " ".join(edge)))
        below = above
    numbers = tuple(Tick(HEIGHT - HEIGHT * part, top * part) for part in (0.0, 0.5, 1.0))
    times = tuple(Tick(WIDTH * part, begin + (end - begin) * part) for part in (0.0, 0.25, 0.5, 0.75, 1.0))
    return Plot(tuple(bands), numbers, times)


def _points(across: Sequence[float], values: Sequence[float], top: float) -> list[str]:
    return [f"{x:.1f},{HEIGHT - value / top * HEIGHT:.1f}" for x, value in zip(across, values, strict=True)]


def _round_up(most: float) -> float:
    """Return the next number that people like on an axis, even so that its half is whole."""
    size = 2.0
    while size * 10 < most:
        size *= 10
    return next(size * step for step in (*_STEPS, 20) if size * step >= most)
