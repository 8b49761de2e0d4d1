"""What the agent knows of where to look, in one small JSON file of the state folder, replaced as a whole.

It only spares time: a file that is not there, or cannot be understood, is as none, and what it held is found again.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from agent.core.whereto import Walk, WhereTo
from agent.host.replacing import replace_durably

NAME = "where-to-look.json"
_SCHEMA = "mcp-compliance/where-to-look/1"


def load(state: Path) -> WhereTo:
    """Return what is known in the state folder."""
    try:
        return _known(json.loads((state / NAME).read_bytes()))
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return WhereTo()


def save(state: Path, known: WhereTo) -> None:
    """Write `known` durably.

    Raises:
        OSError: the state folder cannot be written.
    """
    replace_durably(state / NAME, json.dumps({"schema": _SCHEMA, **asdict(known)}).encode())


def _known(value: Mapping[str, Any]) -> WhereTo:
    if value["schema"] != _SCHEMA:
        raise ValueError("another schema")
    return WhereTo(
        moves={
            user: tuple(tuple((str(name), str(path)) for name, path in one) for one in sets)
            for user, sets in value["moves"].items()
        },
        folders={user: tuple(map(str, folders)) for user, folders in value["folders"].items()},
        walks={user: _walk(walk) for user, walk in value["walks"].items()},
    )


def _walk(value: Mapping[str, Any]) -> Walk:
    return Walk(
        waiting=tuple((str(folder), int(depth)) for folder, depth in value["waiting"]),
        tried=int(value["tried"]),
        found=tuple(map(str, value["found"])),
        before=tuple(map(str, value["before"])),
    )
