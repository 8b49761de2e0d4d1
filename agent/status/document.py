"""The status document: written atomically by the daemon, read by `status`, the MDM formats and the osquery tables.

The reader needs no pydantic and looks at nothing but the file: stale, missing or broken is an answer of its own, and that
answer is never "fine".
"""

import json
import os
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from agent.host.replacing import replace_file

FILE_NAME = "status.json"
MAX_BYTES = 64 << 20
_FUTURE_TOLERANCE_S = 120.0


@dataclass(frozen=True, slots=True)
class Fresh:
    """The daemon's word, young enough to count. `age_s` is the time since it was written."""

    document: dict[str, Any]
    age_s: float


@dataclass(frozen=True, slots=True)
class Silent:
    """There is no word that counts; `text` says why and what to do. `document` is the stale one, for its history only."""

    text: str
    document: dict[str, Any] | None = None


def write(folder: Path, payload: bytes) -> None:
    """Replace the status document in `folder` by `payload`, so that a reader sees the old or the new one, whole.

    Raises:
        OSError: the folder cannot be written; the old document stays.
    """
    replace_file(folder / FILE_NAME, payload, mode=0o600)


def read(folder: Path, now: float) -> Fresh | Silent:
    """Return the daemon's last word from `folder`; `now` is Unix time in seconds."""
    path = folder / FILE_NAME
    try:
        document = load(path)
        age = now - float(document["written_at"])
        stale_after = float(document["stale_after_s"])
    except FileNotFoundError:
        return Silent(
            f"The agent has not run on this machine yet (there is no {path}). Start its service, or `mcp-compliance run`."
        )
    except PermissionError:
        return Silent(f"The status at {path} may be read by administrators only. Ask again with their rights.")
    except (OSError, ValueError, KeyError, TypeError) as error:
        return Silent(
            f"The status at {path} cannot be read ({error}). Restart the agent; `mcp-compliance doctor` tells more."
        )
    why = _not_now(document, age, stale_after)
    return Fresh(document, max(age, 0.0)) if why is None else Silent(why, document)


def _not_now(document: dict[str, Any], age: float, stale_after: float) -> str | None:
    """Say why a document says nothing of the present; None where it does."""
    if document.get("ended_at") is not None:
        ago = _duration(max(age, 0.0))
        return f"The agent was stopped {ago} ago: how this device stands is not known since then. Start its service."
    if age > stale_after:
        return (
            f"The agent last wrote its status {_duration(age)} ago and should do so every {_duration(stale_after)}: it is not"
            " running, or hangs. Restart it; `mcp-compliance doctor` tells more."
        )
    if age < -_FUTURE_TOLERANCE_S:
        return f"The status was written {_duration(-age)} in the future: the clock was set back. Restart the agent."
    return None


def load(path: Path) -> dict[str, Any]:
    """Return the JSON object in the regular file `path`.

    Raises:
        OSError: it cannot be read.
        ValueError: it is not a regular file, too large, or holds no JSON object.
    """
    document = json.loads(_bytes(path))
    if not isinstance(document, dict):
        raise ValueError("it holds no JSON object")  # noqa: TRY004 - as for any other content that makes no sense
    return document


def _bytes(path: Path) -> bytes:
    descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
    with os.fdopen(descriptor, "rb") as stream:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise ValueError("not a regular file")
        raw = stream.read(MAX_BYTES + 1)
    if len(raw) > MAX_BYTES:
        raise ValueError(f"larger than {MAX_BYTES} bytes")
    return raw


def _duration(seconds: float) -> str:
    for size, unit in ((86_400, "days"), (3_600, "hours"), (60, "minutes")):
        if seconds >= 2 * size:
            return f"{seconds / size:.0f} {unit}"
    whole = round(seconds)
    return "1 second" if whole == 1 else f"{whole} seconds"
