"""A case that differs → the smallest one that still does: parts are taken out, one at a time, while the difference stays."""

import copy
from collections.abc import Callable, Iterator
from typing import Any

from tests.differential.recorded import Case

_Path = tuple[str | int, ...]
_KEPT = frozenset({"id", "verdicts"})


def shrunk(case: Case, differs: Callable[[Case], bool], tries: int = 300) -> Case:
    """Return a small case for which `differs` still holds; `tries` bounds how often it is asked."""
    left, smaller = tries, True
    while smaller and left > 0:
        smaller = False
        for path in list(_parts(case)):
            candidate = _without(case, path)
            if candidate is None or left <= 0:
                continue
            left -= 1
            if differs(candidate):
                case, smaller = candidate, True
    return case


def _parts(value: Any, path: _Path = ()) -> Iterator[_Path]:  # noqa: ANN401 - any JSON
    """Yield the way to every part, the large ones first and the last of a list before its first."""
    keys: list[str | int] = []
    if isinstance(value, dict):
        keys = [key for key in value if path or key not in _KEPT]
    elif isinstance(value, list):
        keys = list(reversed(range(len(value))))
    yield from ((*path, key) for key in keys)
    for key in keys:
        yield from _parts(value[key], (*path, key))


def _without(case: Case, path: _Path) -> Case | None:
    made = copy.deepcopy(case)
    inner: Any = made
    try:
        for key in path[:-1]:
            inner = inner[key]
        del inner[path[-1]]
    except (KeyError, IndexError, TypeError):
        return None  # went with something larger
    return made
