"""Batches as an outbox makes them."""

from collections.abc import Iterable

from agent.core.canonical import canonical
from agent.ports import JSON, Batch


def batch_of(name: str, first: int, last: int, events: Iterable[JSON]) -> Batch:
    """Return `events`, of these sequences, as the batch `name`."""
    return Batch(name, first, last, tuple(map(canonical, events)))
