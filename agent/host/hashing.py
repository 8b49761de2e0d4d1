"""The SHA-256 of an open file in place of its bytes, a piece at a time."""

import hashlib
import os
from collections.abc import Callable

from agent.core.place import Facts

_CHUNK_BYTES = 1 << 20

Take = Callable[[int, Facts], bytes | None]
"""Makes of an open file what is returned as its bytes; None: it is larger than what is read."""


def hashing(wanted: Callable[[Facts], bool]) -> Take:
    """Return what takes the digest (32 bytes) of a file, nothing where it is not wanted or the file grows meanwhile."""

    def take(descriptor: int, facts: Facts) -> bytes:
        if not wanted(facts):
            return b""
        digest, left = hashlib.sha256(), facts.size
        while chunk := os.read(descriptor, _CHUNK_BYTES):
            digest.update(chunk)
            left -= len(chunk)
            if left < 0:
                return b""
        return digest.digest()

    return take
