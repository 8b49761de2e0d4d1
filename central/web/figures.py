"""Figures for Prometheus, of this copy of the program; a scraper adds the copies up."""

from collections.abc import Callable, Iterable
from typing import Protocol

from prometheus_client import CollectorRegistry, Counter, Gauge, generate_latest

from central.asking.destinations import DestinationLine
from central.core.receive import Taken
from central.core.refusal import Refusal

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"


class Delivered(Protocol):
    """How a destination does."""

    @property
    def sink(self) -> str:
        """What it is called."""
        ...

    @property
    def failures(self) -> int:
        """How many attempts in a row failed."""
        ...

    @property
    def last_accepted_at(self) -> float | None:
        """When it last took something."""
        ...


class Figures:
    """The counters, in a registry of their own."""

    def __init__(self, waiting: Callable[[], tuple[int, int]]) -> None:
        self._registry = CollectorRegistry()
        self._batches = Counter("mcpc_batches", "Batches by what became of them", ["outcome"], registry=self._registry)
        self._events = Counter("mcpc_events", "Events that were stored", registry=self._registry)
        self._repeats = Counter("mcpc_repeats", "Events that had been stored before", registry=self._registry)
        self._dropped = Counter("mcpc_events_dropped", "Events that were dropped", ["reason"], registry=self._registry)
        queued = Gauge("mcpc_batches_waiting", "Batches that wait to be stored", registry=self._registry)
        queued.set_function(lambda: waiting()[0])
        held = Gauge("mcpc_waiting_bytes", "Bytes of bodies that are read or wait", registry=self._registry)
        held.set_function(lambda: waiting()[1])

        self._deliveries: Callable[[], Iterable[Delivered]] = tuple
        self._failures = Gauge(
            "mcpc_destination_failures", "Failures in a row", ["destination"], registry=self._registry
        )
        self._accepted = Gauge(
            "mcpc_destination_accepted_seconds",
            "Unix time of the last success",
            ["destination"],
            registry=self._registry,
        )
        self._waiting, self._oldest, self._set_aside, self._stuck = (
            Gauge(f"mcpc_destination_{name}", said, ["destination"], registry=self._registry)
            for name, said in (
                ("waiting", "Alerts that are not pushed yet; the same in every copy"),
                ("oldest_seconds", "Unix time at which the oldest of them was stored, 0 where none waits"),
                ("set_aside", "Alerts that it was sent on without, ever; the same in every copy"),
                ("stuck", "1 where alerts wait and do not get through; the same in every copy"),
            )
        )

    def hear(self, outcome: Taken | Refusal) -> None:
        """Count what became of a batch."""
        if isinstance(outcome, Refusal):
            self._batches.labels(outcome.code).inc()
            return
        self._batches.labels("taken").inc()
        self._events.inc(outcome.events)
        self._repeats.inc(outcome.repeats)
        for code, number in outcome.refused.items():
            self._dropped.labels(code).inc(number)

    def pushed(self, lines: Iterable[DestinationLine]) -> None:
        """Show what the database says of the destinations: every copy says the same."""
        for each in lines:
            self._waiting.labels(each.name).set(each.waiting)
            self._oldest.labels(each.name).set(each.oldest or 0.0)
            self._set_aside.labels(each.name).set(each.set_aside)
            self._stuck.labels(each.name).set(each.state == "stuck")

    def follow(self, health: Callable[[], Iterable[Delivered]]) -> None:
        """Show how the destinations do, as far as this copy carries them."""
        self._deliveries = health

    def text(self) -> bytes:
        """Return the figures as Prometheus reads them."""
        for each in self._deliveries():
            self._failures.labels(each.sink).set(each.failures)
            self._accepted.labels(each.sink).set(each.last_accepted_at or 0.0)
        return generate_latest(self._registry)
