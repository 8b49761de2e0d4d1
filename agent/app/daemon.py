"""The resident agent: workers over one journal, from the sources to the destinations."""

import contextlib
import logging
import os
import signal
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from random import Random
from typing import Protocol

from agent.app.destinations import REPORTS, Destination, Unusable, destinations, https_sink
from agent.app.looking import Eyes, Known, Target, eyes, launches
from agent.app.remembering import Remembering
from agent.app.telling import Teller
from agent.config.settings import Loaded, Settings
from agent.core.assess import Assessment, assess
from agent.core.assess.assess import Judged
from agent.core.assess.blind import Blindness
from agent.core.documents import DeliveryRow, DeviceRow, StatusDocument
from agent.core.event import Circumstances, finding_events
from agent.core.ledger import Change, Record
from agent.core.world import World
from agent.host.lock import AlreadyHeldError, held
from agent.host.machine import Machine, OwnPaths, device_id, own_folder, this_machine
from agent.host.own import own_facts, own_places
from agent.host.process_events import NoEvents
from agent.host.watching import NativeWatcher
from agent.ports import JSON, CannotStart, StoreError
from agent.runtime.backoff import Backoff
from agent.runtime.budgets import Budgets
from agent.runtime.clock import SystemClock
from agent.runtime.delivery import Delivery
from agent.runtime.mailbox import Mailbox
from agent.runtime.pipeline import Pipeline, Stages
from agent.runtime.supervisor import EXIT_STOPPED, Supervisor
from agent.runtime.ticker import Ticker
from agent.runtime.waiting import Worker
from agent.runtime.watcher import Watcher
from agent.sources.hints import Hints
from agent.sources.launches import Launches
from agent.status.health import Health
from agent.status.public import FOLDER
from agent.status.publisher import Facts, Publisher
from agent.status.tables import FILE_NAME as TABLES_FILE
from agent.store.anchor import drop, tampered
from agent.store.journal import JOURNAL, Journal, retention_within
from agent.store.outbox import FOLDED

log = logging.getLogger(__name__)

_SWITCH_S = 0.0005
"""What a thread waits for another at most: one that reads a process must be done before the process is."""

_STATUS_REFRESH_S = 60.0


@dataclass(frozen=True, slots=True)
class Audience:
    """Who is told as it happens: `first` gets the status when everything was judged once, `changes` what changed since."""

    first: Callable[[StatusDocument], None]
    changes: Callable[[Sequence[Change], StatusDocument | None], None]


class ServiceManager(Protocol):
    """Whoever started the daemon and wants to know how it stands."""

    def ready(self) -> None:
        """Hear that everything was judged once."""
        ...

    def alive(self) -> None:
        """Hear that every worker beats."""
        ...

    def says(self, text: str) -> None:
        """Hear in one line how the device stands."""
        ...

    def stopping(self) -> None:
        """Hear that the daemon ends."""
        ...


def run_daemon(
    target: Target, loaded: Loaded, machine: Machine, paths: OwnPaths, audience: Audience, manager: ServiceManager
) -> int:
    """Run until a signal says stop, or until a part cannot be kept alive; return the exit status.

    Raises:
        CannotStart: the state folder or the journal in it cannot be used, another agent uses it, or a named user does not exist.
    """
    try:
        own_folder(paths.state)
        device = device_id(paths.state, create=True)
    except OSError as error:
        raise CannotStart(f"the state folder {paths.state} cannot be used: {error.strerror}") from None
    with contextlib.ExitStack() as stack:
        try:
            stack.enter_context(held(paths.state / "agent.lock"))
        except AlreadyHeldError:
            raise CannotStart(f"another agent is running with the state folder {paths.state}") from None
        noticing = launches()
        told = noticing if isinstance(noticing, Launches) else None
        own = partial(own_facts, own_places(paths), paths.state / FOLDER) if machine.privileged else tuple
        seeing = eyes(target, loaded.settings, machine, device, told, Known(own=own))
        try:
            agent = _Agent(seeing, loaded, paths.state, (audience, manager), noticing)
        except StoreError as error:
            raise CannotStart(f"{error}. Make room there or correct the rights, and start again") from None
        stack.callback(agent.close)
        return agent.run()


