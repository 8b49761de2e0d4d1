"""The servers that run, in one small JSON file of the state folder, replaced as a whole.

By it the next start knows again what ran on meanwhile. A file that is not there, or cannot be understood, is as none: what
outlives its client is then recognised no more.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from agent.core.deviation import Evidence
from agent.core.recognition import Confidence
from agent.core.recognition.recalling import Seen, Trace
from agent.host.replacing import replace_durably

NAME = "running-servers.json"
_SCHEMA = "mcp-compliance/running-servers/1"


def load(state: Path) -> tuple[Trace, ...]:
    """Return what is known in the state folder."""
    try:
        value = json.loads((state / NAME).read_bytes())
        if value["schema"] != _SCHEMA:
            return ()
        return tuple(map(_trace, value["servers"]))
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return ()


def save(state: Path, known: Sequence[Trace]) -> None:
    """Write `known` durably.

    Raises:
        OSError: the state folder cannot be written.
    """
    document = {"schema": _SCHEMA, "servers": [asdict(trace) for trace in known]}
    replace_durably(state / NAME, json.dumps(document).encode())


def _trace(value: Mapping[str, Any]) -> Trace:
    key, client, host = value["key"], value["client"], value["host"]
    return Trace(
        members=tuple(map(_seen, value["members"])),
        host=None if host is None else _seen(host),
        client=None if client is None else str(client),
        key=None if key is None else str(key),
        confidence=Confidence(value["confidence"]),
        evidence=tuple(Evidence(str(fact["kind"]), str(fact["text"])) for fact in value["evidence"]),
        outlives=str(value["outlives"]),
    )


def _seen(value: Mapping[str, Any]) -> Seen:
    return Seen(int(value["pid"]), float(value["started"]), int(value["image"]), str(value["name"]))
