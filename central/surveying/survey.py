"""The survey: finds out what no report tells. A thread in every copy; what is due is done by whichever copy is first.

- `fleet`: the policy and the version that most devices have, and servers that spread
- `silence`: devices that have not been heard of for too long
- `servers`: the servers in use, summed up; the larger the fleet, the rarer, so that this takes no more than a twentieth of a core
- `tally`: how many devices stand how
- `age`: what is too old to be kept
"""

import logging
import secrets
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

from sqlalchemy import Engine, exists, func, select
from sqlalchemy.exc import SQLAlchemyError

from central.core.fleet import Fleet
from central.store import aging, devices, feeding, fleet, partitions, summing, tasks
from central.store.engine import reading, writing
from central.store.partitions import day_of
from central.store.schema import deviations
from central.store.schema import devices as table
from central.store.taking import Rules, watch

log = logging.getLogger(__name__)

_CHUNK = 200
_PIECES = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """Seconds between two rounds of each kind; `turn_s` is how often a copy looks whether something is due.

    The servers are summed up so seldom that it takes no more than `servers_share` of the time.
    """

    turn_s: float = 5.0
    fleet_s: float = 15.0
    servers_s: float = 15.0
    servers_share: float = 0.05
    silence_s: float = 60.0
    tally_s: float = 300.0
    age_s: float = 3_600.0


@dataclass(eq=False)
class Survey:
    """`rules` are those of the settings; `kept_days` and `closed_days` how long events and closed deviations are kept."""

    engine: Engine
    rules: Rules
    now: Callable[[], float]
    kept_days: int
    closed_days: int
    pace: Pace = field(default_factory=Pace)
    _known: Fleet = field(default_factory=Fleet, init=False)
    _summing_s: float = field(default=0.0, init=False)
    _prepared_day: int = field(default=0, init=False)
    _holder: str = field(default_factory=lambda: secrets.token_hex(8), init=False)
    _ending: threading.Event = field(default_factory=threading.Event, init=False)
    _thread: threading.Thread | None = field(default=None, init=False)

    def start(self) -> None:
        """Begin."""
        self._thread = threading.Thread(target=self._run, name="survey", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End after the step that is under way."""
        self._ending.set()
        if self._thread is not None:
            self._thread.join(10.0)

    def current(self) -> Rules:
        """Return the rules with what is known of the fleet now; what the settings name wins."""
        named = self.rules.fleet
        known = self._known
        if named.policy_digest:
            known = replace(known, policy_digest=named.policy_digest, policy_by=named.policy_by)
        return replace(self.rules, fleet=known)

    def turn(self) -> None:
        """Do what is due, once; then know what any copy found out."""
        self._prepare(day_of(self.now()))
        for name, again_s, work in (
            ("fleet", self.pace.fleet_s, self._fleet),
            ("servers", max(self.pace.servers_s, self._summing_s / self.pace.servers_share), self._servers),
            ("silence", self.pace.silence_s, self._silence),
            ("tally", self.pace.tally_s, self._tally),
            ("age", self.pace.age_s, self._age),
        ):
            with writing(self.engine) as connection:
                mine = tasks.claim(connection, name, self._holder, self.now(), again_s)
            if mine:
                work()
        with reading(self.engine) as connection:
            self._known = fleet.load(connection)

    def _prepare(self, day: int) -> None:
        """Have the partitions of the day ready: a fleet that is silent altogether is told of, too."""
        if day != self._prepared_day:
            with writing(self.engine) as connection:
                partitions.prepare(connection, day)
            self._prepared_day = day

    def _run(self) -> None:
        while not self._ending.is_set():
            try:
                self.turn()
            except SQLAlchemyError as error:
                log.warning("the survey goes on later: %s", type(error).__name__)
            except Exception:
                log.exception("the survey goes on later")
            self._ending.wait(self.pace.turn_s)

    def _fleet(self) -> None:
        with writing(self.engine) as connection:
            before = fleet.load(connection)
            self._known = fleet.work_out(connection, before, self.rules.terms, self.now())
        moved = {
            spread.device
            for spreads in (before.spreading, self._known.spreading)
            for identity, spread in spreads.items()
            if (identity in before.spreading) != (identity in self._known.spreading)
        }
        self._watch(sorted(moved))

    def _servers(self) -> None:
        began = time.monotonic()
        summing.sum_up(self.engine, self.now())
        self._summing_s = time.monotonic() - began

    def _silence(self) -> None:
        """Alert about devices that are silent for too long and of which nobody was told yet."""
        since = self.now() - self.rules.terms.silent_after_s
        told = exists().where(
            deviations.c.device == table.c.device,
            deviations.c.control == "device.silent",
            deviations.c.closed_at.is_(None),
        )
        quiet = func.coalesce(table.c.contact_at, table.c.enrolled_at) <= since
        query = select(table.c.device).where(quiet, ~told).order_by(table.c.device).limit(_CHUNK)
        for _ in range(_PIECES):
            with reading(self.engine) as connection:
                found = connection.execute(query).scalars().all()
            self._watch(found)
            if len(found) < _CHUNK or self._ending.is_set():
                return

    def _watch(self, ids: Sequence[str]) -> None:
        """Judge devices as they stand now, and tell what changed."""
        for start in range(0, len(ids), _CHUNK):
            now = self.now()
            with writing(self.engine) as connection:
                held = devices.locked(connection, ids[start : start + _CHUNK])
                feeding.publish(connection, watch(connection, held.values(), self.current(), now), now)

    def _tally(self) -> None:
        with writing(self.engine) as connection:
            fleet.tally(connection, self.rules.terms, self.now())

    def _age(self) -> None:
        now = self.now()
        for _ in range(_PIECES):
            with writing(self.engine) as connection:
                gone = aging.expire_closed(connection, now - self.closed_days * aging.DAY_S)
                gone += aging.expire_days(connection, day_of(now) - self.kept_days)
            if gone < aging.PIECE or self._ending.is_set():
                return
