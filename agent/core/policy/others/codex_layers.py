"""Where Codex takes its requirements from on a device: `requirements.toml`, and on macOS managed preferences above it.

By its source (openai/codex, `codex-rs/config`: `loader/macos.rs`, `requirements_layers/stack.rs`): the managed preferences
`com.openai.codex` hold the same TOML in base64, as `requirements_toml_base64`, and come before the file; the two are merged as
tables, so that the file adds what the preferences leave open. What the organisation's account sends from the cloud comes before
both, and is not seen.
"""

import base64
import binascii
import tomllib
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any

from agent.core.jsontext import JsonError, decode, parse
from agent.core.observation import Document, DocumentKind
from agent.core.place import User
from agent.core.policy.others.ruling import Bytes, Closed, Unseen, of_kind, read

_PREFERENCE = "requirements_toml_base64"
Table = Mapping[str, Any]


class FaultError(ValueError):
    """The client does not start; the text says why."""


class UnseenError(ValueError):
    """What holds could not be found out; the text says why."""


def layered(documents: Sequence[Document], user: User | None) -> Iterator[tuple[Document, Callable[[], bytes]]]:
    """Yield each document that may require something, the weakest first, and how to get its TOML."""
    file = of_kind(documents, DocumentKind.CODEX_REQUIREMENTS)
    found = read(file, user)
    if file is not None and found is not None:
        yield file, partial(_of_file, found)
    mine = [
        item
        for item in documents
        if item.kind is DocumentKind.CODEX_PREFERENCES and item.user in (None, user.name if user else item.user)
    ]
    for document in sorted(mine, key=lambda item: item.user is None):  # a user's value hides the device's
        held = _preferred(read(document, None))  # macOS reads them for the user
        if held is not None:
            yield document, partial(_of_preference, held)
            return


def _of_file(found: Bytes | Closed | Unseen) -> bytes:
    if isinstance(found, Unseen):
        raise UnseenError(found.why)
    if isinstance(found, Closed):
        raise FaultError(found.why.rstrip("."))
    return found.raw


def _preferred(found: Bytes | Closed | Unseen | None) -> object:
    """Return the value of the preference, None where there is none."""
    if isinstance(found, Closed | Unseen):
        return found
    try:
        value = parse(decode(found.raw)) if found is not None else None
    except JsonError:
        return Unseen("it is no property list")
    return value.get(_PREFERENCE) if isinstance(value, dict) else None


def _of_preference(value: object) -> bytes:
    if isinstance(value, Closed | Unseen):
        raise UnseenError(value.why)
    if not isinstance(value, str):
        raise UnseenError(f"{_PREFERENCE} is not text, and what Codex makes of that is not known")
    try:
        return base64.b64decode(value.strip(), validate=True)
    except (binascii.Error, ValueError):
        raise FaultError(f"{_PREFERENCE} is not base64") from None


def toml_of(raw: bytes) -> Table:
    """Return the table of a layer.

    Raises `FaultError`.
    """
    try:
        return tomllib.loads(raw.decode("utf-8").removeprefix("\ufeff"))
    except UnicodeDecodeError:
        raise FaultError("it is not UTF-8") from None
    except (ValueError, RecursionError) as error:
        raise FaultError(f"it is not TOML ({error})") from None


def merged_tables(tables: Sequence[Table]) -> Table:
    """Return the tables, the weakest first, put over each other table by table.

    Raises `FaultError`.
    """
    merged: Table = {}
    try:
        for table in tables:
            merged = _over(merged, table)
    except RecursionError:
        raise FaultError("its tables are nested too deeply") from None
    return merged


def _over(low: Table, high: Table) -> Table:
    both = {key: _over(low[key], high[key]) for key in low.keys() & high.keys() if _tables(low[key], high[key])}
    return {**low, **high, **both}


def _tables(*values: object) -> bool:
    return all(isinstance(value, dict) for value in values)
