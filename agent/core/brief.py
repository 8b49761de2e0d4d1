"""Answers that are remembered as far as what was asked is brief.

Any user writes command lines and paths, of up to 64 KB each: a cache that counts its answers alone would come to hold hundreds
of megabytes of them.
"""

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Concatenate, ParamSpec, TypeVar

_LONGEST = 1024
_Asked = TypeVar("_Asked", bound=Sequence[str])
_More = ParamSpec("_More")
_Answer = TypeVar("_Answer")


def remembered(
    most: int,
) -> Callable[[Callable[Concatenate[_Asked, _More], _Answer]], Callable[Concatenate[_Asked, _More], _Answer]]:
    """Remember the latest `most` answers to what has at most 1,024 characters; compute the others each time anew.

    What answers is a pure function of a text or a command line, and of what else it is given.
    """

    def remembering(
        answer: Callable[Concatenate[_Asked, _More], _Answer],
    ) -> Callable[Concatenate[_Asked, _More], _Answer]:
        known: Callable[..., _Answer] = lru_cache(maxsize=most)(answer)

        def ask(asked: _Asked, /, *more: _More.args, **named: _More.kwargs) -> _Answer:
            length = len(asked) if isinstance(asked, str) else sum(map(len, asked))
            return (known if length <= _LONGEST else answer)(asked, *more, **named)

        return ask

    return remembering
