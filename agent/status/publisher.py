"""Turns assessments into the status document: at once when something changed, now and then when nothing did."""

import json
import logging
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from agent.core.assess import Assessment
from agent.core.assess.report import check_document
from agent.core.documents import DeliveryRow, DeviceRow, StatusDocument, plain
from agent.core.ledger import Record
from agent.core.public import public_document, user_document
from agent.host.replacing import replace_file
from agent.ports import Clock
from agent.status.document import write
from agent.status.health import Health
from agent.status.metrics import metrics
from agent.status.public import write_public
from agent.status.tables import write_tables

log = logging.getLogger(__name__)


def _not_known(_state: str) -> float | None:
    return None


@dataclass(frozen=True, slots=True)
class Facts:
    """What the document says beside the assessment. Times in seconds.

    `public` says whether the parts that others on the device may know are published too.
    """

    device: DeviceRow
    started_at: float
    pid: int
    stale_after_s: float
    refresh_s: float
    health: Health
    opened: Callable[[], tuple[Record, ...]]
    delivery: Callable[[], tuple[DeliveryRow, ...]]
    standing_since: Callable[[str], float | None] = _not_known
    public: bool = False
    process_events: Callable[[], str] = str
    on_battery: Callable[[], bool] = bool
    metrics_file: Path | None = None
    tables_file: Path | None = None
    dropped: Callable[[], Mapping[str, int]] = dict
    counters: Callable[[], dict[str, int]] = dict


class Publisher:
    """Any thread may call. A document that cannot be written is a health condition, not a crash."""

    def __init__(self, folder: Path, clock: Clock, facts: Facts) -> None:
        self._folder, self._clock, self._facts = folder, clock, facts
        self._lock = threading.Lock()
        self._assessment: Assessment | None = None
        self._written_at = float("-inf")  # monotonic
        self._last: StatusDocument | None = None
        self._uids: Mapping[str, int] = {}

    @property
    def last(self) -> StatusDocument | None:
        """The document as it was made last."""
        return self._last

    def publish(self, assessment: Assessment, uids: Mapping[str, int]) -> StatusDocument:
        """Make `assessment` the device's status; write it if it says anything new. `uids` are the users' by their names."""
        with self._lock:
            self._uids = uids
            fresh = assessment != self._assessment or self._last is None
            self._assessment = assessment
            return self._write() if fresh or self._last is None else self._last

    def refresh(self) -> None:
        """Write the document again where it is getting old, so that its age tells that the agent lives."""
        with self._lock:
            if self._assessment is not None and self._clock.monotonic() - self._written_at >= self._facts.refresh_s:
                self._write()

    def end(self) -> None:
        """Say in the document that the agent ends: nobody need wait until it is old to know that it is silent."""
        with self._lock:
            if self._last is not None:
                now = self._clock.now()
                self._put(replace(self._last, written_at=now, ended_at=now))

    def _write(self) -> StatusDocument:
        assert self._assessment is not None  # noqa: S101 - both callers hold one
        facts = self._facts
        check = check_document(facts.device, self._assessment, facts.opened())
        document = StatusDocument(
            written_at=self._clock.now(),
            stale_after_s=facts.stale_after_s,
            started_at=facts.started_at,
            pid=facts.pid,
            check=check,
            health=facts.health.rows(),
            delivery=facts.delivery(),
            counters=facts.counters(),
            state_since=facts.standing_since(check.summary.state),
            process_events=facts.process_events(),
            on_battery=facts.on_battery(),
        )
        self._put(document)
        return document

    def _put(self, document: StatusDocument) -> None:
        facts = self._facts
        try:
            write(self._folder, json.dumps(plain(document)).encode())
            self._write_public(document)
            if facts.metrics_file is not None:
                figures = metrics(document, facts.dropped()).encode()
                replace_file(facts.metrics_file, figures, mode=0o644)
            if facts.tables_file is not None:
                write_tables(facts.tables_file, plain(document))
        except OSError as error:
            facts.health.set("status.unwritable", error.strerror or type(error).__name__)
        else:
            facts.health.clear("status.unwritable")
            self._written_at = self._clock.monotonic()
        self._last = document

    def _write_public(self, document: StatusDocument) -> None:
        if not self._facts.public:
            return
        users = {
            uid: json.dumps(plain(user_document(document, name))).encode() for name, uid in self._uids.items() if uid
        }
        exposed = write_public(self._folder, json.dumps(plain(public_document(document))).encode(), users)
        if exposed is not None:
            self._facts.health.set("state.exposed", exposed)
