"""The agent's settings as flat rows, from their published schema: what templates and manifests are made of."""

import functools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from agent.config.files import WHOLE
from agent.config.settings import Settings

Kind = Literal["boolean", "number", "text", "texts", "choices"]

_KINDS: Mapping[str, Kind] = {"boolean": "boolean", "number": "number", "integer": "number", "string": "text"}


@dataclass(frozen=True, slots=True)
class Setting:
    """One setting. `section` is empty at the top level; `choices` maps names to what may be chosen for each (kind `choices`)."""

    section: str
    key: str
    kind: Kind
    description: str
    default: Any = None
    minimum: float | None = None
    maximum: float | None = None
    choices: tuple[str, ...] = ()

    @property
    def id(self) -> str:
        """The name by which templates refer to it."""
        return "_".join(part for part in (self.section, self.key) if part)


@dataclass(frozen=True, slots=True)
class Section:
    """One table of the settings file."""

    name: str
    description: str


@functools.cache
def sections() -> tuple[Section, ...]:
    """Return every table that single values can fill."""
    schema = Settings.model_json_schema()
    return tuple(
        Section(name, part["description"]) for name, part in schema["properties"].items() if _table(schema, part)
    )


@functools.cache
def settings() -> tuple[Setting, ...]:
    """Return every setting that one value can hold, and last the value that holds a whole file."""
    schema = Settings.model_json_schema()
    rows = [row for name, part in schema["properties"].items() for row in _rows(schema, name, part)]
    whole = "a whole agent.toml, line by line, for what single values cannot say ([[destination]]); they win over it"
    return (*rows, Setting("", WHOLE, "texts", whole))


def _rows(schema: Mapping[str, Any], name: str, part: Mapping[str, Any]) -> Iterator[Setting]:
    table = _table(schema, part)
    if table is not None:
        for key, below in table["properties"].items():
            yield _setting(name, key, below)
    elif part.get("type") == "object":
        yield Setting(name, "", "choices", part["description"], choices=tuple(schema["$defs"]["Severity"]["enum"]))
    elif part.get("items", {}).get("type") != "string" and part.get("type") == "array":
        return  # tables in a list: `WHOLE` is for them
    else:
        yield _setting("", name, part)


def _table(schema: Mapping[str, Any], part: Mapping[str, Any]) -> Mapping[str, Any] | None:
    name = part.get("$ref", "").removeprefix("#/$defs/")
    found = schema["$defs"].get(name)
    return found if found is not None and "properties" in found else None


def _setting(section: str, key: str, part: Mapping[str, Any]) -> Setting:
    shape = next((option for option in part.get("anyOf", ()) if option.get("type") != "null"), part)
    lists = shape["type"] == "array"
    return Setting(
        section,
        key,
        "texts" if lists else _KINDS[shape["type"]],
        part["description"],
        default=part.get("default"),
        minimum=shape.get("minimum", shape.get("exclusiveMinimum")),
        maximum=shape.get("maximum"),
    )
