"""Results of pure functions, kept from one judgement to the next: of the very same values they make the same.

A judgement always asks for everything; what rests on values that did not change is answered from the judgement before. That is
right by construction, as long as the functions are pure and the values frozen: nobody needs to know what depends on what, and to
ask an empty memo is to judge anew. What a judgement did not ask for is forgotten: a memo is as large as one judgement.
"""

from collections.abc import Callable, Hashable
from typing import Any, TypeVar

T = TypeVar("T")
_BY_VALUE = (str, bool, type(None))


class Memo:
    """What one judgement leaves to the next. It belongs to one thread."""

    def __init__(self) -> None:
        self._old: dict[Hashable, tuple[tuple[object, ...], Any]] = {}
        self._new: dict[Hashable, tuple[tuple[object, ...], Any]] = {}

    def of(self, function: Callable[..., T], *args: object, besides: tuple[object, ...] = ()) -> T:
        """Return `function(*args, *besides)`, from before where every one of `args` is the very same.

        `besides` are not compared: what they say counts as of when something else was new.
        """
        # The arguments are kept with the result, so no other value can have come to stand at their address.
        key = (function, *(arg if arg.__class__ in _BY_VALUE else id(arg) for arg in args))
        kept = self._new.get(key) or self._old.get(key)
        if kept is None:
            kept = (args, function(*args, *besides))
        self._new[key] = kept
        result: T = kept[1]
        return result

    def same(self, name: Hashable, value: T) -> T:
        """Return the value that had this name in the judgement before, where it is equal: then it is the very same."""
        key = ("same", name)
        kept = self._old.get(key)
        if kept is None or (kept[1] is not value and kept[1] != value):
            kept = ((), value)
        self._new[key] = kept
        result: T = kept[1]
        return result

    def turn(self) -> None:
        """Everything was asked for: forget what was not."""
        self._old, self._new = self._new, {}
