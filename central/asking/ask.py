"""One question: who asks what, when, and of which state of the database."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Annotated, Any, Generic, TypeVar

from pydantic import BaseModel, ConfigDict, Field, field_validator
from sqlalchemy import Connection, RowMapping

from central.core.access import Asker
from central.core.fleet import Terms
from central.core.pushing import Destination

P = TypeVar("P", bound=BaseModel)
Row = RowMapping | Mapping[str, Any]
"""A row of a table, by the names of its columns."""


class Params(BaseModel):
    """Parameters of a question: unknown ones are refused, blanks around texts dropped."""

    model_config = ConfigDict(extra="forbid", frozen=True, str_strip_whitespace=True)

    @field_validator("*")
    @classmethod
    def _no_nul(cls, value: object) -> object:
        if isinstance(value, str) and "\0" in value:
            raise ValueError("a text holds no NUL")
        return value


class Nothing(Params):
    """No parameters."""


class Paged(Params):
    """How much of a long answer, and from where on."""

    most: Annotated[int, Field(ge=1, le=1_000, description="how many rows at most")] = 50
    after: Annotated[str, Field(max_length=128, description="`next` of the page before")] = ""


@dataclass(frozen=True, slots=True)
class Ask(Generic[P]):
    """A question with its parameters. `place` holds what stands in the path, `now` is Unix seconds.

    `destinations` are where the settings push alerts to.
    """

    connection: Connection
    asker: Asker
    params: P
    now: float
    terms: Terms = field(default_factory=Terms)
    place: Mapping[str, str] = field(default_factory=dict)
    destinations: Sequence[Destination] = ()


class NotThereError(LookupError):
    """What is asked about does not exist; the message says what."""