class _Agent:
    """Everything that lives as long as the daemon does."""

    def __init__(
        self,
        seeing: Eyes,
        loaded: Loaded,
        state: Path,
        told: tuple[Audience, ServiceManager],
        noticing: Launches | NoEvents,
    ) -> None:
        self._eyes, (self._audience, self._manager) = seeing, told
        self._launches = noticing if isinstance(noticing, Launches) else None
        self._settings = loaded.settings
        self._clock = SystemClock()
        self._budgets = Budgets()
        self._judged: Judged | None = None
        self._untold: tuple[Change, ...] = ()
        self._blindness = Blindness(loaded.settings.reporting.blind_after_s)
        self._remembering = Remembering(state)
        self._state, self._tampered = state, tampered(state, state / JOURNAL)
        self._told_first = False
        self._assessment: Assessment | None = None
        self._versions: Mapping[tuple[str | None, str], str] = {}
        self._uids: Mapping[str, int] = {}
        self._health = Health(self._clock)
        if loaded.problems:
            self._health.set("settings.invalid", " · ".join(str(problem) for problem in loaded.problems))
        if isinstance(noticing, NoEvents):
            self._health.set("launches.unnoticed", noticing.reason)
        retention = retention_within(loaded.settings.journal.max_bytes)
        self._journal = Journal(state / JOURNAL, self._clock.now, device=seeing.device.id, retention=retention)
        self._publisher = Publisher(state, self._clock, self._facts(loaded.settings))
        self._deliveries = tuple(self._delivery(destination) for destination in self._destinations(state))
        self._journal.use_sinks([delivery.sink.name for delivery in self._deliveries])
        for delivery in self._deliveries:
            self._journal.try_again(delivery.sink.name)  # the settings may be better ones now
            self._journal.subscribe(delivery.wake)
        interval = loaded.settings.reporting.heartbeat_interval_s
        self._teller = Teller(seeing.device, self._journal, self._clock, interval, Random(), self._counters)  # noqa: S311 - jitter
        backoff = self._backoff(self._budgets.restart_base_s, self._budgets.restart_cap_s)
        self._supervisor = Supervisor(self._workers(), self._clock, backoff, self._budgets, self._manager.alive)

    def run(self) -> int:
        """Run on this thread, which must be the main one; signals ask it to stop."""
        self._teller.started()
        sys.setswitchinterval(_SWITCH_S)
        with _signals(self._supervisor.stop):
            status = self._supervisor.run()
        self._manager.stopping()
        self._teller.stopped("it was told to" if status == EXIT_STOPPED else "a part of it could not be kept alive")
        return status

    def close(self) -> None:
        """Close what holds files and connections."""
        for delivery in self._deliveries:
            getattr(delivery.sink, "close", _nothing)()
        self._hints.close()
        if self._launches is not None:
            self._launches.close()
        self._journal.close()

    def _workers(self) -> list[Worker]:
        mailbox = Mailbox(self._budgets.beat_every_s)
        stages = Stages(self._assess, self._encode, self._announce, self._publish)
        budgets = {self._eyes.processes.name: replace(self._budgets, look_gap_min_s=self._budgets.launch_gap_min_s)}
        watchers = [
            Watcher(source, mailbox, self._clock, budgets.get(source.name, self._budgets))
            for source in self._eyes.sources
        ]
        subscriptions = [(watcher.source, watcher.wake) for watcher in watchers]
        self._hints = Hints(NativeWatcher(), subscriptions, self._clock)
        self._eyes.processes.tell_moved(next(wake for source, wake in subscriptions if source is self._eyes.configs))
        if self._launches is not None:
            self._launches.subscribe(next(wake for source, wake in subscriptions if source is self._eyes.processes))
        return [
            Pipeline(mailbox, self._journal, self._clock, stages, self._budgets),
            *watchers,
            self._hints,
            *([self._launches] if self._launches is not None else []),
            *self._deliveries,
            Ticker("heart", _STATUS_REFRESH_S / 2, self._tick, self._budgets),
        ]

    def _destinations(self, state: Path) -> Iterator[Destination]:
        unusable = []
        for found in destinations(self._settings, state, self._eyes.device.id, self._clock):
            if isinstance(found, Unusable):
                unusable.append(found.text)
            else:
                yield found
        self._hold("endpoint.unusable", " · ".join(unusable) or None)
        far = self._settings.endpoint.url is not None or self._settings.destination
        self._hold("endpoint.none", None if far else "")

    def _delivery(self, destination: Destination) -> Delivery:
        backoff = self._backoff(self._budgets.delivery_base_s, self._budgets.delivery_cap_s)
        hold = backoff.random.uniform(0.0, self._budgets.start_spread_s) if destination.far else 0.0
        abort = getattr(destination.sink, "abort", _nothing)
        sink = destination.sink
        return Delivery(sink, self._journal, self._clock, backoff, self._budgets, abort, hold_s=hold)

    def _backoff(self, base_s: float, cap_s: float) -> Backoff:
        return Backoff(Random(), base_s, cap_s)  # noqa: S311 - jitter, not secrets

    # The pipeline's stages

    def _assess(self, world: World) -> Assessment:
        world = replace(world, memory=self._remembering.memory)
        blind = self._blindness.of(world.coverage, self._clock.monotonic())
        assessment, self._judged = assess(
            world,
            self._eyes.terms,
            self._judged,
            now=self._clock.now(),
            blind=blind,
            conditions=self._health.rows(),
        )
        self._assessment = assessment
        self._uids = {look.user.name: look.user.uid for look in world.configs or () if look.user.uid is not None}
        self._versions = {
            (look.user.name, client): version
            for look in world.configs or ()
            for client, version in look.client_versions.items()
        }
        if assessment.complete:
            self._remembering.keep(assessment.memory)
        if self._launches is not None and self._judged is not None:
            self._launches.expect(self._judged.files.startable)
        return assessment

    def _encode(self, change: Change) -> Sequence[JSON]:
        policy = self._assessment.policy if self._assessment is not None else None
        circumstances = Circumstances(policy.digest if policy is not None else "", self._versions)
        return finding_events(self._eyes.device, change, circumstances)

    def _announce(self, changes: Sequence[Change]) -> None:
        self._untold = (*self._untold, *changes) if self._told_first else ()

    def _publish(self, assessment: Assessment, problem: str | None) -> None:
        if not assessment.complete:
            return
        self._hold("journal.failing", problem)
        document = self._publisher.publish(assessment)
        self._teller.look(document)
        if self._untold:  # told with the document that they led to, not with the one before
            changes, self._untold = self._untold, ()
            self._audience.changes(changes, document)
        if not self._told_first:
            self._told_first = True
            self._manager.ready()
            self._audience.first(document)

    # Now and then

    def _tick(self) -> None:
        self._look_at_health()
        self._publisher.refresh()
        document = self._publisher.last
        if document is not None:
            self._teller.health(document.health)
            self._teller.heartbeat(document)
            self._manager.says(document.check.summary.why)

    def _look_at_health(self) -> None:
        crashed = [f"{worker.name} ({worker.last_crash})" for worker in self._supervisor.health() if worker.restarts]
        self._hold("worker.restarted", ", ".join(crashed) or None)
        problems = [f"{row.sink}: {row.problem}" for d in self._deliveries if (row := d.health()).problem]
        self._hold("delivery.failing", ", ".join(problems) or None)
        missing = self._hints.health.unwatched
        self._hold("watch.limited", f"{missing} folders are not watched" if missing else None)
        overruns = self._launches.counts.overruns if self._launches is not None else 0
        self._hold("launches.lost", f"{overruns} times since the agent started" if overruns else None)
        self._hold("memory.lost", self._remembering.problem)
        self._hold("journal.tampered", self._tampered)
        with contextlib.suppress(OSError):  # the journal's own condition tells of a full disk
            drop(self._state, self._state / JOURNAL)
        recovery = self._journal.recovery
        self._hold("journal.replaced", f"{recovery.reason}, kept as {recovery.kept_as}" if recovery else None)
        with contextlib.suppress(StoreError):
            counters = self._journal.counters()
            lost = {reason: number for reason, number in counters.dropped.items() if number and reason != FOLDED}
            dropped = ", ".join(f"{number} {reason}" for reason, number in lost.items())
            self._hold("delivery.dropped", dropped or None)
            apart = [
                f"{name}: {row.set_aside} ({row.set_aside_reason})"
                for name, row in counters.sinks.items()
                if row.set_aside
            ]
            self._hold("delivery.refused", ", ".join(apart) or None)

    def _hold(self, code: str, text: str | None) -> None:
        if text is None:
            self._health.clear(code)
        else:
            self._health.set(code, text)

    def _facts(self, settings: Settings) -> Facts:
        return Facts(
            device=self._eyes.device,
            started_at=self._clock.now(),
            pid=os.getpid(),
            stale_after_s=settings.reporting.status_stale_after_s,
            refresh_s=_STATUS_REFRESH_S,
            health=self._health,
            opened=self._opened,
            delivery=self._delivery_rows,
            process_events=self._launches.how if self._launches is not None else "",
            standing_since=self._since,
            metrics_file=settings.metrics.textfile,
            tables_file=self._state / TABLES_FILE if settings.osquery.database else None,
            dropped=self._dropped,
            uids=(lambda: self._uids) if this_machine().privileged else None,
            counters=self._counters,
        )

    def _since(self, state: str) -> float | None:
        return self._teller.since(state)

    def _dropped(self) -> Mapping[str, int]:
        try:
            return self._journal.counters().dropped
        except StoreError:
            return {}

    def _counters(self) -> dict[str, int]:
        if self._launches is None:
            return {}
        counts = self._launches.counts
        return {"launches": counts.started, "launches_missed": counts.missed, "launch_overruns": counts.overruns}

    def _opened(self) -> tuple[Record, ...]:
        try:
            return self._journal.open_deviations()
        except StoreError:
            return ()

    def _delivery_rows(self) -> tuple[DeliveryRow, ...]:
        try:
            waiting = {name: backlog.waiting for name, backlog in self._journal.counters().sinks.items()}
        except StoreError:
            waiting = {}
        rows = [delivery.health() for delivery in self._deliveries]
        return tuple(DeliveryRow(r.sink, waiting.get(r.sink, 0), r.last_accepted_at, r.problem) for r in rows)


@contextlib.contextmanager
def _signals(stop: Callable[[], None]) -> Iterator[None]:
    numbers = [signal.SIGTERM, signal.SIGINT, *([signal.SIGHUP] if hasattr(signal, "SIGHUP") else [])]
    before = {number: signal.signal(number, lambda *_: stop()) for number in numbers}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _nothing() -> None:
    """Do nothing."""


__all__ = ["JOURNAL", "REPORTS", "Audience", "DeviceRow", "https_sink", "run_daemon"]
