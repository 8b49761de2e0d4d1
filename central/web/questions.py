"""The tables of what can be asked and done: one row each, with its path, its permission, its parameters and its words.

A question `/devices` is answered as JSON at `/v1/devices`, as a page at `/devices`, and, where it has `rows`, whole as
`/devices.csv` and `/devices.json`. A deed is a form's POST to its path, or JSON to `/v1` and its path.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from central.asking.ask import Ask, Nothing, Params
from central.core.access import Permission


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """One thing that can be asked.

    `answer` returns a dataclass of plain values; `rows` names the list in it that is exported, of rows `row`. `api` is the path
    below `/v1` where that is another one.
    """

    path: str
    api: str = ""
    template: str
    permission: Permission = Permission.READ
    params: type[Params] = Nothing
    answer: Callable[[Ask[Any]], Any]
    returns: type[Any]
    rows: str = ""
    row: type[Any] | None = None
    summary: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Deed:
    """`do` returns what was done in one number or text; None where there was nothing to do it to.

    With `shown`, what was made is a secret of that kind: the form is answered with a page that shows it, this once.
    """

    path: str
    permission: Permission
    params: type[Params] = Nothing
    do: Callable[[Ask[Any]], int | str | bool | None]
    summary: str
    shown: str = ""
