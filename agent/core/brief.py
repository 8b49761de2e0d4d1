"""Answers that are remembered as far as what was asked is brief.

Any user writes command lines, URLs and paths, of up to 64 KB each: a cache that counts its answers alone would come to hold
hundreds of megabytes of them.
"""

from collections.abc import Callable
from functools import lru_cache, wraps
from typing import ParamSpec, TypeVar

_Asked = ParamSpec("_Asked")
_Answer = TypeVar("_Answer")


def remembered(most: int, longest: int = 1024) -> Callable[[Callable[_Asked, _Answer]], Callable[_Asked, _Answer]]:
    """Remember the latest `most` answers to what has at most `longest` characters; compute the others each time anew.

    What answers is a pure function of texts, command lines, and of what else it is given.
    """

    def remembering(answer: Callable[_Asked, _Answer]) -> Callable[_Asked, _Answer]:
        known: Callable[..., _Answer] = lru_cache(maxsize=most)(answer)

        @wraps(known)
        def ask(*asked: _Asked.args, **named: _Asked.kwargs) -> _Answer:
            length = 0
            for one in asked:
                if isinstance(one, str):
                    length += len(one)
                elif isinstance(one, tuple):
                    length += sum(map(len, one))
            return (known if length <= longest else answer)(*asked, **named)

        return ask

    return remembering
