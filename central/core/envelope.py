"""A batch as it arrives, opened: signature and window, size, and one `Item` per line, good or bad.

The protocol is that of the agent's `https` destination (`docs/openapi.json`). A line that is no event costs that line: it
keeps its place in the hash chain, which runs over the bytes of each line as sent.
"""

import hashlib
import hmac
import re
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson

from agent.core.wire import CLASSES
from central.core.refusal import RefusedError

_DEVICE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:-]{7,63}")
_SIGNATURE = re.compile(r"sha256=[0-9a-f]{64}")
_HEX = re.compile(r"[0-9a-f]{64}")
_SEQUENCE_MOST = (1 << 63) - 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Sizes in bytes and counts that one batch may have; `window_s` is how far a signed timestamp may be from now."""

    body_bytes: int = 1 << 20
    unpacked_bytes: int = 16 << 20
    events: int = 5_000
    window_s: float = 300.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Envelope:
    """One request as it arrived. `certificate` is the subject that mutual TLS proved, None without."""

    device: str
    batch: str
    body: bytes = field(repr=False)
    encoding: str = ""
    credential: bytes | None = field(default=None, repr=False)
    certificate: str | None = None
    timestamp: int | None = None
    signature: str | None = None


@dataclass(frozen=True, slots=True)
class Item:
    """One line. `event` is None where it was refused, and `problem` is the code why; `line` is the text as sent."""

    sequence: int
    journal: str
    previous: str
    digest: str
    line: bytes = field(repr=False)
    event: Mapping[str, Any] | None = None
    problem: str | None = None


@dataclass(frozen=True, slots=True)
class Opened:
    """The lines whose place in a journal is known, and the codes of those that have none."""

    items: tuple[Item, ...]
    lost: tuple[str, ...] = ()


def device_id(text: str) -> str | None:
    """Return `text` where it can be the id of a device, None otherwise."""
    return text if _DEVICE.fullmatch(text) else None


def hashed(credential: str) -> bytes:
    """Return what is stored of a credential: credentials are long random texts, so SHA-256 alone is enough."""
    return hashlib.sha256(credential.encode()).digest()


def check_signature(envelope: Envelope, key: bytes | None, now: float, limits: Limits) -> None:
    """Raise `RefusedError` unless the signature holds, or no key is set."""
    if key is None:
        return
    if envelope.timestamp is None or envelope.signature is None or not _SIGNATURE.fullmatch(envelope.signature):
        raise RefusedError("signature-missing")
    expected = hmac.new(key, str(envelope.timestamp).encode() + b"." + envelope.body, hashlib.sha256).hexdigest()
    if not hmac.compare_digest(f"sha256={expected}", envelope.signature):
        raise RefusedError("signature-wrong")
    if abs(now - envelope.timestamp) > limits.window_s:
        raise RefusedError("timestamp-outside", f"it is {round(now - envelope.timestamp)} s away")


def opened(envelope: Envelope, limits: Limits) -> Opened:
    """Unpack the body within the limits and read every line; raise `RefusedError` where that cannot be."""
    lines = [line for line in _unpacked(envelope, limits).split(b"\n") if line]
    if not lines:
        raise RefusedError("body-empty")
    if len(lines) > limits.events:
        raise RefusedError("body-large", f"{len(lines)} events, {limits.events} at most")
    items: list[Item] = []
    lost: list[str] = []
    for line in lines:
        found = _item(line, envelope.device, items[-1] if items else None)
        if isinstance(found, str):
            lost.append(found)
        else:
            items.append(found)
    return Opened(tuple(items), tuple(lost))


def _unpacked(envelope: Envelope, limits: Limits) -> bytes:
    if len(envelope.body) > limits.body_bytes:
        raise RefusedError("body-large", f"{limits.body_bytes} bytes at most")
    if envelope.encoding in ("", "identity"):
        return envelope.body
    if envelope.encoding != "gzip":
        raise RefusedError("encoding-unknown")
    unpacker = zlib.decompressobj(wbits=31)
    try:
        text = unpacker.decompress(envelope.body, limits.unpacked_bytes + 1)
    except zlib.error:
        raise RefusedError("body-malformed") from None
    if len(text) > limits.unpacked_bytes:
        raise RefusedError("body-large", f"{limits.unpacked_bytes} bytes unpacked at most")
    if not unpacker.eof or unpacker.unused_data:
        raise RefusedError("body-malformed")
    return text


def _item(line: bytes, device: str, before: Item | None) -> Item | str:
    """Return the line as an item; one that cannot be read takes the place after the one before it, or none (its code)."""
    digest = hashlib.sha256(line).hexdigest()
    try:
        event = orjson.loads(line)
    except ValueError:
        event = None
    if not isinstance(event, dict):
        if before is None:
            return "not-json"
        return Item(before.sequence + 1, before.journal, before.digest, digest, line, problem="not-json")
    place = _place(event)
    if place is None:
        return "numbers-missing"
    sequence, journal, previous = place
    problem = _problem(event, device)
    return Item(sequence, journal, previous, digest, line, None if problem else event, problem)


def _place(event: Mapping[str, Any]) -> tuple[int, str, str] | None:
    try:
        sequence, chain = event["metadata"]["sequence"], event["unmapped"]["chain"]
        journal, previous = chain["journal"], chain["previous"]
    except (KeyError, TypeError):
        return None
    numbered = isinstance(sequence, int) and not isinstance(sequence, bool) and 0 < sequence <= _SEQUENCE_MOST
    named = isinstance(journal, str) and _DEVICE.fullmatch(journal)
    if not (numbered and named and isinstance(previous, str) and _HEX.fullmatch(previous)):
        return None
    return sequence, journal, previous


def _problem(event: Mapping[str, Any], device: str) -> str | None:
    if event.get("class_uid") not in CLASSES:
        return "class-unknown"
    speaker = event.get("device")
    if not isinstance(speaker, dict) or speaker.get("uid") != device:
        return "other-device"
    at = event.get("time")
    if not isinstance(at, int) or isinstance(at, bool) or not isinstance(event.get("unmapped"), dict):
        return "fields-malformed"
    return None
