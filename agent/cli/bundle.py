"""The archive for support: what `doctor` found, the last status, the settings in force, a month of history. All of it redacted.

Status and history hold redacted values only; whatever text goes in passes the redaction once more. Credentials stand in files
of their own, of which the settings hold the paths alone.
"""

import io
import json
import os
import tarfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from agent import __version__
from agent.app.diagnosis import Result
from agent.cli.history import row
from agent.cli.options import Own
from agent.core.redaction import redact_text
from agent.core.refusal import CannotStart
from agent.ports import StoreError
from agent.status.document import FILE_NAME, load
from agent.store.journal import JOURNAL
from agent.store.reading import read_counters, read_history

_HISTORY_S = 30 * 86_400.0


def write_bundle(path: Path, own: Own, results: Sequence[Result]) -> None:
    """Write the archive to `path`, for its owner alone to read; a part that cannot be had is said in its place.

    Raises:
        CannotStart: the file cannot be written, or is there already.
    """
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as stream, tarfile.open(fileobj=stream, mode="w:gz") as archive:
            for name, part in _parts(own, results):
                raw = (json.dumps(redacted(part), indent=1) + "\n").encode()
                entry = tarfile.TarInfo(f"mcp-compliance-support/{name}.json")
                entry.size, entry.mtime, entry.mode = len(raw), int(time.time()), 0o600
                archive.addfile(entry, io.BytesIO(raw))
    except OSError as error:
        raise CannotStart(f"{path} cannot be written: {error.strerror}") from None


def redacted(value: Any) -> Any:  # noqa: ANN401 - any JSON
    """Return `value` with every text in it redacted once more."""
    if isinstance(value, str):
        return redact_text(value)
    if isinstance(value, dict):
        return {key: redacted(item) for key, item in value.items()}
    return [redacted(item) for item in value] if isinstance(value, list | tuple) else value


def _parts(own: Own, results: Sequence[Result]) -> Iterator[tuple[str, Any]]:
    machine = own.machine
    yield "about", {"agent": __version__, "os": machine.os, "os_version": machine.os_version, "written_at": time.time()}
    yield "doctor", [asdict(result) for result in results]
    yield (
        "settings",
        {
            "files": [str(file) for file in own.loaded.files],
            "problems": [str(problem) for problem in own.loaded.problems],
            "in_force": own.loaded.settings.model_dump(mode="json"),
        },
    )
    try:
        yield "status", load(own.paths.state / FILE_NAME)
    except (OSError, ValueError) as error:
        yield "status", {"missing": str(error)}
    try:
        journal = own.paths.state / JOURNAL
        yield "history", [row(record) for record in read_history(journal, time.time() - _HISTORY_S)]
        yield "outbox", asdict(read_counters(journal))
    except StoreError as error:
        yield "history", {"missing": str(error)}
