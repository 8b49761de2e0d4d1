"""The journal: which deviations are open, which were, and what is still to be told. The pipeline is its single writer.

A change of a deviation and the events that tell it are committed in one transaction: after kill -9 at any point there are
both or neither. Everything that comes in is redacted already.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from agent.core.deviation import Findings, Key
from agent.core.ledger import Change, ChangeKind, Record, advance, anew
from agent.ports import JSON, Batch, StoreError, Wake
from agent.store import addressees, deviations, outbox
from agent.store.addressees import NO, NONE, OWED_FINDINGS, OWED_SINCE, YES
from agent.store.database import Database, Recovery
from agent.store.outbox import Counters, Priority

JOURNAL = "journal.sqlite3"
"""The name of the file in the state folder."""

SECONDS_PER_DAY = 86_400.0
_LOG_BYTES = 6_000_000  # what the write-ahead log grows to before it is taken back


@dataclass(frozen=True, slots=True)
class Retention:
    """What the journal may keep: events that wait or are set aside (bytes), and resolved deviations (days, rows)."""

    outbox_max_bytes: int = 50_000_000
    history_days: float = 90.0
    history_max_rows: int = 10_000
    last_seen_every_s: float = 3_600.0


def retention_within(disk_bytes: int) -> Retention:
    """Return what may be kept so that the journal stays within `disk_bytes` on the disk, its log and history included.

    An event of 2 KB has a page of 4 KB to itself, and history and log want their room: a third of what the log leaves is for the
    events as such. Below 10 MB the log alone may take more than the rest.
    """
    return Retention(outbox_max_bytes=max(disk_bytes - _LOG_BYTES, disk_bytes // 3) // 3)


class Journal:
    """Any thread may call any method; each raises `StoreError` where the file cannot be used, and then changed nothing.

    `now` gives Unix seconds; it is asked only where no `at` is given. `device` is this device's id: None takes the one
    in the file, and makes one up for a new file.
    """

    def __init__(
        self, path: Path, now: Callable[[], float], *, device: str | None = None, retention: Retention | None = None
    ) -> None:
        self._now = now
        self._retention = retention or Retention()
        self._sinks: tuple[str, ...] = ()
        self._kept_for: tuple[str, ...] = ()
        self._wakes: tuple[Wake, ...] = ()
        self._open: dict[Key, Record] = {}
        self._stored_seen: dict[Key, float] = {}
        self._forgot_at = float("-inf")
        self._generation = 0  # of the database from which `_open` was read; 0: it has to be read
        self._database = Database(path, now, device)
        if device is not None and device != self.device_id:
            with self._database.transaction() as connection:
                outbox.set_meta(connection, device=device)

    @property
    def path(self) -> Path:
        """The database file."""
        return self._database.path

    @property
    def recovery(self) -> Recovery | None:
        """Why the last database was given up since this journal was made, None if none was."""
        return self._database.recovered

    @property
    def device_id(self) -> str:
        """The id of this device, as it stands in every batch."""
        with self._database.reading() as connection:
            return outbox.text(connection, "device")

    def close(self) -> None:
        """Close the file. A later call would open it again."""
        self._database.close()

    # Deviations

    def commit(self, findings: Findings, at: float, encode: Callable[[Change], Sequence[JSON]]) -> tuple[Change, ...]:
        """Carry the ledger forward to `findings` and queue what `encode` makes of each change, all or nothing.

        Without a change nothing is written, except that `last_seen` of open deviations is kept fresh now and then. What is queued
        only because a destination is owed it is no change.
        """
        try:
            self._load()
            steps = self._steps(findings, at)
            owed = self.note(OWED_FINDINGS) == YES
            ended, changes = self._ended() if owed else (), tuple(change for _, change in steps if change)
            if owed:
                steps = list(anew(self._open, steps, at))
            stale = [record for record, change in steps if change or self._stale(record)]
            if stale or owed:
                self._store(stale, [*ended, *(change for _, change in steps if change)], at, encode, owed=owed)
        except BaseException:
            self._generation = 0  # whatever was committed will be read again
            raise
        for record, _ in steps:
            if record.closed_at is None:
                self._open[record.deviation.key] = record
            else:
                del self._open[record.deviation.key]
        self._stored_seen |= {record.deviation.key: record.last_seen for record in stale}
        if changes or owed:
            self._wake()
        return changes

    def open_deviations(self) -> tuple[Record, ...]:
        """Return every open deviation as stored, the oldest first."""
        with self._database.reading() as connection:
            return deviations.select_open(connection)

    def history(self, since: float) -> tuple[Record, ...]:
        """Return every deviation that was open at some time since `since` (Unix seconds), the oldest first."""
        with self._database.reading() as connection:
            return deviations.select_since(connection, since)

    # Events

    def append(self, events: Sequence[JSON], at: float, notes: Mapping[str, str] | None = None) -> None:
        """Queue events that belong to no deviation (inventory, policy): telemetry, unless they say `is_alert`.

        `notes` are kept with them in the same transaction: what was told last, so that a change can be told once.
        """
        with self._database.transaction() as connection:
            outbox.append(connection, ((event, Priority.TELEMETRY) for event in events), at)
            outbox.set_meta(connection, **{f"note:{name}": text for name, text in (notes or {}).items()})
            outbox.bound(connection, self._retention.outbox_max_bytes, at)
        if events:
            self._wake()

    def note(self, name: str) -> str | None:
        """Return what was noted under `name` in this journal, None for nothing."""
        with self._database.reading() as connection:
            return outbox.note(connection, name)

    def beat(self, encode: Callable[[Mapping[str, int], Sequence[tuple[int, int]]], JSON], at: float) -> None:
        """Queue a sign of life in place of all that still wait; `encode` gets the drops by reason and what it stands for.

        What `encode` reads of this journal is as it stands at the place of the sign of life among the events.
        """
        with self._database.transaction() as connection:
            folded = outbox.fold(connection, at)
            outbox.append(connection, [(encode(outbox.drops(connection), folded), Priority.BEAT)], at)
            outbox.bound(connection, self._retention.outbox_max_bytes, at)
        self._wake()

    def subscribe(self, wake: Wake) -> None:
        """Call `wake` whenever events were queued and committed."""
        self._wakes = (*self._wakes, wake)

    def use_sinks(
        self, names: Sequence[str], waiting: Sequence[str] = (), addresses: Mapping[str, str] | None = None
    ) -> None:
        """State which destinations there are: an event is kept until each of them has it. Cursors of others rest.

        `waiting` are destinations that nobody delivers to yet: events are kept for them all the same. `addresses` says where one
        is: with another address it is another destination. One that comes where events are gone is owed what holds now.
        """
        self._sinks, self._kept_for = tuple(names), (*names, *waiting)
        with self._database.transaction() as connection:
            addressees.address(connection, addresses or {})
            addressees.leave(connection, self._kept_for, self._now())
            addressees.welcome(connection, self._kept_for)
            addressees.prune(connection, self._kept_for)

    def tell_anew(self) -> None:
        """Owe the destinations all that holds, where events are gone: one of them may know nothing of it, or know it no more."""
        with self._database.transaction() as connection:
            if addressees.gone(connection):
                addressees.owe(connection)

    def owe(self) -> None:
        """Owe the destinations all that holds: one of them has lost what it took."""
        with self._database.transaction() as connection:
            addressees.owe(connection)

    def pending(self, sink: str, max_events: int, max_bytes: int) -> Batch | None:
        """Return the next batch for `sink`, at least one event however large; a repeat has the same id."""
        with self._database.reading() as connection:
            return outbox.pending(connection, sink, max_events, max_bytes)

    def urgent(self, sink: str) -> bool:
        """Say whether an alert waits for `sink`."""
        with self._database.reading() as connection:
            return outbox.urgent(connection, sink)

    def claim(self, sink: str, batch: Batch) -> None:
        """Fix `batch` before it is sent: until it is settled, `pending` returns it as it is, also after a crash."""
        with self._database.transaction() as connection:
            if batch.last_sequence > outbox.acked(connection, sink):
                outbox.claim(connection, sink, batch.last_sequence)

    def release(self, sink: str) -> None:
        """Take the claim back: the batch was too large, and `pending` may make a smaller one."""
        with self._database.transaction() as connection:
            outbox.claim(connection, sink, 0)

    def acknowledge(self, sink: str, batch: Batch) -> None:
        """Record that `sink` has `batch` for good, and forget what every destination has."""
        with self._database.transaction() as connection:
            outbox.acknowledge(connection, sink, batch)
            addressees.prune(connection, self._kept_for)

    def set_aside(self, sink: str, batch: Batch, reason: str) -> None:
        """Keep `batch` apart for `sink`, so that what follows it is not held up."""
        with self._database.transaction() as connection:
            outbox.set_aside(connection, sink, batch, reason, self._now())
            addressees.prune(connection, self._kept_for)
            outbox.bound(connection, self._retention.outbox_max_bytes, self._now())

    def try_again(self, sink: str) -> int:
        """Queue what was set aside for `sink` once more, telemetry excepted; return how many events that are."""
        with self._database.transaction() as connection:
            events = outbox.try_again(connection, sink)
        self._wake()
        return events

    def counters(self) -> Counters:
        """Return the figures that health shows."""
        with self._database.reading() as connection:
            return outbox.counters(connection, self._sinks)

    # Within

    def _wake(self) -> None:
        for wake in self._wakes:
            wake()

    def _load(self) -> None:
        with self._database.reading() as connection:
            if self._generation == self._database.generation:
                return
            self._open = {record.deviation.key: record for record in deviations.select_open(connection)}
            self._stored_seen = {key: record.last_seen for key, record in self._open.items()}
            self._generation = self._database.generation

    def _steps(self, findings: Findings, at: float) -> list[tuple[Record, Change | None]]:
        with self._database.reading() as connection:
            resolved = frozenset(
                key for key in findings.present if key not in self._open and deviations.known(connection, key)
            )
        return list(advance(self._open, resolved, findings, at))

    def _ended(self) -> tuple[Change, ...]:
        """Return what closed while a destination was away that came back."""
        since = self.note(OWED_SINCE)
        if since in (None, NONE):
            return ()
        with self._database.reading() as connection:
            closed = deviations.select_closed(connection, float(since or 0))
        return tuple(
            Change(ChangeKind.CLOSED, record, record.closed_at or record.last_seen, before=record.deviation)
            for record in closed
        )

    def _stale(self, record: Record) -> bool:
        key = record.deviation.key
        stored, before = self._stored_seen.get(key, record.first_seen), self._open[key].deviation
        moved = before is not record.deviation and before.depends != record.deviation.depends
        return moved or record.last_seen - stored >= self._retention.last_seen_every_s

    def _store(
        self,
        records: Sequence[Record],
        changes: Sequence[Change],
        at: float,
        encode: Callable[[Change], Sequence[JSON]],
        *,
        owed: bool,
    ) -> None:
        events = ((event, Priority.FINDING) for change in changes for event in encode(change))
        opened = {change.deviation.key for change in changes if change.kind is ChangeKind.OPENED}
        with self._database.transaction() as connection:
            if self._generation != self._database.generation:
                raise StoreError("the journal was started afresh; the next look establishes the deviations again")
            for record in records:
                store = deviations.insert if record.deviation.key in opened else deviations.update
                store(connection, record)
            outbox.append(connection, events, at)
            if owed:
                outbox.set_meta(connection, **{f"note:{OWED_FINDINGS}": NO, f"note:{OWED_SINCE}": NONE})
            if any(change.kind is ChangeKind.CLOSED for change in changes) or at - self._forgot_at >= SECONDS_PER_DAY:
                self._forgot_at = at
                kept_since = at - self._retention.history_days * SECONDS_PER_DAY
                deviations.forget(connection, kept_since, self._retention.history_max_rows)
            outbox.bound(connection, self._retention.outbox_max_bytes, at)
