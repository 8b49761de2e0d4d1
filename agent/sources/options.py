"""The words of a command line: the values of its options, and what the readers of each client's options share."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any, Protocol

from agent.core.jsontext import JsonError, parse
from agent.core.observation import Given, Process
from agent.ports import Files

INLINE = "command line"
"""Stands as the path of what was given in the command line itself."""


class Text(Protocol):
    """Returns the text of a file as the process's user may read it, None where that is not possible."""

    def __call__(self, path: str, *, home: bool = False) -> str | None:
        """Read `path`, below the folder of the process where it is relative; with `home`, `~/` is the user's home."""
        ...


Reader = Callable[[Process, Text, Files], Iterator[Given]]


def values(words: Sequence[str], *names: str, attached: str | None = None) -> Iterator[str]:
    """Yield every value of an option, given as the next word, after an equals sign, or `attached` to a short name."""
    for place, word in enumerate(words):
        name, equals, value = word.partition("=")
        if word in names and place + 1 < len(words):
            yield words[place + 1]
        elif equals and name in names:
            yield value
        elif attached is not None and word.startswith(attached) and word != attached:
            yield word.removeprefix(attached)


def as_json(text: str) -> Any:  # noqa: ANN401 - JSON is any value
    """Return the value, None where the text is no JSON."""
    try:
        return parse(text)
    except JsonError:
        return None
