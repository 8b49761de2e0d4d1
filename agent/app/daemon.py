"""The resident agent: workers over one journal, from the sources to the destinations."""

import contextlib
import logging
import os
import signal
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random

from agent import __version__
from agent.app.looking import Eyes, Target, eyes, launches
from agent.config.settings import Endpoint, Loaded, Settings
from agent.core.assess import Assessment, assess
from agent.core.assess.assess import Judged
from agent.core.assess.blind import Blindness
from agent.core.documents import DeliveryRow, DeviceRow, StatusDocument
from agent.core.event import PRODUCT, finding_event, heartbeat_event
from agent.core.ledger import Change, Record
from agent.core.world import World
from agent.host.lock import AlreadyHeldError, held
from agent.host.machine import Machine, OwnPaths, device_id, own_folder
from agent.host.process_events import NoEvents
from agent.host.watching import NativeWatcher
from agent.ports import JSON, CannotStart, Sink, StoreError
from agent.runtime.backoff import Backoff
from agent.runtime.budgets import Budgets
from agent.runtime.clock import SystemClock
from agent.runtime.delivery import Delivery
from agent.runtime.mailbox import Mailbox
from agent.runtime.pipeline import Pipeline, Stages
from agent.runtime.supervisor import Supervisor
from agent.runtime.ticker import Ticker
from agent.runtime.waiting import Worker
from agent.runtime.watcher import Watcher
from agent.sinks.https import HttpsLimits, HttpsSink, HttpsTarget
from agent.sinks.jsonl import JsonlSink
from agent.sources.hints import Hints
from agent.sources.launches import Launches
from agent.status.health import Health
from agent.status.publisher import Facts, Publisher
from agent.store.journal import Journal, Retention

log = logging.getLogger(__name__)

JOURNAL = "journal.sqlite3"
REPORTS = "reports.jsonl"
_STATUS_REFRESH_S = 60.0
_SECRET_MAX_BYTES = 65_536


@dataclass(frozen=True, slots=True)
class Audience:
    """Who is told as it happens: `first` gets the status when everything was judged once, `changes` what changed since."""

    first: Callable[[StatusDocument], None]
    changes: Callable[[Sequence[Change], StatusDocument | None], None]


