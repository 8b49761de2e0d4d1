"""Files that are being written: a look that comes in the middle of a write looks again before it says anything."""

import threading
import time
from collections.abc import Callable

from agent.core.jsontext import JsonError, decode, parse
from agent.core.place import Content, Data

_FRESH_NS = 500_000_000
_PAUSES_S = (0.02, 0.08)


def settled(read: Callable[[], Content]) -> Content:
    """Return what `read` gives; again after a moment while it is no whole JSON text and was written just now.

    Who writes in place empties the file first, so an empty one counts as half-written, too.
    """
    content = read()
    for pause_s in _PAUSES_S:
        if not _half_written(content):
            break
        threading.Event().wait(pause_s)
        content = read()
    return content


def _half_written(content: Content) -> bool:
    if not isinstance(content, Data) or abs(time.time_ns() - content.facts.mtime_ns) > _FRESH_NS:
        return False
    text = decode(content.raw)
    if not text.strip():
        return True
    try:
        parse(text)
    except JsonError:
        return True
    return False
