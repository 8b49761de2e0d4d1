"""One thread per destination in every copy of the program; the database says which copy carries which destination now."""

import logging
import secrets
import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from random import Random

from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from agent.ports import Clock, Sink
from agent.runtime.backoff import Backoff
from agent.runtime.budgets import Budgets
from agent.runtime.delivery import Delivery, DeliveryHealth
from central.delivering.outbox import FeedOutbox
from central.delivering.written import Pushed
from central.store import cursors
from central.store.engine import writing

log = logging.getLogger(__name__)

_LEASE_S = 60.0
"""How much longer than an attempt may take a copy carries a destination: an indexer may be slow, and clocks differ."""

BUDGETS = Budgets(delivery_cap_s=300.0)


@dataclass(eq=False)
class Couriers:
    """`look_s` is how often a destination that has all looks for more, in seconds."""

    engine: Engine
    clock: Clock
    sinks: Sequence[tuple[Pushed, Sink]]
    look_s: float = 0.5
    stop_s: float = 5.0
    holder: str = field(default_factory=lambda: secrets.token_hex(8), init=False)
    _ending: threading.Event = field(default_factory=threading.Event, init=False)
    _threads: list[threading.Thread] = field(default_factory=list, init=False)
    deliveries: tuple[Delivery, ...] = field(default=(), init=False)

    def __post_init__(self) -> None:
        self.deliveries = tuple(self._delivery(item, sink) for item, sink in self.sinks)

    def start(self) -> None:
        """Begin."""
        self.know()
        for delivery in self.deliveries:
            thread = threading.Thread(target=self._carry, args=(delivery,), name=delivery.name, daemon=True)
            thread.start()
            self._threads.append(thread)

    def know(self) -> None:
        """Have a cursor for each destination; one that is new begins with what comes from now on."""
        with writing(self.engine) as connection:
            for delivery in self.deliveries:
                cursors.know(connection, delivery.sink.name)

    def stop(self) -> None:
        """End attempts that are under way, and let other copies go on."""
        self._ending.set()
        for delivery in self.deliveries:
            delivery.give_up()
        for thread in self._threads:
            thread.join(self.stop_s)
        try:
            with writing(self.engine) as connection:
                cursors.leave(connection, self.holder)
        except SQLAlchemyError as error:
            log.warning("other copies wait for the lease to end: %s", type(error).__name__)

    def health(self) -> Sequence[DeliveryHealth]:
        """Return how each destination does, as far as this copy carries it."""
        return [delivery.health() for delivery in self.deliveries]

    def _delivery(self, item: Pushed, sink: Sink) -> Delivery:
        outbox = FeedOutbox(self.engine, self.holder, self.clock.now, item.total_timeout_s + _LEASE_S)
        backoff = Backoff(Random(), BUDGETS.delivery_base_s, BUDGETS.delivery_cap_s)  # noqa: S311 - jitter, not secrets
        return Delivery(sink, outbox, self.clock, backoff, BUDGETS)

    def _carry(self, delivery: Delivery) -> None:
        told: str | None = None
        while not self._ending.is_set():
            try:
                wait_s = delivery.step()
                if delivery.problem != told:
                    self._tell(delivery)
                    told = delivery.problem
            except Exception:
                log.exception("%s goes on later", delivery.name)
                wait_s = self.look_s
            self._ending.wait(self.look_s if wait_s is None else wait_s)

    def _tell(self, delivery: Delivery) -> None:
        """Let the cursor say what hinders the destination: that is what people see, whichever copy they ask."""
        try:
            with writing(self.engine) as connection:
                cursors.trouble(connection, delivery.sink.name, delivery.problem or "", self.clock.now())
        except SQLAlchemyError as error:
            log.warning("%s: cannot be noted: %s", delivery.name, type(error).__name__)