def run_daemon(target: Target, loaded: Loaded, machine: Machine, paths: OwnPaths, audience: Audience) -> int:
    """Run until a signal says stop, or until a part cannot be kept alive; return the exit status.

    Raises:
        CannotStart: the state folder cannot be used, another agent uses it, or a named user does not exist.
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
        seeing = eyes(target, loaded.settings, machine, device, told)
        agent = _Agent(seeing, loaded, paths.state, audience, noticing)
        stack.callback(agent.close)
        return agent.run()


class _Agent:
    """Everything that lives as long as the daemon does."""

    def __init__(
        self, seeing: Eyes, loaded: Loaded, state: Path, audience: Audience, noticing: Launches | NoEvents
    ) -> None:
        self._eyes, self._audience = seeing, audience
        self._launches = noticing if isinstance(noticing, Launches) else None
        self._settings = loaded.settings
        self._clock = SystemClock()
        self._budgets = Budgets()
        self._judged: Judged | None = None
        self._blindness = Blindness(loaded.settings.reporting.blind_after_s)
        self._told_first = False
        self._heartbeat_due = 0.0
        self._health = Health(self._clock)
        if loaded.problems:
            self._health.set("settings.invalid", " · ".join(str(problem) for problem in loaded.problems))
        if isinstance(noticing, NoEvents):
            self._health.set("launches.unnoticed", noticing.reason)
        retention = Retention(outbox_max_bytes=loaded.settings.journal.max_bytes)
        self._journal = Journal(state / JOURNAL, self._clock.now, device=seeing.device.id, retention=retention)
        self._publisher = Publisher(state, self._clock, self._facts(loaded.settings))
        self._deliveries = tuple(self._delivery(sink) for sink in self._sinks(loaded.settings, state))
        self._journal.use_sinks([delivery.sink.name for delivery in self._deliveries])
        for delivery in self._deliveries:
            self._journal.subscribe(delivery.wake)
        self._supervisor = Supervisor(self._workers(), self._clock, self._backoff(1.0, 60.0), self._budgets)

    def run(self) -> int:
        """Run on this thread, which must be the main one; signals ask it to stop."""
        with _signals(self._supervisor.stop):
            return self._supervisor.run()

    def close(self) -> None:
        """Close what holds files and connections."""
        for delivery in self._deliveries:
            if isinstance(delivery.sink, HttpsSink):
                delivery.sink.close()
        self._hints.close()
        if self._launches is not None:
            self._launches.close()
        self._journal.close()

    def _workers(self) -> list[Worker]:
        mailbox = Mailbox(self._budgets.beat_every_s)
        stages = Stages(self._assess, self._encode, self._announce, self._publish)
        watchers = [Watcher(source, mailbox, self._clock, self._budgets) for source in self._eyes.sources]
        subscriptions = [(watcher.source, watcher.wake) for watcher in watchers]
        self._hints = Hints(NativeWatcher(), subscriptions, self._clock)
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

    def _sinks(self, settings: Settings, state: Path) -> Iterator[Sink]:
        if settings.jsonl.enabled:
            yield JsonlSink(settings.jsonl.path or state / REPORTS, settings.jsonl.max_bytes)
        if settings.endpoint.url is None:
            self._health.set("endpoint.none", "")
            return
        try:
            yield https_sink(settings.endpoint, self._eyes.device.id, self._clock)
        except (OSError, ValueError) as error:
            text = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
            self._health.set("delivery.failing", f"the endpoint's settings cannot be used: {text}")

    def _delivery(self, sink: Sink) -> Delivery:
        backoff = self._backoff(self._budgets.delivery_base_s, self._budgets.delivery_cap_s)
        abort = sink.abort if isinstance(sink, HttpsSink) else lambda: None
        return Delivery(sink, self._journal, self._clock, backoff, self._budgets, abort)

    def _backoff(self, base_s: float, cap_s: float) -> Backoff:
        return Backoff(Random(), base_s, cap_s)  # noqa: S311 - jitter, not secrets

    # The pipeline's stages

    def _assess(self, world: World) -> Assessment:
        blind = self._blindness.of(world.coverage, self._clock.monotonic())
        assessment, self._judged = assess(world, self._eyes.terms, self._judged, now=self._clock.now(), blind=blind)
        if self._launches is not None and self._judged is not None:
            self._launches.expect(self._judged.startable)
        return assessment

    def _encode(self, change: Change) -> Sequence[JSON]:
        return [
            finding_event(
                self._eyes.device,
                change.deviation,
                change.kind,
                at=change.at,
                first_seen=change.first_seen,
                last_seen=change.last_seen,
            )
        ]

    def _announce(self, changes: Sequence[Change]) -> None:
        if self._told_first and changes:
            self._audience.changes(changes, self._publisher.last)

    def _publish(self, assessment: Assessment, problem: str | None) -> None:
        if not assessment.complete:
            return
        self._hold("journal.failing", problem)
        document = self._publisher.publish(assessment)
        if not self._told_first:
            self._told_first = True
            self._audience.first(document)

    # Now and then

    def _tick(self) -> None:
        self._look_at_health()
        self._publisher.refresh()
        now = self._clock.monotonic()
        document = self._publisher.last
        if document is not None and now >= self._heartbeat_due:
            self._heartbeat_due = now + self._settings.reporting.heartbeat_interval_s
            event = heartbeat_event(document, at=self._clock.now())
            with contextlib.suppress(StoreError):  # the pipeline's next commit says so in health
                self._journal.append([event], self._clock.now())

    def _look_at_health(self) -> None:
        crashed = [f"{worker.name} ({worker.last_crash})" for worker in self._supervisor.health() if worker.restarts]
        self._hold("worker.restarted", ", ".join(crashed) or None)
        problems = [f"{row.sink}: {row.problem}" for d in self._deliveries if (row := d.health()).problem]
        if not (self._settings.endpoint.url is not None and len(self._deliveries) < 1 + self._settings.jsonl.enabled):
            self._hold("delivery.failing", ", ".join(problems) or None)
        missing = self._hints.health.unwatched
        self._hold("watch.limited", f"{missing} folders are not watched" if missing else None)
        overruns = self._launches.counts.overruns if self._launches is not None else 0
        self._hold("launches.lost", f"{overruns} times since the agent started" if overruns else None)
        recovery = self._journal.recovery
        self._hold("journal.replaced", f"{recovery.reason}, kept as {recovery.kept_as}" if recovery else None)
        with contextlib.suppress(StoreError):
            counters = self._journal.counters()
            dropped = ", ".join(f"{number} {reason}" for reason, number in counters.dropped.items() if number)
            self._hold("delivery.dropped", dropped or None)

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
            counters=self._counters,
        )

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


def https_sink(endpoint: Endpoint, device: str, clock: SystemClock) -> HttpsSink:
    """Return the sink of the configured endpoint.

    Raises:
        OSError: a file with a credential cannot be read.
        ValueError: the URL is not one that may be used.
    """
    token = _secret(endpoint.token_file)
    target = HttpsTarget(
        url=endpoint.url or "",
        device_id=device,
        agent=f"{PRODUCT}/{__version__}",
        token=token.decode("ascii").strip() if token else None,
        hmac_key=_secret(endpoint.hmac_key_file),
        ca_file=endpoint.ca_file,
        cert_file=endpoint.client_certificate_file,
        key_file=endpoint.client_key_file,
    )
    limits = HttpsLimits(
        connect_s=endpoint.connect_timeout_s, read_s=endpoint.read_timeout_s, total_s=endpoint.total_timeout_s
    )
    return HttpsSink(target, clock, limits)


def _secret(file: Path | None) -> bytes | None:
    if file is None:
        return None
    if not file.is_file():
        raise ValueError(f"{file} is not there, or is no regular file")
    with file.open("rb") as stream:
        return stream.read(_SECRET_MAX_BYTES).strip()


@contextlib.contextmanager
def _signals(stop: Callable[[], None]) -> Iterator[None]:
    numbers = [signal.SIGTERM, signal.SIGINT, *([signal.SIGHUP] if hasattr(signal, "SIGHUP") else [])]
    before = {number: signal.signal(number, lambda *_: stop()) for number in numbers}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


__all__ = ["Audience", "DeviceRow", "https_sink", "run_daemon"]
