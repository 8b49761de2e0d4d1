"""The feed as the outbox of a delivery: what that needs of the agent's journal, over the database that all copies share."""

import contextlib
import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import orjson
from sqlalchemy import Connection, Engine
from sqlalchemy.exc import SQLAlchemyError

from agent.core.canonical import canonical
from agent.ports import Batch, StoreError
from central.core.alert import numbered
from central.store import cursors, feeding
from central.store.engine import reading, writing

log = logging.getLogger(__name__)


@dataclass(eq=False)
class FeedOutbox:
    """An `agent.runtime.delivery.Outbox`. `holder` is this copy of the program; a lease must outlast one whole attempt."""

    engine: Engine
    holder: str
    now: Callable[[], float]
    lease_s: float

    def pending(self, sink: str, max_events: int, max_bytes: int) -> Batch | None:
        """Return the next batch, None where there is none or another copy carries this destination."""
        with _stored(), reading(self.engine) as connection:
            cursor = cursors.find(connection, sink, self.holder, self.now())
            again = cursors.again(connection, sink) if cursor.claimed is None else None
            rows = feeding.after(connection, cursor.position, max_events)
        if again is None and not rows:
            return None
        with _stored(), writing(self.engine) as connection:
            if not cursors.take(connection, sink, self.holder, self.now(), self.lease_s):
                return None
            if not cursor.mine:  # whoever carried it before may have come further meanwhile
                cursor = cursors.find(connection, sink, self.holder, self.now())
                again = cursors.again(connection, sink) if cursor.claimed is None else None
                rows = feeding.after(connection, cursor.position, max_events)
            batch = self._again(connection, sink, again, (max_events, max_bytes)) if again is not None else None
            if batch is not None:
                return batch
            if rows and rows[0][0] > cursor.position + 1:
                cursors.set_aside(connection, sink, _lost(cursor.position + 1, rows[0][0] - 1), self.now())
                log.error("%s: alerts %d to %d were no longer kept", sink, cursor.position + 1, rows[0][0] - 1)
        return _batch(sink, cursor, rows, max_bytes) if rows else None

    def _again(self, connection: Connection, sink: str, span: tuple[int, int], most: tuple[int, int]) -> Batch | None:
        """Return what was set aside and is to be sent again; what of it is kept no more stays aside."""
        first, last = span
        rows = [row for row in feeding.after(connection, first - 1, most[0]) if row[0] <= last]
        if rows and rows[0][0] == first:
            return _batch(sink, cursors.Cursor(position=first - 1, claimed=None, mine=True), rows, most[1])
        end = rows[0][0] - 1 if rows else last
        cursors.tried_again(connection, sink, _lost(first, end), self.now())
        return None

    def urgent(self, sink: str) -> bool:  # noqa: ARG002 - the protocol's
        """Say that nothing waits for company: the feed is of alerts."""
        return True

    def claim(self, sink: str, batch: Batch) -> None:
        """Fix `batch` until it is settled."""
        self._write(lambda connection: cursors.claim(connection, sink, batch.last_sequence))

    def release(self, sink: str) -> None:
        """Take the claim back, so that a smaller batch can be made."""
        self._write(lambda connection: cursors.claim(connection, sink, None))

    def acknowledge(self, sink: str, batch: Batch) -> None:
        """Record that the destination has `batch` for good."""
        self._write(lambda connection: _settled(connection, sink, _skipped(batch, ""), self.now()))

    def set_aside(self, sink: str, batch: Batch, reason: str) -> None:
        """Go on without `batch`, and count it."""
        self._write(lambda connection: _settled(connection, sink, _skipped(batch, reason), self.now()))

    def _write(self, work: Callable[[Connection], None]) -> None:
        with _stored(), writing(self.engine) as connection:
            work(connection)


def _settled(connection: Connection, sink: str, done: cursors.Skipped, now: float) -> None:
    """Move on past a batch, or take one that was sent again out of what is set aside; with a reason it was refused."""
    cursors.tried_again(connection, sink, done, now)
    if done.reason:
        cursors.set_aside(connection, sink, done, now)
    else:
        cursors.settle(connection, sink, done.last, now)


def _skipped(batch: Batch, reason: str) -> cursors.Skipped:
    return cursors.Skipped(first=batch.first_sequence, last=batch.last_sequence, alerts=len(batch.lines), reason=reason)


def _batch(sink: str, cursor: cursors.Cursor, rows: list[tuple[int, str]], max_bytes: int) -> Batch:
    """Return what was claimed before, or as much of `rows` as fits."""
    lines: list[str] = []
    last, size = 0, 0
    for position, line in rows:
        size += len(line)
        full = size > max_bytes if cursor.claimed is None else position > cursor.claimed
        if lines and full:
            break
        lines.append(canonical(numbered(orjson.loads(line), position)))
        last = position
    return Batch(f"{sink}-{rows[0][0]}-{last}", rows[0][0], last, tuple(lines))


def _lost(first: int, last: int) -> cursors.Skipped:
    why = "they waited for longer than [retention] events_days keeps them"
    return cursors.Skipped(first=first, last=last, alerts=last - first + 1, reason=why)


@contextlib.contextmanager
def _stored() -> Iterator[None]:
    try:
        yield
    except SQLAlchemyError as error:
        raise StoreError(f"the database does not answer: {type(error).__name__}") from None
