"""The resident agent: workers over one journal, from the sources to the destinations."""

import contextlib
import os
import signal
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from random import Random

from agent.app.asked import AskedLook
from agent.app.audience import Audience, ServiceManager
from agent.app.deciding import Deciding
from agent.app.delivering import deliveries
from agent.app.figures import Figures
from agent.app.listening import Listening, listening
from agent.app.looking import Eyes, Known, Target, eyes
from agent.app.remembering import Remembering, RememberingServers
from agent.app.restating import Restating
from agent.app.sender import Sender
from agent.app.telling import Teller
from agent.app.tending import Tending
from agent.app.waits import Waits
from agent.app.whereto import KeepingHabits
from agent.config.settings import Loaded
from agent.core.assess.blind import Blindness
from agent.core.sparing import Sparing
from agent.host.lock import AlreadyHeldError, held
from agent.host.machine import Machine, OwnPaths, device_id, own_folder, this_machine
from agent.host.memory import give_back
from agent.host.own import own_facts, own_places
from agent.host.power import Power
from agent.host.watching import NativeWatcher
from agent.ports import Asked, CannotStart, StoreError
from agent.runtime.backoff import Backoff
from agent.runtime.budgets import Budgets
from agent.runtime.clock import SystemClock
from agent.runtime.mailbox import Mailbox
from agent.runtime.pipeline import Pipeline
from agent.runtime.supervisor import EXIT_STOPPED, End, Supervisor, WorkerHealth
from agent.runtime.ticker import Ticker
from agent.runtime.waiting import Patience, Worker, usual
from agent.runtime.watcher import Watcher
from agent.sources.hints import Hints
from agent.sources.walk import EVERY_S
from agent.status.health import Health
from agent.status.public import FOLDER
from agent.status.publisher import Facts, Publisher
from agent.status.tables import FILE_NAME as TABLES_FILE
from agent.store.anchor import drop, tampered
from agent.store.journal import JOURNAL, Journal, retention_within
from agent.store.whereto import load

_SWITCH_S = 0.0005
"""What a thread waits for another at most: from the word of a start to the judgement it goes through three of them."""

_STATUS_REFRESH_S = 60.0
_GIVE_BACK_S = 60.0
"""Between two times that free memory goes back to the system: a millisecond of work."""


def run_daemon(
    target: Target, loaded: Loaded, machine: Machine, paths: OwnPaths, audience: Audience, manager: ServiceManager
) -> int:
    """Run until a signal says stop, or until a part cannot be kept alive; return the exit status.

    Raises:
        CannotStart: the state folder or the journal in it cannot be used, another agent uses it, or a named user does not exist.
    """
    try:
        exposed = own_folder(paths.state)
        device = device_id(paths.state, create=True)
    except OSError as error:
        raise CannotStart(f"the state folder {paths.state} cannot be used: {error.strerror}") from None
    with contextlib.ExitStack() as stack:
        try:
            stack.enter_context(held(paths.state / "agent.lock"))
        except AlreadyHeldError:
            raise CannotStart(f"another agent is running with the state folder {paths.state}") from None
        heard = listening()
        own = partial(own_facts, own_places(paths), paths.state / FOLDER) if machine.privileged else tuple
        known = Known(own=own, where_to=load(paths.state), writers=heard.writing.last if target.root is None else dict)
        seeing = eyes(target, loaded.settings, machine, device, heard.launches, known)
        try:
            agent = _Agent(seeing, loaded, paths.state, (audience, manager), heard)
        except StoreError as error:
            raise CannotStart(f"{error}. Make room there or correct the rights, and start again") from None
        stack.callback(agent.close)
        return agent.run(exposed)


