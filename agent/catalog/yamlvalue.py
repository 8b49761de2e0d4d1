"""The part of reading YAML that needs the library; it is loaded with the first YAML file, as most laptops have none."""

import re
from typing import Any

import yaml

from agent.catalog.format_error import FormatError
from agent.core.jsontext import MAX_DEPTH

_ALIASES = 1000


class _Loader(yaml.CSafeLoader):
    """Safe, and without guesses."""

    yaml_implicit_resolvers: dict[str, Any] = {}  # noqa: RUF012 - a copy of its own is the point

    def flatten_mapping(self, node: object) -> None:
        """Leave `<<` alone."""


_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:bool", re.compile(r"^(?:true|True|TRUE|false|False|FALSE)$"), list("tTfF")
)
_Loader.add_implicit_resolver("tag:yaml.org,2002:null", re.compile(r"^(?:~|null|Null|NULL|)$"), ["~", "n", "N", ""])


def load(text: str) -> Any:  # noqa: ANN401 - YAML is any value
    """Return the value of the one document in `text`; raise `FormatError`."""
    try:
        _guard(text)
        return yaml.load(text, Loader=_Loader)  # noqa: S506 - a safe loader
    except yaml.MarkedYAMLError as error:
        raise FormatError("not valid YAML", error.problem_mark.line + 1 if error.problem_mark else None) from None
    except (yaml.YAMLError, ValueError, TypeError, OverflowError) as error:  # odd characters, a date in the 13th month
        raise error if isinstance(error, FormatError) else FormatError("not valid YAML") from None


def line(text: str, target: str) -> int | None:
    """Return the 1-based line on which the value at pointer `target` of a text that was read begins."""
    node = yaml.compose(text, Loader=_Loader)
    for part in target.split("/")[1:]:
        name = part.replace("~1", "/").replace("~0", "~")
        if isinstance(node, yaml.MappingNode):
            node = next((value for key, value in reversed(node.value) if key.value == name), None)
        elif isinstance(node, yaml.SequenceNode):
            node = node.value[int(name)] if name.isdecimal() and int(name) < len(node.value) else None
        else:
            node = None
    return None if node is None else node.start_mark.line + 1


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
            raise FormatError(what, event.start_mark.line + 1 if event.start_mark else None)
