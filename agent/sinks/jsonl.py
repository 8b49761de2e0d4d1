"""Appends events to a local file, one canonical JSON line each, for people and for forwarders that tail.

A batch is accepted once it is on the disk. A crash between the write and the acknowledgement repeats the batch: the last
line of the file then tells which events it already holds. A line that was cut is taken back before the next one is written,
and so is what a power cut left of a batch of which only some sectors had reached the disk.
"""

import contextlib
import json
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

from agent.host.replacing import sync_folder
from agent.ports import JSON, Accepted, Batch, Outcome, RetryLater

_TAIL_BYTES = 64 * 1024
_BATCH_BYTES = 1 << 20
"""More than one batch: as far from the end a power cut may have left holes, as every earlier batch was synced."""


@dataclass(eq=False)
class JsonlSink:
    """`path`, rotated to `path.1` … `path.<kept>` before it would grow beyond `max_bytes`. Only the owner may read it."""

    path: Path
    max_bytes: int = 10_000_000
    kept: int = 3
    name: str = field(default="jsonl")
    _looked_through: bool = field(default=False, init=False)

    def send(self, batch: Batch) -> Outcome:
        """Append what the file does not hold yet."""
        try:
            self._append(batch)
        except OSError as error:
            return RetryLater(f"{self.path} cannot be written: {error.strerror or type(error).__name__}")
        return Accepted()

    def probe(self) -> str | None:
        """Say what keeps the file from being written."""
        near = next(path for path in (self.path, *self.path.parents) if path.exists())
        return None if os.access(near, os.W_OK) else f"{near} cannot be written by this account"

    def abort(self) -> None:
        """Nothing lasts: a batch is written within moments."""

    def close(self) -> None:
        """Nothing is held open between two batches."""

    def _append(self, batch: Batch) -> None:
        self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with self._opened() as stream:
            _take_back_cut_line(stream)
            if not self._looked_through:
                _take_back_holes(stream)
                self._looked_through = True
            last = _last_event(stream) or self._last_of_rotated()
            lines = "".join(f"{line}\n" for line in batch.lines if not _holds(last, line)).encode("ascii")
            if not lines:
                return
            size = stream.seek(0, os.SEEK_END)
            if not size or size + len(lines) <= self.max_bytes:
                self._write(stream, lines, size)
                return
        self._rotate()
        with self._opened() as stream:
            self._write(stream, lines, 0)

    def _write(self, stream: BinaryIO, lines: bytes, size: int) -> None:
        _append(stream, lines, size)
        if not size:
            sync_folder(self.path.parent)  # the file is new, and so may be the names of the older ones

    def _opened(self) -> BinaryIO:
        flags = os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0)
        return os.fdopen(os.open(self.path, flags, 0o600), "r+b", buffering=0)

    def _rotated(self, number: int) -> Path:
        return self.path.with_name(f"{self.path.name}.{number}")

    def _rotate(self) -> None:
        for number in range(self.kept, 0, -1):
            older = self._rotated(number)
            newer = self._rotated(number - 1) if number > 1 else self.path
            with contextlib.suppress(FileNotFoundError):
                newer.replace(older)
        if not self.kept:
            self.path.unlink(missing_ok=True)

    def _last_of_rotated(self) -> JSON | None:
        with contextlib.suppress(FileNotFoundError), self._rotated(1).open("rb", buffering=0) as stream:
            return _last_event(stream)
        return None


def _append(stream: BinaryIO, lines: bytes, size: int) -> None:
    """Append `lines` durably at `size`, or leave the file as it was."""
    try:
        stream.seek(size)
        rest = memoryview(lines)
        while rest:
            rest = rest[stream.write(rest) :]
        os.fsync(stream.fileno())
    except OSError:
        with contextlib.suppress(OSError):
            stream.truncate(size)
        raise


def _take_back_cut_line(stream: BinaryIO) -> None:
    size = stream.seek(0, os.SEEK_END)
    end = size
    while end:
        start = max(0, end - _TAIL_BYTES)
        stream.seek(start)
        cut = stream.read(end - start).rfind(b"\n")
        if cut >= 0:
            end = start + cut + 1
            break
        end = start
    if end != size:
        stream.truncate(end)


def _take_back_holes(stream: BinaryIO) -> None:
    """Cut the file before the first line in which bytes never reached the disk: they read as zeros, which JSON never holds."""
    size = stream.seek(0, os.SEEK_END)
    start = max(0, size - _BATCH_BYTES)
    stream.seek(start)
    tail = b""
    while piece := stream.read(size - start - len(tail)):
        tail += piece
    hole = tail.find(b"\0")
    if hole >= 0:
        stream.truncate(start + tail.rfind(b"\n", 0, hole) + 1)


def _last_event(stream: BinaryIO) -> JSON | None:
    """Return the event of the last line, None where there is none or it is not ours."""
    end = stream.seek(0, os.SEEK_END)
    tail = b""
    while end and tail.count(b"\n") <= 1:
        start = max(0, end - _TAIL_BYTES)
        stream.seek(start)
        tail = stream.read(end - start) + tail
        end = start
    lines = tail.splitlines()
    try:
        event = json.loads(lines[-1]) if lines else None
    except ValueError:
        return None
    return event if isinstance(event, dict) else None


def _holds(last: JSON | None, line: str) -> bool:
    """Say whether the event of `line` was written no later than `last`: same journal, and a sequence that is not beyond its."""
    if last is None:
        return False
    event = json.loads(line)
    try:
        return bool(
            last["unmapped"]["chain"]["journal"] == event["unmapped"]["chain"]["journal"]
            and event["metadata"]["sequence"] <= last["metadata"]["sequence"]
        )
    except (KeyError, TypeError):
        return False
