"""YAML → value, as a program that types its own settings reads it: words are text, only `true`, `false` and null are not.

YAML 1.2 readers (JavaScript's, Rust's) and Go's take `on` or `12:30` for text where text is wanted, so nothing here guesses
numbers or dates. `<<` is an ordinary key, as it is for them. An alias shares the value it names and copies nothing, so a bomb
of aliases costs what it is long; the depth is bounded before anything is built.
"""

import re
from typing import Any

import yaml

from agent.core.jsontext import MAX_DEPTH

_CAP = 1024 * 1024
"""Characters: the parser is quick, but building the value of a hostile document takes seconds beyond."""
_ALIASES = 1000
_FRONT = re.compile(r"\A---[ \t]*\r?\n(.*?\r?\n|)---[ \t]*(?:\r?\n|\Z)", re.DOTALL)


class YamlError(ValueError):
    """The text is not YAML that is read here; `line` is 1-based where it is known."""

    def __init__(self, message: str, line: int | None = None) -> None:
        super().__init__(message)
        self.message, self.line = message, line


class _Loader(yaml.CSafeLoader):
    """Safe, and without guesses."""

    yaml_implicit_resolvers: dict[str, Any] = {}  # noqa: RUF012 - a copy of its own is the point

    def flatten_mapping(self, node: object) -> None:
        """Leave `<<` alone."""


_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:bool", re.compile(r"^(?:true|True|TRUE|false|False|FALSE)$"), list("tTfF")
)
_Loader.add_implicit_resolver("tag:yaml.org,2002:null", re.compile(r"^(?:~|null|Null|NULL|)$"), ["~", "n", "N", ""])


def parse_yaml(text: str) -> Any:  # noqa: ANN401 - YAML is any value
    """Return the value of the one document in `text`; raise `YamlError`."""
    if len(text) > _CAP:
        raise YamlError(f"longer than {_CAP} characters, which is the most that is read of a YAML file")
    try:
        _guard(text)
        return yaml.load(text, Loader=_Loader)  # noqa: S506 - a safe loader
    except yaml.MarkedYAMLError as error:
        raise YamlError("not valid YAML", error.problem_mark.line + 1 if error.problem_mark else None) from None
    except (yaml.YAMLError, ValueError, TypeError, OverflowError) as error:  # odd characters, a date in the 13th month
        raise error if isinstance(error, YamlError) else YamlError("not valid YAML") from None


def front_matter(text: str) -> str:
    """Return the YAML between the lines `---` that open a Markdown file, blank where there is none."""
    found = _FRONT.match(text)
    return found[1] if found else ""


def _guard(text: str) -> None:
    """Refuse what is nested too deeply, before the recursive part of the parser sees it, and heaps of aliases."""
    depth = aliases = 0
    for event in yaml.parse(text, Loader=_Loader):
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
        elif isinstance(event, yaml.AliasEvent):
            aliases += 1
        if depth > MAX_DEPTH or aliases > _ALIASES:
            what = f"nested deeper than {MAX_DEPTH} levels" if depth > MAX_DEPTH else f"more than {_ALIASES} aliases"
            raise YamlError(what, event.start_mark.line + 1 if event.start_mark else None)
