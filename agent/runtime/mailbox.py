"""Between the sources and the pipeline: one slot per source, holding its newest looks until they are taken.

A look that is not yet read is replaced by the newer one of the same partition, except that what was seen in between is
carried over: a process that was there and is gone again was there, a managed file that was changed and changed back was changed.
"""

import threading
from collections.abc import Mapping, Sequence
from dataclasses import replace

from agent.core.observation import Look, ManagedLook, ProcessLook
from agent.runtime.waiting import Beat, WakeBit

ENDED_MAX = 20_000
"""Ended processes that are carried over at most, newest first: while nothing can be stored for days, memory stays bounded."""


class Mailbox:
    """Any thread may post; one thread takes."""

    def __init__(self, beat_every_s: float) -> None:
        self._lock = threading.Lock()
        self._slots: dict[str, tuple[Look, ...]] = {}
        self._bit = WakeBit()
        self._beat_every_s = beat_every_s

    def post(self, source: str, looks: Sequence[Look]) -> None:
        """Put the whole look of `source` into its slot."""
        with self._lock:
            self._slots[source] = merged(self._slots.get(source, ()), looks)
        self._bit.set()

    def take(self, timeout_s: float | None, beat: Beat) -> Mapping[str, tuple[Look, ...]]:
        """Return and empty every slot, waiting for the first post; empty after `timeout_s` or `wake`."""
        self._bit.wait(timeout_s, beat, self._beat_every_s)
        with self._lock:
            slots, self._slots = self._slots, {}
        return slots

    def wake(self) -> None:
        """Make `take` return now."""
        self._bit.set()


def merged(unread: Sequence[Look], newest: Sequence[Look]) -> tuple[Look, ...]:
    """Return `newest` with what `unread` saw and it did not."""
    return tuple(_after(look, unread) for look in newest)


def _after(newest: Look, unread: Sequence[Look]) -> Look:
    for before in unread:
        if isinstance(newest, ManagedLook) and isinstance(before, ManagedLook):
            return newest.after(before)
        if isinstance(newest, ProcessLook) and isinstance(before, ProcessLook):
            return _bounded(newest.after(before))
    return newest


def _bounded(look: ProcessLook) -> ProcessLook:
    return replace(look, ended=look.ended[:ENDED_MAX]) if len(look.ended) > ENDED_MAX else look
