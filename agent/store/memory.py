"""What the judgement of the managed files remembers, in one small JSON file of the state folder, replaced as a whole.

A file that is not there, or cannot be understood, is an empty memory: `known` tells the two apart, so that losing it can be told.
"""

import base64
import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from agent.core.baseline.document import BaselineError, read_records
from agent.core.baseline.trust import Kept, Memory
from agent.host.replacing import replace_durably

NAME = "managed-files.json"
_SCHEMA = "mcp-compliance/managed-files/1"


class MemoryLostError(ValueError):
    """The file is there and holds no memory; the message says why."""


def load(state: Path) -> Memory:
    """Return what is remembered in the state folder.

    Raises:
        MemoryLostError: the file is there and cannot be read or understood.
    """
    path = state / NAME
    try:
        raw = path.read_bytes()
    except FileNotFoundError:
        return Memory()
    except OSError as error:
        raise MemoryLostError(f"{path} cannot be read: {error.strerror}") from None
    try:
        return _memory(json.loads(raw))
    except (ValueError, KeyError, TypeError, BaselineError, RecursionError):
        raise MemoryLostError(f"{path} was changed by something else than the agent, or is damaged") from None


def save(state: Path, memory: Memory) -> None:
    """Write `memory` durably: after a crash there is the old one or the new one.

    Raises:
        OSError: the state folder cannot be written.
    """
    kept = memory.kept
    document = {
        "schema": _SCHEMA,
        "kept": None
        if kept is None
        else {"text": kept.text.decode("utf-8", "replace"), "signature": base64.b64encode(kept.signature).decode()},
        "latest": memory.latest,
        "since": memory.since,
        "first_sight": [asdict(record) for _, record in sorted(memory.first_sight.items())],
    }
    replace_durably(state / NAME, json.dumps(document).encode())


def _memory(value: Mapping[str, Any]) -> Memory:
    if value["schema"] != _SCHEMA:
        raise ValueError("another schema")
    kept = value["kept"]
    since = value["since"]
    return Memory(
        kept=None if kept is None else Kept(kept["text"].encode(), base64.b64decode(kept["signature"], validate=True)),
        latest=float(value["latest"]),
        since=None if since is None else float(since),
        first_sight={record.path: record for record in read_records(value["first_sight"])},
    )
