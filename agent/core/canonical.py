"""The one spelling of an event that is stored, sent and hashed."""

import hashlib
import json
from typing import Any

_ENCODER = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False)


def canonical(event: dict[str, Any]) -> str:
    """Return `event` as JSON with sorted keys, no blanks, ASCII only; raise `ValueError` for what JSON cannot hold."""
    return _ENCODER.encode(event)


def digest(line: str) -> str:
    """Return the SHA-256 of a canonical event in hex: what `unmapped.chain.previous` of the next event holds."""
    return hashlib.sha256(line.encode("ascii")).hexdigest()
