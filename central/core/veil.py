r"""Paths of people, shortened: `/home/ann/merger/.mcp.json` becomes `~ann/…/.mcp.json`.

Which client and which kind of file it is, is what the help desk needs; what a person's folders are called is not.
"""

import re
from typing import Any

_HOME = re.compile(
    r"(?P<home>/home|/Users|[A-Za-z]:[\\/]Users)[\\/](?P<user>[^\\/\s\"'<>|:;,)\]}]+)(?P<below>(?:[\\/]+[^\\/\"'<>|:;\n,)\]}]+)*[\\/]?)"
)
_ROOT = re.compile(r"(?<![\w/.~])/root(?P<below>(?:/+[^/\"'<>|:;\n,)\]}]+)+/?)")
_SEPARATOR = re.compile(r"[\\/]+")


def veiled(value: Any) -> Any:  # noqa: ANN401 - any JSON
    """Return `value` with every path below a home shortened to its user and its last name."""
    if isinstance(value, str):
        return _ROOT.sub(lambda found: _short("root", found["below"]), _HOME.sub(_shortened, value))
    if isinstance(value, dict):
        return {key: veiled(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [veiled(item) for item in value]
    return value


def _shortened(found: re.Match[str]) -> str:
    return _short(found["user"], found["below"])


def _short(user: str, below: str) -> str:
    names = [name for name in _SEPARATOR.split(below) if name]
    between = "…/" if len(names) > 1 else ""
    return f"~{user}" + (f"/{between}{names[-1]}" if names else "")