class _Agent:
    """Everything that lives as long as the daemon does."""

    def __init__(
        self,
        seeing: Eyes,
        loaded: Loaded,
        state: Path,
        told: tuple[Audience, ServiceManager],
        heard: Listening,
    ) -> None:
        audience, self._manager = told
        self._eyes, self._settings, self._state = seeing, loaded.settings, state
        self._launches, self._listening = heard.launches, heard
        self._keeping, self._servers = KeepingHabits(state, seeing.habits), RememberingServers(state)
        self._clock, self._budgets, self._power = SystemClock(), Budgets(), Power()
        self._waits = Waits(Sparing(self._power.on_battery), self._launches, lambda: self._hints.health)
        self._health = Health(self._clock)
        self._health.hold("settings.invalid", " · ".join(str(problem) for problem in loaded.problems) or None)
        self._health.hold("launches.unnoticed", self._launches.problem)
        self._health.hold("launches.hindered", self._launches.hindered)
        self._health.hold("writers.unnoticed", heard.writing.problem)
        found = tampered(state, state / JOURNAL)
        self._health.hold("journal.tampered", found)
        retention = retention_within(self._settings.journal.max_bytes)
        self._journal = Journal(state / JOURNAL, self._clock.now, device=seeing.device.id, retention=retention)
        self._asked = AskedLook(self._clock)
        self._restating = Restating(self._journal, self._asked.wake)
        sender = Sender(state, self._journal.device_id, seeing.device.hostname, self._hear, self._admitted)
        self._deliveries = deliveries(
            self._settings, sender, self._journal, self._clock, self._budgets, self._health, self._waits.batch
        )
        figures = Figures(self._journal, self._deliveries, self._launches, lambda: self._hints.health)
        interval = self._settings.reporting.heartbeat_interval_s
        self._teller = Teller(
            seeing.device,
            self._journal,
            self._clock,
            interval,
            _random(),
            figures.counters,
            self._asked.looked_at,
            lambda: self._restating.wanted,
        )
        publisher = self._publisher = Publisher(state, self._clock, self._facts(figures))
        remembering = Remembering(state)
        deciding = Deciding(
            eyes=seeing,
            clock=self._clock,
            health=self._health,
            blindness=Blindness(self._settings.reporting.blind_after_s),
            remembering=remembering,
            servers=self._servers,
            launches=self._launches,
            publisher=publisher,
            teller=self._teller,
            audience=audience,
            manager=self._manager,
        )
        workers = self._watching(deciding)
        tending = Tending(
            health=self._health,
            journal=self._journal,
            deliveries=self._deliveries,
            workers=self._workers,
            hints=self._hints,
            listening=self._listening,
            remembering=remembering,
            tampered=found,
            state=state,
            publisher=publisher,
            teller=self._teller,
            manager=self._manager,
            asked=self._asked,
        )
        self._supervisor = Supervisor(
            [*workers, *self._now_and_then(tending)],
            self._clock,
            Backoff(_random(), self._budgets.restart_base_s, self._budgets.restart_cap_s),
            self._budgets,
            self._manager.alive,
            End(self._deliveries, self._farewell),
        )

    def run(self, exposed: str | None) -> int:
        """Run on this thread, which must be the main one; signals ask it to stop. `exposed`: what `own_folder` found."""
        self._health.hold("state.exposed", exposed)
        self._teller.started()
        sys.setswitchinterval(_SWITCH_S)
        with _signals(self._supervisor.stop):
            return self._supervisor.run()

    def _hear(self, asked: Asked) -> None:
        """Do what the endpoint asks for."""
        if asked.look is not None:
            self._asked.ask(asked.look)
        self._restating.ask(asked.restate)

    def _admitted(self) -> None:
        """Tell the endpoint that let this device in what it may not know."""
        with contextlib.suppress(StoreError):  # which the next commit says in health
            self._journal.tell_anew()

    def _farewell(self, status: int) -> None:
        """Tell that the agent ends, while there is still somebody to carry it away."""
        self._manager.stopping()
        self._teller.stopped("it was told to" if status == EXIT_STOPPED else "a part of it could not be kept alive")

    def close(self) -> None:
        """Say that the agent ends, and close what holds files and connections."""
        self._publisher.end()
        for delivery in self._deliveries:
            delivery.sink.close()
        self._hints.close()
        self._listening.close()
        with contextlib.suppress(OSError):
            drop(self._state, self._journal.path)  # how far it came in the end, its farewell included
        self._journal.close()
        self._keep()

    def _keep(self) -> None:
        """Write what the next start should know."""
        self._keeping.keep()
        self._servers.keep()

    def _watching(self, deciding: Deciding) -> list[Worker]:
        """Return the workers from the sources to the journal."""
        mailbox = Mailbox(self._budgets.beat_every_s)
        often = replace(
            self._budgets,
            look_gap_min_s=self._budgets.launch_gap_min_s,
            look_ahead_s=self._budgets.launch_ahead_s,
        )
        budgets = {self._eyes.processes.name: often}
        patience: dict[str, Patience] = {
            self._eyes.processes.name: self._waits.sweep,
            self._eyes.configs.name: self._waits.configs,
        }
        watchers = [
            Watcher(
                source,
                mailbox,
                self._clock,
                budgets.get(source.name, self._budgets),
                patience=patience.get(source.name, usual),
            )
            for source in self._eyes.sources
        ]
        self._asked.watchers = watchers
        subscriptions = [(watcher.source, watcher.wake) for watcher in watchers]
        self._hints = Hints(NativeWatcher(), subscriptions, self._clock)
        for watcher in watchers:
            watcher.moved = self._hints.wake
        self._eyes.habits.subscribe(next(wake for source, wake in subscriptions if source is self._eyes.configs))
        self._launches.subscribe(next(wake for source, wake in subscriptions if source is self._eyes.processes))
        self._listening.writing.watch(self._eyes.managed.folders())
        return [
            Pipeline(mailbox, self._journal, self._clock, deciding.stages, self._budgets),
            *watchers,
            self._hints,
            self._eyes.digests,
            *self._listening.workers,
        ]

    def _now_and_then(self, tending: Tending) -> list[Worker]:
        walk = self._eyes.habits.walk
        return [
            Ticker("heart", _STATUS_REFRESH_S / 2, tending.tick, self._budgets),
            Ticker("memory", _GIVE_BACK_S, give_back, self._budgets),
            Ticker("habits", _STATUS_REFRESH_S, self._keep, self._budgets),
            *([Ticker("walk", EVERY_S, walk.step, self._budgets, self._waits.walk)] if walk is not None else []),
        ]

    def _workers(self) -> tuple[WorkerHealth, ...]:
        return self._supervisor.health()

    def _facts(self, figures: Figures) -> Facts:
        return Facts(
            device=self._eyes.device,
            started_at=self._clock.now(),
            pid=os.getpid(),
            stale_after_s=self._settings.reporting.status_stale_after_s,
            refresh_s=_STATUS_REFRESH_S,
            health=self._health,
            opened=figures.opened,
            delivery=figures.delivery,
            process_events=lambda: self._launches.how,
            on_battery=self._power.on_battery,
            standing_since=self._teller.since,
            metrics_file=self._settings.metrics.textfile,
            tables_file=self._state / TABLES_FILE if self._settings.osquery.database else None,
            dropped=figures.dropped,
            public=this_machine().privileged,
            counters=figures.counters,
        )


@contextlib.contextmanager
def _signals(stop: Callable[[], None]) -> Iterator[None]:
    numbers = [signal.SIGTERM, signal.SIGINT, *([signal.SIGHUP] if hasattr(signal, "SIGHUP") else [])]
    before = {number: signal.signal(number, lambda *_: stop()) for number in numbers}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _random() -> Random:
    return Random()  # noqa: S311 - jitter, not secrets
