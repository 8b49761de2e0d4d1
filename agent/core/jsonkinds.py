"""Of which kind a value of JSON is: the checks that tables of members are made of."""

from collections.abc import Callable, Mapping

Check = Callable[[object], bool]


def is_text(value: object) -> bool:
    """Say whether it is a text."""
    return isinstance(value, str)


def is_truth(value: object) -> bool:
    """Say whether it is true or false."""
    return isinstance(value, bool)


def is_texts(value: object) -> bool:
    """Say whether it is a list of texts."""
    return isinstance(value, list) and all(isinstance(item, str) for item in value)


def is_text_map(value: object) -> bool:
    """Say whether it is an object from names to texts."""
    return isinstance(value, Mapping) and all(isinstance(item, str) for item in value.values())


def is_count(value: object) -> bool:
    """Say whether it is a whole number above zero, however it is written: to JavaScript 2.0 is one."""
    whole = isinstance(value, int) or (isinstance(value, float) and value.is_integer())
    return whole and not isinstance(value, bool) and isinstance(value, int | float) and value > 0
