"""Texts as people search them: the case folded, in the order of code points, so that a prefix is a range and no pattern."""

from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, func, true

_LAST = "\U0010ffff"


def begins(connection: Connection, column: ColumnElement[Any], text: str) -> ColumnElement[bool]:
    """Return the condition that `column` begins with `text`, whatever their case; an index finds it."""
    if not text:
        return true()
    collation = "C" if connection.dialect.name == "postgresql" else "BINARY"
    folded = func.lower(column).collate(collation)
    low = text.lower()
    return and_(folded >= low, folded < low + _LAST)


def contains(column: ColumnElement[Any], text: str) -> ColumnElement[bool]:
    """Return the condition that `column` holds `text`, whatever their case; `%` and `_` are themselves."""
    return func.lower(column).contains(text.lower(), autoescape=True)
